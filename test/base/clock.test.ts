import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { monotonicMs, REAL_CLOCK, sleep, wallMs } from '../../src/base/clock.ts';

test('a sleep ends at its time or on its signal, and never rejects', { timeout: 120_000 }, async () => {
  await sleep(1);
  await REAL_CLOCK.sleep(1, new AbortController().signal);
  const ending = new AbortController();
  const slept = sleep(2 ** 40, ending.signal);
  ending.abort();
  await slept;
  await sleep(2 ** 40, AbortSignal.abort());
});

test('wall time is that of the machine, and monotonic time never decreases', () => {
  assert.ok(Math.abs(wallMs() - Date.now()) < 60_000);
  const before = monotonicMs();
  assert.ok(monotonicMs() >= before);
});

/** All times and waits come from `base/clock`, except in the page, which runs in a browser. */
const OWN_CLOCKS =
  /\b(?:performance|Date)\.now\b|\bhrtime\b|\bnew Date\(\)|\bsetTimeout[^'"\n]*from 'node:timers\/promises'|=> setTimeout\(resolve\b/;

test('there is a single clock', () => {
  const own = globSync('src/**/*.{ts,js}', { exclude: ['src/http/page/**'] })
    .filter((file) => file !== 'src/base/clock.ts')
    .filter((file) => OWN_CLOCKS.test(readFileSync(file, 'utf8')));
  assert.deepEqual(own, []);
});
