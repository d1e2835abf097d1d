import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { currentNames } from '../scripts/names.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// "npm run generate" adds new names to the list and never removes one: a removed name has to be deleted manually, with a
// reason in the changelog, because configurations, dashboards and alerts of users depend on it.
test('no key of the configuration, route, value of the chart or metric was removed', () => {
  const listed = readFileSync(new URL('names.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  const now = new Set(currentNames(ROOT));
  assert.ok(listed.length > 2000, `${listed.length} names`);
  assert.deepEqual(
    listed.filter((name) => !now.has(name)),
    [],
  );
});
