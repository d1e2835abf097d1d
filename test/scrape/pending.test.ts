import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PendingScrapes } from '../../src/scrape/pending.ts';

test('of more ended series than may wait, those that fit are kept and the others counted', () => {
  const pending = new PendingScrapes(
    'it',
    1,
    () => assert.fail('nothing is dropped'),
    () => [],
  );
  const keys = (count: number) => Array.from({ length: count }, (_, index) => `it{n="${index}"}`.padEnd(1024, '#'));
  pending.add(undefined, [], keys(16_000));
  pending.add(undefined, [], keys(1000));
  const { keys: kept, lost } = pending.takeEnded();
  assert.deepEqual([kept.length, lost], [16 * 1024, 17_000 - 16 * 1024]);
  assert.deepEqual(pending.takeEnded(), { keys: [], lost: 0 });
  pending.add(undefined, [], keys(10));
  assert.equal(pending.takeEnded().keys.length, 10);
});
