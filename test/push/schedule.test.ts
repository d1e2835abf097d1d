import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fnv1a32, fnv1a32OfText, fnv1a64 } from '../../src/base/fnv.ts';
import { createLog } from '../../src/base/log.ts';
import { nodePhaseMs } from '../../src/push/phase.ts';
import { Schedule, type TickSkipReason } from '../../src/push/schedule.ts';

const NOON = Date.UTC(2026, 0, 1, 12);

/** A schedule that begins half a minute after noon, on a clock that the test advances; ticks in seconds after noon. */
function byHand(t: TestContext, intervalMs: number, phaseMs: number) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: NOON + 30_500 });
  const seen: (number | TickSkipReason)[] = [];
  let setByMs = 0;
  const schedule = new Schedule({
    intervalMs,
    phaseMs,
    now: Date.now,
    monotonicMs: () => Date.now() - setByMs,
    log: createLog('silent'),
    async run(tickMs) {
      seen.push((tickMs - NOON) / 1000);
    },
    onSkip: (reason) => seen.push(reason),
  });
  t.after(() => schedule.stop());
  schedule.start();
  return {
    seen,
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second++) {
        t.mock.timers.tick(1000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    setClock(bySeconds: number) {
      setByMs += bySeconds * 1000;
      t.mock.timers.setTime(Date.now() + bySeconds * 1000);
    },
  };
}

test('ticks are multiples of the interval, also if it does not divide a minute', async (t) => {
  const { seen, pass } = byHand(t, 7000, 0);
  const first = 7 - ((NOON / 1000) % 7);
  await pass(120);
  const expected = Array.from({ length: 22 }, (_, index) => first + 7 * index);
  assert.deepEqual(
    seen,
    expected.filter((second) => second > 30 && second < 151),
  );
});

test('an interval of several minutes has a tick in some of them', async (t) => {
  const { seen, pass } = byHand(t, 120_000, 90_000);
  await pass(400);
  assert.deepEqual(seen, [90, 210, 330]);
});

test('a clock that is set forward does not run the ticks in between', async (t) => {
  const { seen, pass, setClock } = byHand(t, 15_000, 0);
  await pass(10);
  setClock(86_400);
  await pass(40);
  assert.deepEqual(seen, [86_445, 86_460, 86_475]);
});

test('ticks missed while the process did not run are late once each', async (t) => {
  const { seen, pass } = byHand(t, 1000, 0);
  await pass(10);
  const before = seen.length;
  // The process was stopped: both clocks have advanced.
  t.mock.timers.setTime(Date.now() + 90_000);
  await pass(60);
  const late = seen.filter((one) => one === 'late').length;
  assert.ok(late >= 88 && late <= 93, `${late} late`);
  assert.equal(new Set(seen.filter((one) => one !== 'late')).size, seen.length - late, 'none ran twice');
  assert.ok(seen.length - before >= 145 && seen.length - before <= 153, `${seen.length - before} ticks in 150 s`);
});

test('FNV-1a returns the published values', () => {
  assert.equal(fnv1a64(''), 0xcbf29ce484222325n);
  assert.equal(fnv1a64('a'), 0xaf63dc4c8601ec8cn);
  assert.equal(fnv1a64('foobar'), 0x85944171f73967e8n);
  for (const [text, hash] of [
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ] as const) {
    assert.equal(fnv1a32(Buffer.from(text)), hash | 0);
    assert.equal(fnv1a32(Buffer.from(`x${text}y`), 1, text.length + 1), hash | 0);
    assert.equal(fnv1a32OfText(text), hash | 0);
  }
  assert.equal(fnv1a32(Buffer.from('foobar'), 3, 6, fnv1a32OfText('foo')), 0xbf9cf968 | 0);
});

test('the phases of 500 nodes fill the interval evenly', () => {
  const slots = new Array<number>(15).fill(0);
  for (let node = 0; node < 500; node++) {
    const phase = nodePhaseMs('prod', `worker-${node}`, 15_000);
    slots[Math.floor(phase / 1000)] = (slots[Math.floor(phase / 1000)] as number) + 1;
  }
  assert.ok(Math.min(...slots) > 15 && Math.max(...slots) < 55, `nodes per second: ${slots}`);
});

/** Runs a schedule for `count` ticks; returns the deviation of each from its planned time, in ms. */
async function ticks(intervalMs: number, phaseMs: number, count: number): Promise<number[]> {
  const seen: number[] = [];
  const done = Promise.withResolvers<void>();
  const schedule = new Schedule({
    intervalMs,
    phaseMs,
    now: Date.now,
    monotonicMs: () => performance.now(),
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

test('ticks are at their phase on the wall clock', { timeout: 120_000 }, async () => {
  for (const late of await ticks(1000, 333, 3)) assert.ok(late >= 0 && late < 300, `${late} ms late`);
});

test('an extra cycle starts immediately, or after the running one; not after the end', async () => {
  const runs: PromiseWithResolvers<void>[] = [];
  const schedule = new Schedule({
    intervalMs: 3_600_000,
    phaseMs: 0,
    now: Date.now,
    monotonicMs: () => performance.now(),
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

test('a tick while the last one is still running is skipped and reported', { timeout: 120_000 }, async () => {
  const skipped = Promise.withResolvers<string>();
  const release = Promise.withResolvers<void>();
  let runs = 0;
  const schedule = new Schedule({
    intervalMs: 1000,
    phaseMs: 0,
    now: Date.now,
    monotonicMs: () => performance.now(),
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
