import { nextTickMs } from '../push/phase.ts';

/** Something that is due again and again. Not overlapping is its own business. */
export interface Due {
  due(): void;
}

/** When something is due, milliseconds. */
export interface Times {
  readonly intervalMs: number;
  /** Within the interval, on the wall clock. */
  readonly offsetMs: number;
  /** The first time, from now. */
  readonly firstInMs: number;
}

interface Entry {
  readonly times: Times;
  timer: NodeJS.Timeout;
  nextMs: number;
}

/** Calls each member at `k * interval + offset` of the wall clock, so that it is asked at the same distances for ever. */
export class ScrapeTimer {
  readonly #now: () => number;
  readonly #entries = new Map<Due, Entry>();

  constructor(now: () => number) {
    this.#now = now;
  }

  add(member: Due, times: Times): void {
    this.#arm(member, times, this.#now() + times.firstInMs);
  }

  remove(member: Due): void {
    clearTimeout(this.#entries.get(member)?.timer);
    this.#entries.delete(member);
  }

  stop(): void {
    for (const member of [...this.#entries.keys()]) this.remove(member);
  }

  /** Milliseconds since 1970. */
  nextMs(member: Due): number | undefined {
    return this.#entries.get(member)?.nextMs;
  }

  #arm(member: Due, times: Times, nextMs: number): void {
    const due = () => {
      // By the wall clock a timer may be early.
      const now = this.#now();
      if (now < nextMs && nextMs - now < times.intervalMs) return this.#arm(member, times, nextMs);
      const { intervalMs, offsetMs } = times;
      // After the first scrape the grid: one that would come at once is left out.
      this.#arm(member, times, nextTickMs(now + intervalMs / 10, intervalMs, offsetMs));
      member.due();
    };
    const timer = setTimeout(due, Math.max(1, nextMs - this.#now()));
    timer.unref();
    this.#entries.set(member, { times, timer, nextMs });
  }
}
