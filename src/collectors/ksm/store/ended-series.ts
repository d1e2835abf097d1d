import { type Ended, MAX_ENDED_CHARACTERS } from '../../../metrics/ended.ts';

/** Unless requested, keys are stored for five to ten minutes: series without an end have expired by then as well. */
const KEEP_MS = 300_000;
/** A leader requests them at each push. */
const UNASKED_MS = 60_000;

/** Keys that ended in the same period. */
class Period {
  /** In the order in which they ended. */
  readonly keys = new Set<string>();
  /** Number of keys dropped because there were too many. */
  lost = 0;
  /** Continues where it stopped: a new one would pass the places of all deleted keys again. */
  #oldest: SetIterator<string> | undefined;

  /** Drops the oldest key and returns it; undefined without keys. */
  dropOldest(): string | undefined {
    if (this.keys.size === 0) return undefined;
    this.#oldest ??= this.keys.values();
    const { value } = this.#oldest.next();
    if (value === undefined) return undefined;
    this.keys.delete(value);
    this.lost++;
    return value;
  }
}

/**
 * The series that are no longer in the text of a store: the difference between the old and new text of each rebuild.
 * Costs nothing per object, and on a standby agent, which never requests them, at most a bounded number of keys: beyond
 * {@link MAX_ENDED_CHARACTERS} the oldest are dropped and counted.
 */
export class EndedSeriesTracker {
  readonly #now: () => number;
  #older = new Period();
  #newer = new Period();
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
    return this.#older.keys.size + this.#newer.keys.size;
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

  /** The series that have ended since the last call and have not come back. */
  take(): Ended {
    this.#takenMs = this.#now();
    const periods = [this.#older, this.#newer];
    this.#older = new Period();
    this.#newer = new Period();
    this.#characters = 0;
    return { keys: periods.flatMap(({ keys }) => [...keys]), lost: periods.reduce((sum, { lost }) => sum + lost, 0) };
  }

  #note(key: string): void {
    if (this.#now() - this.#newerSinceMs > KEEP_MS) {
      for (const old of this.#older.keys) this.#characters -= old.length;
      this.#older = this.#newer;
      this.#newer = new Period();
      this.#newerSinceMs = this.#now();
    }
    if (this.#older.keys.has(key) || this.#newer.keys.has(key)) return;
    // A copy, since a slice would retain the whole text of the object.
    this.#newer.keys.add(Buffer.from(key).toString());
    this.#characters += key.length;
    while (this.#characters > MAX_ENDED_CHARACTERS) {
      const dropped = this.#older.dropOldest() ?? this.#newer.dropOldest();
      if (dropped === undefined) return;
      this.#characters -= dropped.length;
    }
  }

  #forget(key: string): void {
    if (this.#older.keys.delete(key) || this.#newer.keys.delete(key)) this.#characters -= key.length;
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
