import { WRAPPED } from '../../host/numbers.ts';

/** The counters of a process or thread, in the units of the kernel; indexes of {@link Counters}. */
export const COUNTER = {
  userTicks: 0,
  systemTicks: 1,
  readBytes: 2,
  writeBytes: 3,
  majorFaults: 4,
  minorFaults: 5,
  voluntarySwitches: 6,
  nonvoluntarySwitches: 7,
} as const;

/** An array that has all of {@link COUNTER}. */
type CounterValues = Float64Array<ArrayBuffer> & Record<(typeof COUNTER)[keyof typeof COUNTER], number>;

const COUNTERS = Object.keys(COUNTER).length;

/** The counters of one process or thread: the current values, and how much of them has already been added to totals. */
export class Counters {
  /** By {@link COUNTER}; NaN for unreadable counters. */
  readonly now = new Float64Array(COUNTERS).fill(Number.NaN) as CounterValues;
  readonly #counted = new Float64Array(COUNTERS).fill(Number.NaN);

  /**
   * Sets the baseline of a counter that is read for the first time: count all of it, or only its growth from now on.
   */
  begin(wholly: boolean): void {
    for (let index = 0; index < COUNTERS; index++) {
      if (Number.isNaN(this.#counted[index])) this.#counted[index] = wholly ? 0 : (this.now[index] ?? Number.NaN);
    }
  }

  /** The growth of a counter since it was last taken; 0 if it decreased, NaN if it is unreadable. */
  take(index: number): number {
    const now = this.now[index] ?? Number.NaN;
    const counted = this.#counted[index] ?? Number.NaN;
    // Above it, a count went below zero, as write_bytes does after truncations.
    if (Number.isNaN(now) || now >= WRAPPED) return Number.NaN;
    this.#counted[index] = now;
    return now > counted ? now - counted : 0;
  }
}

/** Sums of growths, by {@link COUNTER}. They never decrease, even when the counted processes exit. */
export class Totals {
  readonly #sums = new Float64Array(COUNTERS);
  /** Bit mask of the counters that have been readable. */
  #readable = 0;

  /** Adds what `counters` have grown since they were last added to any totals. */
  add(counters: Counters): void {
    for (let index = 0; index < COUNTERS; index++) {
      const growth = counters.take(index);
      if (Number.isNaN(growth)) continue;
      this.#sums[index] = (this.#sums[index] ?? 0) + growth;
      this.#readable |= 1 << index;
    }
  }

  /** A sum; NaN if its counter was never readable. */
  get(index: number): number {
    return this.#readable & (1 << index) ? (this.#sums[index] ?? 0) : Number.NaN;
  }
}
