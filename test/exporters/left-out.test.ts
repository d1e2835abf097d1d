import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeftOutFamilies } from '../../src/exporters/delivery/left-out.ts';

const HOUR_MS = 3_600_000;

test('a family is omitted from its group for an hour, then tried again, then included or omitted again', () => {
  let now = 1000;
  const leftOut = new LeftOutFamilies(() => now);
  leftOut.add('node', 'up', 'is not a GAUGE');
  leftOut.add('process', 'up', 'is not a GAUGE');
  assert.deepEqual(leftOut.of('node'), new Set(['up']));
  assert.equal(leftOut.of('ksm'), undefined);
  assert.deepEqual([leftOut.onTrial('node'), leftOut.accepted('node')], [[], []]);

  now += HOUR_MS;
  assert.equal(leftOut.of('node'), undefined);
  assert.deepEqual(leftOut.onTrial('node'), ['up']);
  leftOut.add('node', 'up', 'is still not a GAUGE');
  assert.deepEqual(leftOut.of('node'), new Set(['up']));
  const again = leftOut.all.find(({ group }) => group === 'node');
  assert.deepEqual([again?.sinceMs, again?.retryMs], [1000, now + HOUR_MS]);

  now += HOUR_MS;
  assert.deepEqual(leftOut.accepted('node'), ['up']);
  assert.deepEqual(
    leftOut.all.map(({ group }) => group),
    ['process'],
  );
});

test('filtered members are cached as long as the same families are omitted', () => {
  const leftOut = new LeftOutFamilies(() => 0);
  const cache = leftOut.cacheOf('ksm', new Set(['a', 'b']));
  assert.equal(leftOut.cacheOf('ksm', new Set(['b', 'a'])), cache);
  assert.notEqual(leftOut.cacheOf('ksm', new Set(['a'])), cache);
});
