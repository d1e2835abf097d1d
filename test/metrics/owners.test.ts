import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gauge } from '../../src/metrics/family.ts';
import { FamilyOwners } from '../../src/metrics/owners.ts';
import type { Run } from '../../src/metrics/run.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';

const heat = gauge('heat_celsius', 'Heat.');

function snapshotAfter(previous: Snapshot | undefined, ...families: (typeof heat)[]): Snapshot {
  const out = new Snapshot(previous);
  for (const one of families) out.add(one, 1);
  out.close();
  return out;
}

const runOf = (collector: string, snapshot: Snapshot): Run => ({
  snapshot,
  result: {
    group: 'node',
    collector,
    outcome: 'ok',
    errors: [],
    withheld: [],
    durationSeconds: 0,
    samples: snapshot.size,
  },
});

test('owners are searched for only when families have changed, also beside a collector without data', () => {
  const owners = new FamilyOwners();
  const own = snapshotAfter(undefined, gauge('own', 'Own.'));
  let first: Snapshot | undefined;
  // The same array is returned if nothing was searched for.
  const isSearched = (...families: (typeof heat)[]): boolean => {
    first = snapshotAfter(first, ...families);
    const runs = [runOf('first', first), runOf('empty', snapshotAfter(undefined))];
    return owners.settle(own, 'agent', runs) !== runs;
  };
  const cold = gauge('cold_celsius', 'Cold.');
  const searched = [[heat], [heat], [heat, cold], [heat, cold]].map((families) => isSearched(...families));
  assert.deepEqual(searched, [true, false, true, false]);
});
