import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unixSeconds, ZERO_TIME } from '../../../src/collectors/ksm/common.ts';

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

function parsed(time: string): number | undefined {
  if (!RFC3339.test(time)) return undefined;
  const seconds = Math.floor(Date.parse(time) / 1000);
  return Number.isNaN(seconds) || seconds === ZERO_TIME ? undefined : seconds;
}

test('times are read as Date.parse reads them', () => {
  for (let day = Date.UTC(1965, 0, 1); day < Date.UTC(2110, 0, 1); day += 86_400_000 - 1_234_000) {
    const time = `${new Date(day).toISOString().slice(0, 19)}Z`;
    assert.equal(unixSeconds(time), parsed(time), time);
  }
});

test('times with unusual parts, and what is none, are read as Date.parse reads them', () => {
  const usual = '2026-11-20T13:05:59Z';
  const others = ['0', '1', '2', '3', '5', '6', '9', '-', ':', '.', 'T', 'Z', '+', ' ', '/', 'ä'];
  for (let at = 0; at < usual.length; at++) {
    for (const other of others) {
      const time = usual.slice(0, at) + other + usual.slice(at + 1);
      assert.equal(unixSeconds(time), parsed(time), time);
    }
  }
  for (const time of [
    '0001-01-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2024-02-29T00:00:00Z',
    '2026-11-20T13:05:59.5Z',
  ]) {
    assert.equal(unixSeconds(time), parsed(time), time);
  }
  assert.equal(unixSeconds('2026-11-20T13:05:59+01:00'), unixSeconds('2026-11-20T12:05:59Z'));
});
