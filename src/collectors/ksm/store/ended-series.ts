/** Unless requested, keys are stored for five to ten minutes: series without an end have expired by then as well. */
const KEEP_MS = 300_000;
/** A leader requests them at each push. */
const UNASKED_MS = 60_000;
/** Total length of all keys in characters, about 100,000 series; beyond that, the oldest are dropped. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

/**
 * The series that are no longer in the text of a store: the difference between the old and new text of each rebuild.
 * Costs nothing per object, and on a standby agent, which never requests them, at most a bounded number of keys.
 */
export class EndedSeriesTracker {
  readonly #now: () => number;
  /** Keys in the order in which they ended; those of the older half are dropped first. */
  #older = new Set<string>();
  #newer = new Set<string>();
  #newerSinceMs: number;
  #characters = 0;
  #takenMs = Number.NEGATIVE_INFINITY;

  /** `now` returns milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#newerSinceMs = now();
  }

  /** Whether another agent may be pushing: a series that was never in our pushes may have been in one of its pushes. */
  get isUnasked(): boolean {
    return this.#now() - this.#takenMs > UNASKED_MS;
  }

  get size(): number {
    return this.#older.size + this.#newer.size;
  }

  /** The sample lines of an object were `before` and are `now`; either may be empty. */
  replaced(before: Buffer, now: Buffer): void {
    // While a cluster is being listed, nothing has ended and there is nothing to look up.
    if (before.length === 0 && this.size === 0) return;
    const [was, is] = [before.toString(), now.toString()];
    if (haveSameKeys(was, is)) return;
    const keys = new Set(keysIn(is));
    for (const key of keysIn(was)) if (!keys.delete(key)) this.#note(key);
    for (const key of keys) this.#forget(key);
  }

  /** The keys, `name{labels}`, of series that have ended since the last call and have not come back. */
  take(): string[] {
    this.#takenMs = this.#now();
    if (this.size === 0) return [];
    const keys = [...this.#older, ...this.#newer];
    this.#older = new Set();
    this.#newer = new Set();
    this.#characters = 0;
    return keys;
  }

  #note(key: string): void {
    if (this.#now() - this.#newerSinceMs > KEEP_MS) {
      for (const old of this.#older) this.#characters -= old.length;
      this.#older = this.#newer;
      this.#newer = new Set();
      this.#newerSinceMs = this.#now();
    }
    if (this.#older.has(key) || this.#newer.has(key)) return;
    // A copy, since a slice would retain the whole text of the object.
    this.#newer.add(Buffer.from(key).toString());
    this.#characters += key.length;
    while (this.#characters > MAX_CHARACTERS) {
      const [oldest] = this.#older.size > 0 ? this.#older : this.#newer;
      if (oldest === undefined) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    if (this.#older.delete(key) || this.#newer.delete(key)) this.#characters -= key.length;
  }
}

/** The keys of all lines: the part before the last blank, since a value has none. */
function* keysIn(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = endOf(text, start);
    yield text.slice(start, text.lastIndexOf(' ', end));
    start = end;
  }
}

/** Whether two texts have the same series in the same order: most changes only change values. */
function haveSameKeys(one: string, other: string): boolean {
  let [start, otherStart] = [0, 0];
  while (start < one.length && otherStart < other.length) {
    const [end, otherEnd] = [endOf(one, start), endOf(other, otherStart)];
    const length = one.lastIndexOf(' ', end) - start;
    if (other.lastIndexOf(' ', otherEnd) - otherStart !== length) return false;
    if (one.slice(start, start + length) !== other.slice(otherStart, otherStart + length)) return false;
    start = end;
    otherStart = otherEnd;
  }
  return start >= one.length && otherStart >= other.length;
}

const endOf = (text: string, start: number): number => text.indexOf('\n', start) + 1 || text.length;
