import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesText, durationText, parseBytes, parseDuration } from '../../src/config/units.ts';

test('durations', () => {
  const cases: [string, number | undefined][] = [
    ['15s', 15_000],
    ['1m30s', 90_000],
    ['250ms', 250],
    ['1.5s', 1500],
    ['1h', 3_600_000],
    ['0s', 0],
    ['15', undefined],
    ['', undefined],
    ['-1s', undefined],
    ['1s2', undefined],
  ];
  for (const [text, milliseconds] of cases) assert.equal(parseDuration(text), milliseconds, text);
  for (const milliseconds of [0, 250, 90_000, 3_661_001]) {
    assert.equal(parseDuration(durationText(milliseconds)), milliseconds);
  }
});

test('sizes', () => {
  assert.equal(parseBytes('256MiB'), 256 * 2 ** 20);
  for (const size of [0, 1, 1000, 4096, 1_500_000, 8 * 2 ** 20, 2 ** 50])
    assert.equal(parseBytes(bytesText(size)), size);
  assert.equal(parseBytes('1kB'), 1000);
  assert.equal(parseBytes('1.5MiB'), undefined);
  assert.equal(parseBytes('12'), undefined);
});
