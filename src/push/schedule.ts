import { createTask, type Logger, type ScheduledTask } from 'node-cron';
import type { Log } from '../log.ts';

/** Why a tick did not run. */
export type SkipReason = 'overlap' | 'late';

export interface ScheduleOptions {
  /** Whole seconds, in milliseconds. */
  readonly intervalMs: number;
  /** Offset of the ticks from the multiples of the interval since 1970; less than the interval. */
  readonly phaseMs: number;
  readonly now: () => number;
  readonly log: Log;
  /** Called at each tick; the next one is skipped while it runs. */
  readonly run: (tickMs: number) => Promise<void>;
  readonly onSkip: (reason: SkipReason) => void;
}

/**
 * The cron expression whose slots contain all multiples of the interval. A step in a cron field starts anew each
 * minute, so a step of 90 would fire every 60 s: the step is what interval and minute have in common, and slots that
 * are no multiple of the interval are passed over.
 */
export function slotExpression(intervalMs: number): string {
  const step = greatestCommonDivisor(intervalMs / 1000, 60);
  return step === 60 ? '0 * * * * *' : `*/${step} * * * * *`;
}

/** How often it is looked whether the clock was set. */
const WATCH_MS = 1000;

/** The ticks of the push cycle, driven by node-cron on the wall clock: interval k starts at `k * interval + phase`. */
export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #task: ScheduledTask;
  #delay: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped: boolean = false;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    const { intervalMs, onSkip } = options;
    this.#task = createTask(slotExpression(intervalMs), ({ date }) => this.#slot(date.getTime()), {
      timezone: 'UTC',
      name: 'push',
      suppressMissedWarning: true,
      missedExecutionTolerance: intervalMs / 2,
      logger: cronLogger(options.log),
    });
    this.#task.on('execution:missed', ({ date }) => {
      if (this.#isOurs(date.getTime())) onSkip('late');
    });
  }

  start(): void {
    void this.#task.start();
    let aheadMs = this.#aheadMs();
    this.#watch = setInterval(() => {
      const before = aheadMs;
      aheadMs = this.#aheadMs();
      if (Math.abs(aheadMs - before) > this.#options.intervalMs / 2) this.#startAnew(aheadMs - before);
    }, WATCH_MS);
    this.#watch.unref();
  }

  /** No tick begins after this; resolves when the running one has ended, with whether there was one. */
  async stop(): Promise<boolean> {
    this.#stopped = true;
    clearTimeout(this.#delay);
    clearInterval(this.#watch);
    await this.#task.destroy();
    const running = this.#running;
    await running;
    return running !== undefined;
  }

  /** Resolves as soon as no cycle runs. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Runs out of turn: now, or when the cycle that runs has ended. Resolves when that is done. */
  async soon(): Promise<void> {
    if (this.#running) await this.idle();
    if (!this.#stopped) await this.#begin(this.#options.now());
  }

  /** The wall clock by the monotonic one: moves when the wall clock is set. */
  #aheadMs(): number {
    return this.#options.now() - performance.now();
  }

  /**
   * node-cron waits for a slot by its date: after a clock was set back by an hour nothing would be pushed for an hour,
   * and one that was set forward by years would let it go through every slot between.
   */
  #startAnew(byMs: number): void {
    this.#options.log.warn({ bySeconds: Math.round(byMs / 1000) }, 'the clock was set: the schedule starts anew');
    clearTimeout(this.#delay);
    void this.#task.stop();
    void this.#task.start();
  }

  #isOurs(slotMs: number): boolean {
    return Math.round(slotMs / 1000) % (this.#options.intervalMs / 1000) === 0;
  }

  #slot(slotMs: number): void {
    if (this.#stopped || !this.#isOurs(slotMs)) return;
    const tickMs = Math.round(slotMs / 1000) * 1000 + this.#options.phaseMs;
    clearTimeout(this.#delay);
    this.#delay = setTimeout(() => this.#tick(tickMs), Math.max(0, tickMs - this.#options.now()));
  }

  #tick(tickMs: number): void {
    const { now, intervalMs, onSkip } = this.#options;
    const late = now() - tickMs > intervalMs / 2;
    if (this.#running || late) {
      onSkip(late ? 'late' : 'overlap');
      return;
    }
    void this.#begin(tickMs);
  }

  #begin(tickMs: number): Promise<void> {
    this.#running = this.#options.run(tickMs).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

const cronLogger = (log: Log): Logger => ({
  info: (message) => log.debug(message),
  warn: (message) => log.warn(message),
  error: (message) => log.error(message instanceof Error ? { err: message } : {}, String(message)),
  debug: (message) => log.debug(String(message)),
});
