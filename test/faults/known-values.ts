import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A prime with seven digits: a truncated multiple of it is not a multiple of it. */
const PRIME = 9_999_991;
const MAX_SERIES = 10_000;
const FIRST_TICK = 1000;
const LAST_TICK = 9999;
const TICK_MS = 250;

/** The metric of these tests. */
export const KNOWN_NAME = 'faults_known_value';

/** Maximum difference between the write time of a value and its timestamp: the machine may be busy. */
const TOLERANCE_MS = 5000;

/**
 * A file of the textfile collector that is replaced four times a second. Every value is a prime times a number that encodes
 * the series and the time of writing, always with 15 digits: neither a truncated number nor a value of another series or time
 * is mistaken for it.
 */
export class KnownValues {
  readonly #folder: string;
  readonly #series: number;
  readonly #startMs = Date.now();
  readonly #timer: NodeJS.Timeout;

  /** Writes `series` values to `folder`, for half an hour at most. */
  constructor(folder: string, series: number) {
    if (series > MAX_SERIES) throw new Error(`at most ${MAX_SERIES} series`);
    this.#folder = folder;
    this.#series = series;
    this.#write();
    this.#timer = setInterval(() => this.#write(), TICK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /**
   * The problem of a value stored for the series `labels.series` at `stampMs`, with a clock that was wrong by one of
   * `skewsMs`; undefined if it is correct.
   */
  complaint(
    labels: Readonly<Record<string, string>>,
    value: number,
    stampMs: number,
    skewsMs: readonly number[],
  ): string | undefined {
    const number = value / PRIME;
    const tick = Math.floor(number / MAX_SERIES);
    if (!Number.isInteger(number) || tick < FIRST_TICK || tick > LAST_TICK) return `${value} was never written`;
    if (number % MAX_SERIES !== Number(labels.series)) return `${value} is of series ${number % MAX_SERIES}`;
    const writtenMs = this.#startMs + (tick - FIRST_TICK) * TICK_MS;
    if (skewsMs.some((skew) => Math.abs(writtenMs + skew - stampMs) < TOLERANCE_MS)) return undefined;
    return `${value} was written ${(stampMs - writtenMs) / 1000} s before its timestamp`;
  }

  #write(): void {
    const tick = FIRST_TICK + Math.floor((Date.now() - this.#startMs) / TICK_MS);
    if (tick > LAST_TICK) throw new Error('the known values are exhausted: the test takes too long');
    let text = `# TYPE ${KNOWN_NAME} counter\n`;
    for (let series = 0; series < this.#series; series++) {
      text += `${KNOWN_NAME}{series="${series}"} ${(tick * MAX_SERIES + series) * PRIME}\n`;
    }
    const path = join(this.#folder, 'known.prom');
    writeFileSync(`${path}.tmp`, text);
    renameSync(`${path}.tmp`, path);
  }
}
