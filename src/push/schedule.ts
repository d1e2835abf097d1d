import { createTask, type Logger, type ScheduledTask } from 'node-cron';
import type { Log } from '../base/log.ts';
import { nextTickMs } from './phase.ts';

/** Why a tick did not run. */
export type TickSkipReason = 'overlap' | 'late';

interface ScheduleOptions {
  /** Whole seconds, in milliseconds. */
  readonly intervalMs: number;
  /** Offset of the ticks from the multiples of the interval since 1970; less than the interval. */
  readonly phaseMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly monotonicMs: () => number;
  readonly log: Log;
  /** Called at each tick; the next one is skipped while it runs. */
  readonly run: (tickMs: number) => Promise<void>;
  readonly onSkip: (reason: TickSkipReason) => void;
}

/** node-cron reads the clock in its time zone with Intl for each slot, which costs a millisecond. */
const EACH_MINUTE = '0 * * * * *';
const MINUTE_MS = 60_000;

/** Two hours of ticks each second. */
const MAX_LATE_TICKS = 7200;

/** The clock is compared at each tick and once per interval, but at least this often, to notice when it was set. */
const LONGEST_WATCH_MS = 15_000;

/**
 * The ticks of the push cycle on the wall clock: interval k starts at `k * interval + phase`. node-cron signals the
 * start of each minute. Within it, each tick waits for the previous one.
 */
export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #task: ScheduledTask;
  #delay: NodeJS.Timeout | undefined;
  /** The next tick. */
  #nextMs: number | undefined;
  #watch: NodeJS.Timeout | undefined;
  /** Offset of the wall clock from the monotonic clock at the last comparison. */
  #lastAheadMs = 0;
  #running: Promise<void> | undefined;
  /** Ticks counted as late since the last one that was on time. */
  readonly #lateTicks = new Set<number>();
  #stopped: boolean = false;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#task = createTask(EACH_MINUTE, ({ date }) => this.#minute(date), {
      timezone: 'UTC',
      name: 'push',
      suppressMissedWarning: true,
      missedExecutionTolerance: MINUTE_MS,
      logger: cronLogger(options.log),
    });
    this.#task.on('execution:missed', ({ date }) => this.#missed(date));
  }

  start(): void {
    this.#lastAheadMs = this.#aheadMs();
    this.#begin();
    this.#watch = setInterval(() => this.#wasSet(), Math.min(this.#options.intervalMs, LONGEST_WATCH_MS));
    this.#watch.unref();
  }

  /** No tick starts after this call. Resolves when the running one has ended, with whether one was running. */
  async stop(): Promise<boolean> {
    this.#stopped = true;
    clearTimeout(this.#delay);
    clearInterval(this.#watch);
    await this.#task.destroy();
    const running = this.#running;
    await running;
    return running !== undefined;
  }

  /** Resolves as soon as no cycle is running. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Runs an extra cycle: now, or when the running cycle has ended. Resolves when it is done. */
  async soon(): Promise<void> {
    if (this.#running) await this.idle();
    if (!this.#stopped) await this.#run(this.#options.now());
  }

  /** Offset of the wall clock from the monotonic clock. It changes when the wall clock is set. */
  #aheadMs(): number {
    const { now, monotonicMs } = this.#options;
    return now() - monotonicMs();
  }

  /** Whether the clock was set since the last comparison, so that the schedule has been restarted. */
  #wasSet(): boolean {
    const before = this.#lastAheadMs;
    this.#lastAheadMs = this.#aheadMs();
    const byMs = this.#lastAheadMs - before;
    if (Math.abs(byMs) <= this.#options.intervalMs / 2) return false;
    this.#restart(byMs);
    return true;
  }

  /**
   * node-cron waits for a slot by its date. After the clock was set back by an hour, nothing would be pushed for an
   * hour. After it was set forward by years, node-cron would iterate over every slot in between.
   */
  #restart(byMs: number): void {
    this.#options.log.warn({ bySeconds: Math.round(byMs / 1000) }, 'the clock was set: schedule restarted');
    clearTimeout(this.#delay);
    this.#nextMs = undefined;
    void this.#task.stop();
    this.#begin();
  }

  #begin(): void {
    void this.#task.start();
    // Only after it has started. Otherwise it could miss a minute that begins in between.
    const now = this.#options.now();
    this.#follow(now, nextTickMs(now, MINUTE_MS, 0));
  }

  #minute(date: Date): void {
    const startMs = minuteOf(date);
    this.#follow(Math.min(this.#nextMs ?? startMs, startMs), startMs + MINUTE_MS);
  }

  /** A minute in which the process did not run, so all its ticks were missed. */
  #missed(date: Date): void {
    const { intervalMs, phaseMs } = this.#options;
    const startMs = minuteOf(date);
    let tickMs = nextTickMs(startMs - 1, intervalMs, phaseMs);
    for (; tickMs < startMs + MINUTE_MS; tickMs += intervalMs) this.#late(tickMs);
  }

  /** Waits for the first tick at or after `fromMs`, then for the following ones, as long as they are before `endMs`. */
  #follow(fromMs: number, endMs: number): void {
    const { now, intervalMs, phaseMs } = this.#options;
    clearTimeout(this.#delay);
    const tickMs = nextTickMs(fromMs - 1, intervalMs, phaseMs);
    this.#nextMs = tickMs < endMs ? tickMs : undefined;
    if (this.#stopped || this.#nextMs === undefined) return;
    const wait = () => {
      this.#delay = setTimeout(begin, Math.max(0, tickMs - now()));
    };
    const begin = () => {
      if (this.#wasSet()) return;
      // By the wall clock, a timer may fire a millisecond early, and the cycle would get the timestamp of the previous
      // second.
      if (now() < tickMs) return wait();
      this.#tick(tickMs);
      this.#follow(tickMs + 1, endMs);
    };
    wait();
  }

  #tick(tickMs: number): void {
    const { now, intervalMs, onSkip } = this.#options;
    const late = now() - tickMs > intervalMs / 2;
    if (late) this.#late(tickMs);
    else {
      this.#lateTicks.clear();
      if (this.#running) onSkip('overlap');
      else void this.#run(tickMs);
    }
  }

  /** Both node-cron and the chain of ticks may report a missed tick, in any order. */
  #late(tickMs: number): void {
    if (this.#lateTicks.has(tickMs)) return;
    this.#lateTicks.add(tickMs);
    if (this.#lateTicks.size > MAX_LATE_TICKS) this.#lateTicks.clear();
    this.#options.onSkip('late');
  }

  #run(tickMs: number): Promise<void> {
    this.#running = this.#options.run(tickMs).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }
}

/** node-cron's dates are not always exact to the millisecond. */
const minuteOf = (slot: Date): number => Math.round(slot.getTime() / MINUTE_MS) * MINUTE_MS;

const cronLogger = (log: Log): Logger => ({
  info: (message) => log.debug(message),
  warn: (message) => log.warn(message),
  error: (message) => log.error(message instanceof Error ? { err: message } : {}, String(message)),
  debug: (message) => log.debug(String(message)),
});
