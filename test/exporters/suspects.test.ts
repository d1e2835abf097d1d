import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Suspects } from '../../src/exporters/delivery/suspects.ts';
import type { Body } from '../../src/exporters/exporter.ts';

const body = (stampMs: number): Body => ({
  group: 'node',
  stampMs,
  samples: 1,
  encoding: 'gzip',
  members: [],
  textBytes: 0,
});

test('what is refused while nothing is taken is never the body’s fault', () => {
  const suspects = new Suspects();
  for (let time = 0; time < 1000; time++) assert.equal(suspects.refused(body(1)), false);
});

test('what is refused ten times while others are taken in between is', () => {
  const suspects = new Suspects();
  assert.equal(suspects.refused(body(1)), false);
  const refusals = Array.from({ length: 10 }, () => {
    suspects.taken();
    // Another one, read anew from disk.
    return suspects.refused(body(1));
  });
  assert.deepEqual(refusals, [...Array(9).fill(false), true]);
  assert.equal(suspects.refused(body(1)), false, 'and then begins anew');
});

test('others are not taken for it, and what is remembered is bounded', () => {
  const suspects = new Suspects();
  for (let stamp = 0; stamp < 5000; stamp++) {
    suspects.taken();
    assert.equal(suspects.refused(body(stamp)), false);
  }
});
