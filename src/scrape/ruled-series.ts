import type { Relabeling } from '../metrics/relabel/relabeling.ts';
import { HashTable } from './hash-table.ts';

/** Decisions that are kept for a target; beyond, they start anew. */
const MOST_KEPT = 100_000;

/** The number of the decision that drops a series. */
const DROPPED = 0;

/** What rules change in a key: all but its first and last characters. */
interface Change {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * What the rules of a target make of its series, in bytes as Latin-1. Of each series only its hash and the change are
 * kept: long keys would take more memory than the page, and most rules make the same change to many series.
 */
export class RuledSeries {
  readonly #relabel: readonly Relabeling[];
  /** By the hash of the series in the page. */
  readonly #decisions = new HashTable();
  /** What the decisions say; the first is {@link DROPPED}. */
  readonly #made: (Change | undefined)[] = [undefined];
  readonly #changes = new Map<string, number>();

  constructor(relabel: readonly Relabeling[]) {
    this.#relabel = relabel;
  }

  /** Whether it is known that the rules drop the series. */
  isDropped(hash: number): boolean {
    return this.#decisions.get(hash) === DROPPED;
  }

  /** The key under the rules; undefined when they drop the series. `hash` stands for `key`. */
  keyOf(hash: number, key: string): string | undefined {
    const known = this.#decisions.get(hash);
    if (known === DROPPED) return undefined;
    const change = known === undefined ? undefined : this.#made[known];
    if (change) return key.slice(0, change.start) + change.text + key.slice(key.length - change.end);
    const made = this.#decide(key);
    if (this.#decisions.size >= MOST_KEPT) {
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

/** A string in memory of its own: a part of another one keeps all of that. */
export const owned = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');
