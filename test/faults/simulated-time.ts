import { syncBuiltinESMExports } from 'node:module';
import { mock, type TestContext } from 'node:test';

/** Maximum real time that the work of a step may take. */
const PATIENCE_MS = 60_000;

/** The real functions, which remain available while time is simulated. */
const { setTimeout: realTimeout } = globalThis;
const realNow = performance.now.bind(performance);

/** The clock of an agent in this process: timers, Date and performance.now only advance with `advance`. */
export interface SimulatedTime {
  /** Advances by `ms` once the pending work of disk and connections is done: otherwise deadlines would pass during the work. */
  advance(ms: number): Promise<void>;
  /** Waits for the result of real work, for a minute of real time at most. */
  until(condition: () => boolean): Promise<void>;
  /** Callbacks of timers that have not run. */
  pending(): number;
  /** Restores the real clock; automatic at the end of the test. */
  end(): void;
}

/** A short wait in real time. */
export const realPause = (ms: number) => new Promise((resolve) => realTimeout(resolve, ms));

/** Time begins at `startMs` and does not advance. */
export function simulateTime(t: TestContext, startMs: number): SimulatedTime {
  mock.timers.enable({ apis: ['Date', 'setTimeout', 'setInterval'], now: startMs });
  const pending = countTimers();
  // Named imports of modules from node:timers/promises are only replaced by this.
  syncBuiltinESMExports();
  performance.now = () => Date.now() - startMs;
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    mock.timers.reset();
    syncBuiltinESMExports();
    performance.now = realNow;
  };
  t.after(end);
  return {
    async advance(ms) {
      await realWork();
      mock.timers.tick(ms);
      for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
    async until(condition) {
      const patience = realNow() + PATIENCE_MS;
      while (!condition() && realNow() < patience) {
        // The awaited result may depend on a timer.
        mock.timers.tick(1);
        await realPause(1);
      }
    },
    pending: () => pending.size,
    end,
  };
}

async function realWork(): Promise<void> {
  const patience = realNow() + PATIENCE_MS;
  const isBusy = () =>
    process.getActiveResourcesInfo().some((kind) => /Req|(?:Connect|Write|Shutdown)Wrap$/.test(kind));
  while (isBusy() && realNow() < patience) await realPause(1);
}

/** Records the simulated timers until they run or are cleared. */
function countTimers(): ReadonlySet<unknown> {
  const pending = new Set<unknown>();
  const { setTimeout: later, clearTimeout: never, setInterval: often, clearInterval: noMore } = globalThis;
  globalThis.setTimeout = Object.assign((run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = later(() => {
      pending.delete(timer);
      run(...args);
    }, ms);
    pending.add(timer);
    return timer;
  }, later);
  globalThis.setInterval = Object.assign((run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = often(run, ms, ...args);
    pending.add(timer);
    return timer;
  }, often);
  globalThis.clearTimeout = (timer) => {
    pending.delete(timer);
    never(timer);
  };
  globalThis.clearInterval = (timer) => {
    pending.delete(timer);
    noMore(timer);
  };
  return pending;
}
