import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fnv1a64 } from '../../src/fnv.ts';
import { createLog } from '../../src/log.ts';
import { nodePhaseMs } from '../../src/push/phase.ts';
import { Schedule, slotExpression } from '../../src/push/schedule.ts';

test('cron slots contain every multiple of the interval, also of intervals that do not divide a minute', () => {
  const cases: [seconds: number, expression: string][] = [
    [1, '*/1 * * * * *'],
    [15, '*/15 * * * * *'],
    [7, '*/1 * * * * *'],
    [45, '*/15 * * * * *'],
    [90, '*/30 * * * * *'],
    [60, '0 * * * * *'],
    [420, '0 * * * * *'],
    [3600, '0 * * * * *'],
  ];
  for (const [seconds, expression] of cases) assert.equal(slotExpression(seconds * 1000), expression);
});

test('FNV-1a gives the published values', () => {
  assert.equal(fnv1a64(''), 0xcbf29ce484222325n);
  assert.equal(fnv1a64('a'), 0xaf63dc4c8601ec8cn);
  assert.equal(fnv1a64('foobar'), 0x85944171f73967e8n);
});

test('the phases of 500 nodes fill the interval evenly', () => {
  const slots = new Array<number>(15).fill(0);
  for (let node = 0; node < 500; node++) {
    const phase = nodePhaseMs('prod', `worker-${node}`, 15_000);
    slots[Math.floor(phase / 1000)] = (slots[Math.floor(phase / 1000)] as number) + 1;
  }
  assert.ok(Math.min(...slots) > 15 && Math.max(...slots) < 55, `nodes per second: ${slots}`);
});

/** Runs a schedule until `count` ticks have been seen; gives how far each was from its place, in ms. */
async function ticks(intervalMs: number, phaseMs: number, count: number): Promise<number[]> {
  const seen: number[] = [];
  const done = Promise.withResolvers<void>();
  const schedule = new Schedule({
    intervalMs,
    phaseMs,
    now: Date.now,
    log: createLog('silent'),
    async run(tickMs) {
      assert.equal(tickMs % intervalMs, phaseMs);
      seen.push(Date.now() - tickMs);
      if (seen.length === count) done.resolve();
    },
    onSkip: (reason) => done.reject(new Error(reason)),
  });
  schedule.start();
  await done.promise;
  await schedule.stop();
  return seen;
}

test('ticks come at their phase on the wall clock', { timeout: 10_000 }, async () => {
  for (const late of await ticks(1000, 333, 3)) assert.ok(late >= -1 && late < 300, `${late} ms late`);
});

test('a cycle out of turn begins at once, or after the one that runs; not after the end', async () => {
  const runs: PromiseWithResolvers<void>[] = [];
  const schedule = new Schedule({
    intervalMs: 3_600_000,
    phaseMs: 0,
    now: Date.now,
    log: createLog('silent'),
    run() {
      const run = Promise.withResolvers<void>();
      runs.push(run);
      return run.promise;
    },
    onSkip: () => assert.fail('skipped'),
  });
  const first = schedule.soon();
  const second = schedule.soon();
  assert.equal(runs.length, 1);
  runs[0]?.resolve();
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(runs.length, 2);
  const third = schedule.soon();
  const stopped = schedule.stop();
  runs[1]?.resolve();
  await Promise.all([second, third, stopped]);
  assert.equal(runs.length, 2);
});

test('a tick while the last one still runs is skipped and told', { timeout: 10_000 }, async () => {
  const skipped = Promise.withResolvers<string>();
  const release = Promise.withResolvers<void>();
  let runs = 0;
  const schedule = new Schedule({
    intervalMs: 1000,
    phaseMs: 0,
    now: Date.now,
    log: createLog('silent'),
    run() {
      runs++;
      return release.promise;
    },
    onSkip: skipped.resolve,
  });
  schedule.start();
  assert.equal(await skipped.promise, 'overlap');
  assert.equal(runs, 1);
  release.resolve();
  await schedule.stop();
});
