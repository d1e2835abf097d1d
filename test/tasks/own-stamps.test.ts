import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnStamps } from '../../src/tasks/exec/own-stamps.ts';

const NOW = 1_795_000_000_000;
const MINUTE = 60_000;

test('timestamps from five minutes ago to a minute ahead can be pushed', () => {
  const stamps = new OwnStamps();
  stamps.begin(NOW);
  const problem = (atMs: number) => stamps.problem(`a{at="${atMs}"}`, { stampMs: NOW + atMs, value: 1 }, NOW);
  assert.deepEqual([-5 * MINUTE, 0, MINUTE].map(problem), [undefined, undefined, undefined]);
  for (const atMs of [-5 * MINUTE - 1, MINUTE + 1, Number.POSITIVE_INFINITY]) {
    assert.equal(problem(atMs), 'has a time too far from now');
  }
});

test('samples of a series are in order, and have one value for each time', () => {
  const stamps = new OwnStamps();
  let nowMs = NOW;
  const run = (stampMs: number, value: number, key = 'a') => {
    nowMs += 1000;
    stamps.begin(nowMs);
    return stamps.problem(key, { stampMs, value }, nowMs);
  };
  assert.equal(run(NOW, 1), undefined);
  assert.equal(run(NOW, 1), undefined, 'the same sample again');
  assert.equal(run(NOW, 2), 'has another value for the same time');
  assert.equal(run(NOW - 1, 1), 'has an earlier time than before');
  assert.equal(run(NOW - 1, 1, 'b'), undefined, 'another series');
  assert.equal(run(NOW, 1), undefined, 'rejected samples do not count');
  assert.equal(run(NOW + 1, Number.NaN), undefined);
  assert.equal(run(NOW + 1, Number.NaN), undefined);
  nowMs -= 60 * MINUTE;
  assert.equal(run(nowMs, 1), undefined, 'a clock that was set back');
});
