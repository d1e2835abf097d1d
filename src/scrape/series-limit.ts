import { HashTable } from './hash-table.ts';

/** After this, the series of a target count anew, as in vmagent. */
const DAY_MS = 24 * 3_600_000;

/** Bounds the different series of one target within a day: samples of further ones are dropped. */
export class SeriesLimit {
  readonly limit: number;
  readonly #seen = new HashTable();
  #sinceMs = 0;
  #dropped = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Different series since the day began. */
  get current(): number {
    return this.#seen.size;
  }

  /** Samples dropped of the page that is read, or was read last. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Begins a page of the time `stampMs`. */
  begin(stampMs: number): void {
    this.#dropped = 0;
    if (stampMs - this.#sinceMs < DAY_MS) return;
    this.#seen.clear();
    this.#sinceMs = stampMs;
  }

  /** Whether the sample of a series is taken. */
  takes(hash: number): boolean {
    if (this.#seen.has(hash)) return true;
    if (this.#seen.size >= this.limit) {
      this.#dropped++;
      return false;
    }
    this.#seen.add(hash);
    return true;
  }
}
