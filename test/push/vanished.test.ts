import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gauge } from '../../src/metrics/family.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { VanishedSeries } from '../../src/push/vanished.ts';

const heat = gauge('heat', 'Heat.', ['zone']);

function snapshot(...zones: string[]): Snapshot {
  const out = new Snapshot();
  for (const zone of zones) out.add(heat, 1, zone);
  return out;
}

test('a series that vanished is reported once', () => {
  const vanished = new VanishedSeries();
  assert.deepEqual(vanished.update([snapshot('a', 'b')], true), []);
  assert.deepEqual(vanished.update([snapshot('b'), snapshot('c')], true), ['heat{zone="a"}']);
  assert.deepEqual(vanished.update([snapshot('b', 'c')], true), []);
  assert.deepEqual(vanished.update([snapshot('a')], true), ['heat{zone="b"}', 'heat{zone="c"}']);
});

test('a series that moves to another list or position has not vanished', () => {
  const vanished = new VanishedSeries();
  vanished.update([snapshot('a', 'b', 'c'), snapshot('x', 'y')], true);
  assert.deepEqual(vanished.update([snapshot('c', 'a'), snapshot('y', 'b', 'x')], true), []);
  assert.deepEqual(vanished.update([snapshot('c', 'b'), snapshot('x')], true).sort(), [
    'heat{zone="a"}',
    'heat{zone="y"}',
  ]);
  assert.deepEqual(vanished.update([snapshot('b')], true).sort(), ['heat{zone="c"}', 'heat{zone="x"}']);
});

test('a series with its own timestamp never vanishes', () => {
  const vanished = new VanishedSeries();
  const stamped = snapshot('a', 'b');
  stamped.addSeries(heat, 'heat{zone="own"}', 1, 1000);
  stamped.addSeries(heat, 'heat{zone="again"}', 1, 1000);
  const repeated = new Snapshot();
  stamped.close();
  stamped.copyTo(repeated, { isRepeated: true });
  vanished.update([stamped], true);
  assert.deepEqual(vanished.update([repeated], true), []);
  assert.deepEqual(vanished.update([snapshot('b', 'again')], false), []);
  assert.deepEqual(vanished.update([snapshot('b', 'again')], true), ['heat{zone="a"}']);
  assert.deepEqual(vanished.update([snapshot('b')], true), ['heat{zone="again"}'], 'without a timestamp it does');
});

test('while a collector fails nothing vanishes; what is still missing afterwards does', () => {
  const vanished = new VanishedSeries();
  vanished.update([snapshot('a', 'b')], true);
  assert.deepEqual(vanished.update([snapshot()], false), []);
  assert.deepEqual(vanished.update([snapshot('a')], true), ['heat{zone="b"}']);
});
