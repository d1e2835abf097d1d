import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Suspects } from '../../src/exporters/delivery/suspects.ts';
import type { Batch } from '../../src/exporters/exporter.ts';

const batch = (stampMs: number): Batch => ({
  group: 'node',
  stampMs,
  samples: 1,
  encoding: 'gzip',
  members: [],
  textBytes: 0,
});

test('rejections while nothing is accepted are never the batch’s fault', () => {
  const suspects = new Suspects();
  for (let time = 0; time < 1000; time++) assert.equal(suspects.rejected(batch(1)), false);
});

test('a batch rejected ten times while others are accepted in between is at fault', () => {
  const suspects = new Suspects();
  assert.equal(suspects.rejected(batch(1)), false);
  const refusals = Array.from({ length: 10 }, () => {
    suspects.accepted();
    // Another one, read again from disk.
    return suspects.rejected(batch(1));
  });
  assert.deepEqual(refusals, [...Array(9).fill(false), true]);
  assert.equal(suspects.rejected(batch(1)), false, 'and then starts again');
});

test('other batches are not confused with it, and the memory for this is bounded', () => {
  const suspects = new Suspects();
  for (let stamp = 0; stamp < 5000; stamp++) {
    suspects.accepted();
    assert.equal(suspects.rejected(batch(stamp)), false);
  }
});
