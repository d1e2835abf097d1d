import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { Scene, summary } from './scene.ts';

const HOUR_MS = 3_600_000;
const CYCLES = 8;
/** One or two cycles may be lost at a clock step, and the machine may be busy. */
const LONGEST_GAP_MS = 5000;

suite('a clock that is set', { concurrency: true, timeout: 240_000 }, () => {
  test('forward and back by an hour loses no cycle', (t) => step(t, [HOUR_MS, 0]));
  test('back and forward by an hour loses no cycle', (t) => step(t, [-HOUR_MS, 0]));
});

/** The receiver is down while the clock is set to each of `offsets`. */
async function step(t: TestContext, offsets: readonly number[]): Promise<void> {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const clock = new SteppedClock(t);
  const scene = await Scene.start(t, { nodeFlags: clock.nodeFlags, env: clock.env });
  const { bodies } = scene.witness;
  await scene.startAgent();
  await scene.cycles(CYCLES);
  await scene.proxy.down();
  for (const offset of offsets) {
    clock.set(offset);
    const since = bodies.length;
    const setAt = Date.now();
    const shifted = () => bodies.slice(since).filter(({ stampMs, atMs }) => Math.abs(stampMs - atMs - offset) < 5000);
    await scene.until(`timestamps of the clock at ${offset} ms`, () => shifted().length > 0);
    t.diagnostic(`set to ${offset} ms: its first timestamp arrived ${(shifted()[0]?.atMs ?? 0) - setAt} ms later`);
    await scene.cycles(CYCLES);
  }
  await scene.proxy.up();
  await scene.drained();
  assert.equal((await scene.stopAgent()).code, 0);

  const found = await scene.findings([0, ...offsets]);
  t.diagnostic(summary(found));
  assert.deepEqual(found.wrong.slice(0, 10), []);
  assert.equal(found.missingSamples, 0);
  assert.equal(found.duplicates, 0);
  const arrivals = bodies.filter(({ job }) => job === 'firesteel').map(({ atMs }) => atMs);
  const gaps = arrivals.slice(1).map((atMs, index) => atMs - (arrivals[index] ?? 0));
  assert.ok(Math.max(...gaps) < LONGEST_GAP_MS, `a gap of ${Math.max(...gaps)} ms`);
}

/** The clock of an agent's process. */
class SteppedClock {
  readonly nodeFlags = ['--import', fileURLToPath(new URL('stepped-clock.mjs', import.meta.url))];
  readonly env: { readonly CLOCK_OFFSET_FILE: string };

  constructor(t: TestContext) {
    this.env = { CLOCK_OFFSET_FILE: join(scratchFolder(t), 'offset') };
    this.set(0);
  }

  set(offsetMs: number): void {
    const { CLOCK_OFFSET_FILE: file } = this.env;
    writeFileSync(`${file}.new`, String(offsetMs));
    renameSync(`${file}.new`, file);
  }
}
