import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from './random.ts';
import { type Point, slopeOf } from './slope.ts';

/** Hourly values of a day after its first quarter that grow by `perDay`, with noise and some that are far too high. */
function day(perDay: number, seed: string): Point[] {
  const random = randomFrom(seed);
  return Array.from({ length: 18 }, (_, index) => {
    const noise = (random.below(1000) - 500) / 2000 + (random.chance(0.15) ? 10 : 0);
    return [7 + index, 60 + (perDay * index) / 24 + noise];
  });
}

test('the slope of a line, of two points and of an odd number of pairs', () => {
  assert.equal(
    slopeOf([
      [1, 5],
      [3, 9],
    ]),
    2,
  );
  const line: Point[] = [
    [0, 1],
    [1, 4],
    [2, 7],
  ];
  assert.equal(slopeOf(line), 3);
  assert.equal(slopeOf([...line, [3, 10]]), 3);
  assert.ok(Number.isNaN(slopeOf([[0, 1]])));
});

test('2 MiB a day are found in noise, and noise alone is flat', () => {
  for (let run = 0; run < 50; run++) {
    const grown = 24 * slopeOf(day(2, `grown ${run}`));
    assert.ok(grown > 1, `${grown}`);
    const flat = 24 * slopeOf(day(0, `flat ${run}`));
    assert.ok(Math.abs(flat) < 1, `${flat}`);
  }
});
