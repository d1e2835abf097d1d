import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as z from 'zod';
import { optionsOf } from '../../scripts/metric-reference.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Sections with pages of their own, whose tables have the paths below the section. */
const PAGES: Readonly<Record<string, string>> = {
  'collectors.container': 'docs/metrics/container.md',
  'collectors.journal': 'docs/metrics/log.md',
  'collectors.kernel': 'docs/metrics/log.md',
  'collectors.ksm': 'docs/metrics/kube-state.md',
  'collectors.log': 'docs/metrics/log.md',
  'collectors.process': 'docs/metrics/process.md',
  'collectors.snmp': 'docs/metrics/log.md',
};

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** The paths of all settings, except those of the items of lists and maps. */
function pathsOf({ properties = {} }: Schema, path: string): string[] {
  const names = Object.entries(properties);
  return names.length === 0 ? [path] : names.flatMap(([name, schema]) => pathsOf(schema, `${path}.${name}`));
}

test('each setting of a collector is on the page of its section', () => {
  const schema = JSON.parse(textOf('docs/config.schema.json')) as Schema;
  const collectors = schema.properties?.collectors?.properties ?? {};
  let checked = 0;
  for (const [name, section] of Object.entries(collectors)) {
    const page = PAGES[`collectors.${name}`];
    if (page === undefined) continue;
    const text = textOf(page);
    // The sentence above the table mentions this one.
    const paths = pathsOf(section, '').filter((path) => path !== '.enabled');
    const missing = paths.map((path) => path.slice(1)).filter((path) => !text.includes(`\n| \`${path}\` |`));
    assert.deepEqual(missing, [], page);
    checked += paths.length;
  }
  assert.ok(checked > 80, `${checked} settings`);
});

test('a nested section has a row for its text and for each of its settings, with choices and default', () => {
  const options = z.strictObject({
    plain: z.string().optional().describe('A.'),
    nested: z
      .strictObject({
        mode: z.enum(['one', 'two']).default('one').describe('B.'),
        deeper: z.strictObject({ url: z.string().default('u').describe('C.') }).prefault({}),
      })
      .prefault({})
      .describe('Of all.'),
    changed: z
      .array(z.string().transform((text) => new RegExp(text)))
      .default([])
      .describe('D.'),
    required: z.array(z.string().transform((text) => new RegExp(text))).describe('E.'),
  });
  assert.deepEqual(optionsOf(options), [
    ['`plain`', '', 'A.'],
    ['`nested`', '', 'Of all.'],
    ['`nested.mode`', '`"one"`', '`one`, `two`. B.'],
    ['`nested.deeper.url`', '`"u"`', 'C.'],
    ['`changed`', '`[]`', 'D.'],
    ['`required`', '', 'E.'],
  ]);
});
