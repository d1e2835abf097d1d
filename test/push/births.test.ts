import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counter, ownCounter } from '../../src/metrics/family.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { Births } from '../../src/push/births.ts';

const own = ownCounter('own_total', 'Started by this agent.', ['reason']);
const foreign = counter('foreign_total', 'Started by the kernel.');

const START = 1_700_000_000_000;
const INTERVAL = 15_000;

/** A cycle with these values of `own_total`. */
function seen(values: Readonly<Record<string, number>>, previous?: Snapshot): Snapshot {
  const out = new Snapshot(previous);
  for (const [reason, value] of Object.entries(values)) out.add(own, value, reason);
  out.add(foreign, 7);
  out.close();
  return out;
}

test('a counter of this agent that appears with a count has a zero one interval earlier, once', () => {
  const births = new Births(START, () => INTERVAL);
  const first = seen({});
  assert.deepEqual(births.update([first], START + 100, true), []);
  const second = seen({ a: 5, b: 0 }, first);
  const stamp = START + 100 + INTERVAL;
  assert.deepEqual(births.update([second], stamp, true), [{ key: 'own_total{reason="a"}', stampMs: START + 101 }]);
  assert.deepEqual(births.update([seen({ a: 6, b: 1 }, second)], stamp + INTERVAL, true), []);
});

test('the zero is never before the start of this process, nor at or before the last cycle', () => {
  const births = new Births(START, () => INTERVAL);
  assert.deepEqual(births.update([seen({ a: 1 })], START + 3000, true), [
    { key: 'own_total{reason="a"}', stampMs: START + 1 },
  ]);
  assert.deepEqual(births.update([seen({ a: 1, b: 2 })], START + 5000, true), [
    { key: 'own_total{reason="b"}', stampMs: START + 3001 },
  ]);
  assert.deepEqual(births.update([seen({ a: 1, b: 2, c: 1 })], START + 5000 + 4 * INTERVAL, true), [
    { key: 'own_total{reason="c"}', stampMs: START + 5000 + 3 * INTERVAL },
  ]);
});

test('after another agent has pushed the group, the zero is right before the count, never before its last push', () => {
  const births = new Births(START, () => INTERVAL);
  births.update([], START + 1000, true);
  const stamp = START + 1000 + INTERVAL;
  assert.deepEqual(births.update([seen({ a: 3 })], stamp, true, true), [
    { key: 'own_total{reason="a"}', stampMs: stamp - 1 },
  ]);
});

test('a counter that was missing because its collector failed is not new when it returns; one that had vanished is', () => {
  const births = new Births(START, () => INTERVAL);
  const at = (cycle: number) => START + 1000 + cycle * INTERVAL;
  births.update([seen({ a: 1 })], at(0), true);
  births.update([seen({})], at(1), false);
  assert.deepEqual(births.update([seen({ a: 2 })], at(2), true), []);
  births.update([seen({})], at(3), true);
  assert.equal(births.update([seen({ a: 1 })], at(4), true).length, 1);
});

test('a counter that continues from an earlier process is not new, whatever its value; another one next to it is', () => {
  const births = new Births(START, () => INTERVAL);
  const first = seen({ old: 100, fresh: 1 });
  first.continued = new Set(['own_total{reason="old"}']);
  assert.deepEqual(births.update([first], START + 3000, true), [
    { key: 'own_total{reason="fresh"}', stampMs: START + 1 },
  ]);
  assert.deepEqual(births.update([seen({ old: 101, fresh: 1 }, first)], START + 6000, true), []);
});
