import { HashTable } from './hash-table.ts';

/** After this time, the series of a target are counted from 0 again, as in vmagent. */
const DAY_MS = 24 * 3_600_000;

/** Limits the number of distinct series of one target per day: samples of further series are dropped. */
export class SeriesLimit {
  readonly limit: number;
  readonly #seen = new HashTable();
  #sinceMs = 0;
  #dropped = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Number of distinct series since the start of the day. */
  get current(): number {
    return this.#seen.size;
  }

  /** Dropped samples of the current or last page. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Begins a page with timestamp `stampMs`. */
  begin(stampMs: number): void {
    this.#dropped = 0;
    if (stampMs - this.#sinceMs < DAY_MS) return;
    this.#seen.clear();
    this.#sinceMs = stampMs;
  }

  /** Whether the sample of a series is accepted. */
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
