import { syncBuiltinESMExports } from 'node:module';
import { mock, type TestContext } from 'node:test';

/** What the work of a step waits for at most, of the real clock. */
const PATIENCE_MS = 2000;

/** Those that stay when time is simulated. */
const { setTimeout: realTimeout } = globalThis;
const realNow = performance.now.bind(performance);

/** The clock of an agent in this process: timers, Date and performance.now go on only by `advance`. */
export interface SimulatedTime {
  /** Lets `ms` pass, once the disk and the connections have done what they were asked: else deadlines would pass while they work. */
  advance(ms: number): Promise<void>;
  /** Waits for something that real work brings about; for two seconds of the real clock at most. */
  until(condition: () => boolean): Promise<void>;
  /** Callbacks of timers that have not run. */
  pending(): number;
  /** Back to the real clock; done by itself when the test ends. */
  end(): void;
}

/** A moment of the real clock. */
export const realPause = (ms: number) => new Promise((resolve) => realTimeout(resolve, ms));

/** Time begins at `startMs` and stands still. */
export function simulateTime(t: TestContext, startMs: number): SimulatedTime {
  mock.timers.enable({ apis: ['Date', 'setTimeout', 'setInterval'], now: startMs });
  const pending = countTimers();
  // What modules have imported by name from node:timers/promises follows only this.
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
        // What is waited for may be behind a timer.
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

/** Has the simulated timers noted until they run or are cleared. */
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
