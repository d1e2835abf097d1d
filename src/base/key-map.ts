import { randomInt } from 'node:crypto';
import { fnv1a32OfText } from './fnv.ts';

/** A segment with this many entries is divided: growing it takes less than a millisecond. */
const MOST_ENTRIES = 3072;
/** Keys whose hashes are equal can't be divided. */
const MOST_BITS = 20;
const FIRST_SLOTS = 8;

/**
 * A map for hundreds of thousands of strings, without the long pauses that a Map of that size causes: a Map grows in one go (8 ms
 * at 65,536 entries), V8 marks it in one go, and the text of each key becomes one of V8's internalized strings, all of
 * which are visited while a full garbage collection has stopped the program. Here the entries are in segments, each of
 * which is divided by one more bit of the hashes when it is full (extendible hashing).
 */
export class KeyMap<V> {
  /** By the low bits of the hash; a segment that uses fewer of them appears several times. */
  #segments: readonly MapSegment<V>[] = [new MapSegment<V>(0)];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const hash = hashOf(key);
    const segment = this.#segmentOf(hash);
    return segment.values[segment.slotOf(key, hash)];
  }

  has(key: string): boolean {
    const hash = hashOf(key);
    const segment = this.#segmentOf(hash);
    return segment.keys[segment.slotOf(key, hash)] !== undefined;
  }

  /** Adds an entry, or changes its value. */
  set(key: string, value: V): void {
    const hash = hashOf(key);
    let segment = this.#segmentOf(hash);
    const slot = segment.slotOf(key, hash);
    if (segment.keys[slot] !== undefined) {
      segment.values[slot] = value;
      return;
    }
    while (segment.size >= MOST_ENTRIES && segment.bits < MOST_BITS) {
      this.#divide(segment, hash);
      segment = this.#segmentOf(hash);
    }
    segment.insert(key, hash, value);
    this.#size++;
  }

  /** Removes an entry; false if there is none. */
  delete(key: string): boolean {
    const hash = hashOf(key);
    if (!this.#segmentOf(hash).delete(key, hash)) return false;
    this.#size--;
    return true;
  }

  /** In no particular order; the map must not change in the meantime. */
  *keys(): Generator<string> {
    for (const { keys } of new Set(this.#segments)) for (const key of keys) if (key !== undefined) yield key;
  }

  #segmentOf(hash: number): MapSegment<V> {
    return this.#segments[hash & (this.#segments.length - 1)] as MapSegment<V>;
  }

  #divide(full: MapSegment<V>, hash: number): void {
    const all = this.#segments.length === 2 ** full.bits ? [...this.#segments, ...this.#segments] : [...this.#segments];
    const halves = [new MapSegment<V>(full.bits + 1), new MapSegment<V>(full.bits + 1)] as const;
    const halfOf = (number: number) => halves[(number >>> full.bits) & 1 ? 1 : 0];
    for (let slot = 0; slot < full.keys.length; slot++) {
      const key = full.keys[slot];
      if (key === undefined) continue;
      const own = full.hashes[slot] ?? 0;
      halfOf(own).insert(key, own, full.values[slot] as V);
    }
    const step = 2 ** full.bits;
    for (let index = hash & (step - 1); index < all.length; index += step) all[index] = halfOf(index);
    this.#segments = all;
  }
}

/** An open hash table with linear probing. */
class MapSegment<V> {
  /** How many bits of the hashes of its keys are the same. */
  readonly bits: number;
  size = 0;
  /** Undefined in a free slot. */
  keys: (string | undefined)[] = emptySlots(FIRST_SLOTS);
  values: (V | undefined)[] = emptySlots(FIRST_SLOTS);
  hashes = new Int32Array(FIRST_SLOTS);

  constructor(bits: number) {
    this.bits = bits;
  }

  /** The slot of a key, or the free one where it belongs. */
  slotOf(key: string, hash: number): number {
    const mask = this.keys.length - 1;
    let slot = homeOf(hash) & mask;
    for (;;) {
      const found = this.keys[slot];
      if (found === undefined || (this.hashes[slot] === hash && found === key)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Adds a key that it does not have. */
  insert(key: string, hash: number, value: V): void {
    if (8 * (this.size + 1) > 7 * this.keys.length) this.#grow();
    const slot = this.slotOf(key, hash);
    this.#fill(slot, key, hash, value);
    this.size++;
  }

  delete(key: string, hash: number): boolean {
    let free = this.slotOf(key, hash);
    if (this.keys[free] === undefined) return false;
    this.size--;
    // An entry that a search reaches only through this slot moves into it.
    const mask = this.keys.length - 1;
    for (let slot = (free + 1) & mask; this.keys[slot] !== undefined; slot = (slot + 1) & mask) {
      const own = this.hashes[slot] ?? 0;
      if (((slot - homeOf(own)) & mask) < ((slot - free) & mask)) continue;
      this.#fill(free, this.keys[slot], own, this.values[slot]);
      free = slot;
    }
    this.#fill(free, undefined, 0, undefined);
    return true;
  }

  #fill(slot: number, key: string | undefined, hash: number, value: V | undefined): void {
    this.keys[slot] = key;
    this.hashes[slot] = hash;
    this.values[slot] = value;
  }

  #grow(): void {
    const { keys, hashes, values } = this;
    this.keys = emptySlots(2 * keys.length);
    this.values = emptySlots(2 * keys.length);
    this.hashes = new Int32Array(2 * keys.length);
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index];
      const hash = hashes[index] ?? 0;
      if (key !== undefined) this.#fill(this.slotOf(key, hash), key, hash, values[index]);
    }
  }
}

const emptySlots = (count: number): undefined[] => new Array<undefined>(count).fill(undefined);

/** Bits other than those that select the segment. */
const homeOf = (hash: number): number => Math.imul(hash, 0x9e3779b1) >>> 16;

/** Random for each process, because names of objects chosen to have equal hashes would make each operation slow. */
const SEED = randomInt(2 ** 32);

/** Mixed, so that the low bits depend on all code units. */
function hashOf(key: string): number {
  const hash = fnv1a32OfText(key, SEED);
  return hash ^ (hash >>> 15);
}
