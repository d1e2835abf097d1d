import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparkPoints } from '../../../src/http/page/sparkline.js';

const points = (values: readonly number[], slots: number) =>
  sparkPoints(values, slots)
    .split(' ')
    .map((point) => point.split(',').map(Number));

test('the newest value is at the right edge, the largest at the top, zero at the bottom', () => {
  assert.deepEqual(points([0, 2, 1], 3), [
    [1.5, 18.5],
    [48, 1.5],
    [94.5, 10],
  ]);
});

test('few values leave the left side empty, and zeros alone make a flat line', () => {
  assert.deepEqual(points([0, 0], 60)[1], [94.5, 18.5]);
  assert.ok((points([1, 1], 60)[0]?.[0] ?? 0) > 90);
});
