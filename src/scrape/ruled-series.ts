import type { Relabeling } from '../metrics/relabel/relabeling.ts';
import { HashTable } from './hash-table.ts';

/** Maximum cached decisions per target; beyond it the cache is cleared. */
const MAX_KEPT = 100_000;

/** The number of the decision that drops a series. */
const DROPPED = 0;

/** The part of a key that rules change: all except its common start and end. */
interface Change {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The results of a target's rules on its series, as Latin-1 strings of bytes. Only the hash of each series and the
 * change are stored: long keys would take more memory than the page, and most rules make the same change to many
 * series.
 */
export class RuledSeries {
  readonly #relabel: readonly Relabeling[];
  /** By the hash of the series in the page. */
  readonly #decisions = new HashTable();
  /** The decisions; the first is {@link DROPPED}. */
  readonly #made: (Change | undefined)[] = [undefined];
  readonly #changes = new Map<string, number>();

  constructor(relabel: readonly Relabeling[]) {
    this.#relabel = relabel;
  }

  /** Whether it is known that the rules drop the series. */
  isDropped(hash: number): boolean {
    return this.#decisions.get(hash) === DROPPED;
  }

  /** The key after relabeling; undefined if the series is dropped. `hash` is that of `key`. */
  keyOf(hash: number, key: string): string | undefined {
    const known = this.#decisions.get(hash);
    if (known === DROPPED) return undefined;
    const change = known === undefined ? undefined : this.#made[known];
    if (change) return key.slice(0, change.start) + change.text + key.slice(key.length - change.end);
    const made = this.#decide(key);
    if (this.#decisions.size >= MAX_KEPT) {
      this.#decisions.clear();
      this.#changes.clear();
      this.#made.length = 1;
    }
    this.#decisions.set(hash, made === undefined ? DROPPED : this.#changeOf(key, made));
    return made;
  }

  #decide(key: string): string | undefined {
    let seen: string | undefined = Buffer.from(key, 'latin1').toString();
    for (const relabeling of this.#relabel) {
      seen = relabeling.keyOf(seen, seen.slice(0, seen.indexOf('{')));
      if (seen === undefined) return undefined;
      if (!seen.includes('{')) seen += '{}';
    }
    return Buffer.from(seen).toString('latin1');
  }

  #changeOf(key: string, made: string): number {
    const most = Math.min(key.length, made.length);
    let start = 0;
    while (start < most && key.charCodeAt(start) === made.charCodeAt(start)) start++;
    let end = 0;
    while (end < most - start && key.charCodeAt(key.length - 1 - end) === made.charCodeAt(made.length - 1 - end)) end++;
    const text = made.slice(start, made.length - end);
    const id = `${start} ${end} ${text}`;
    const known = this.#changes.get(id);
    if (known !== undefined) return known;
    const number = this.#made.push({ start, end, text: owned(text) }) - 1;
    this.#changes.set(owned(id), number);
    return number;
  }
}

/** A copy of a string: a slice would retain the whole original. */
export const owned = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');
