import { littleU64, type Window } from './window.ts';

const ENTRY = 3;
const ARRAY = 6;
const ARRAY_HEAD = 24;
const OBJECT_HEAD = 16;
const LAST_TYPE = 7;

/** Offsets read at once. */
const CHUNK = 1024;

interface Segment {
  readonly offset: number;
  /** Index of the first entry in it. */
  readonly first: number;
  readonly capacity: number;
}

/** What the index needs to know of the file. */
interface IndexedFile {
  readonly window: Window;
  readonly isCompact: boolean;
  /** Offset of the first array; 0 while there is none. */
  readonly firstArray: () => number;
  readonly headerBytes: number;
}

/**
 * Finds the entries of a file by index, through the file's chain of entry arrays. If the chain is broken, the objects
 * after the last valid entry are walked one by one, because they are in the order of the entries.
 */
export class EntryIndex {
  readonly #file: IndexedFile;
  readonly #segments: Segment[] = [];
  /** Index of the first entry that no array leads to; undefined while the chain is whole. */
  #brokenAt: number | undefined;
  readonly #chunk = { first: 0, offsets: new Float64Array(CHUNK), length: 0 };
  /** How far the objects after the break have been walked. */
  #walked: { index: number; offset: number } | undefined;

  constructor(file: IndexedFile) {
    this.#file = file;
  }

  /** Forgets offsets that may have been zero when they were read. */
  refresh(): void {
    this.#chunk.length = 0;
    // A part that looked broken may not have been written yet.
    this.#brokenAt = undefined;
    this.#walked = undefined;
  }

  /** How many of `entries` are reachable through the arrays: only those can be searched. */
  reachable(entries: number): number {
    if (entries > 0) this.#segmentOf(entries - 1);
    return Math.min(entries, this.#brokenAt ?? entries);
  }

  /** Offset of the entry `index`, of `entries` that are complete; undefined if it is unknown or implausible. */
  offset(index: number, entries: number): number | undefined {
    const offset = this.#item(index);
    if (offset === undefined) return this.#walk(index);
    if (offset === 0 || offset % 8 !== 0) return undefined;
    const before = index === 0 ? 0 : (this.#item(index - 1) ?? 0);
    const after = index + 1 < entries ? (this.#item(index + 1) ?? Infinity) : Infinity;
    // Entries are in order. An offset outside of its neighbours is damaged, unless they themselves are.
    return before < after && (offset <= before || offset >= after) ? undefined : offset;
  }

  #item(index: number): number | undefined {
    const { first, length, offsets } = this.#chunk;
    if (index >= first && index < first + length) return offsets[index - first];
    const segment = this.#segmentOf(index);
    if (segment === undefined) return undefined;
    const { window, isCompact } = this.#file;
    const itemBytes = isCompact ? 4 : 8;
    const from = index - segment.first;
    // Neighbours are requested as well: start a little earlier.
    const start = Math.max(0, from - 2);
    const count = Math.min(CHUNK, segment.capacity - start);
    if (!window.seek(segment.offset + ARRAY_HEAD + start * itemBytes, count * itemBytes)) {
      const one = window.seek(segment.offset + ARRAY_HEAD + from * itemBytes, itemBytes);
      if (!one) return undefined;
      return isCompact ? window.buffer.readUInt32LE(window.at) : littleU64(window.buffer, window.at);
    }
    const { buffer, at } = window;
    for (let item = 0; item < count; item++) {
      offsets[item] = isCompact ? buffer.readUInt32LE(at + item * 4) : littleU64(buffer, at + item * 8);
    }
    this.#chunk.first = segment.first + start;
    this.#chunk.length = count;
    return offsets[from - start];
  }

  /** The array that holds the entry `index`; follows the chain as far as needed. */
  #segmentOf(index: number): Segment | undefined {
    for (;;) {
      const last = this.#segments.at(-1);
      if (last !== undefined && index < last.first + last.capacity) {
        return this.#segments.findLast(({ first }) => first <= index);
      }
      if (this.#brokenAt !== undefined) return undefined;
      const next = this.#nextSegment(last);
      if (next === undefined) {
        this.#brokenAt = last === undefined ? 0 : last.first + last.capacity;
        return undefined;
      }
      this.#segments.push(next);
    }
  }

  #nextSegment(last: Segment | undefined): Segment | undefined {
    const { window, isCompact, firstArray } = this.#file;
    let offset = firstArray();
    if (last !== undefined) {
      if (!window.seek(last.offset, ARRAY_HEAD)) return undefined;
      offset = littleU64(window.buffer, window.at + OBJECT_HEAD);
      // Arrays are appended: anything else would be a cycle.
      if (offset <= last.offset) return undefined;
    }
    if (offset === 0 || offset % 8 !== 0 || !window.seek(offset, ARRAY_HEAD)) return undefined;
    const { buffer, at } = window;
    const size = littleU64(buffer, at + 8);
    const capacity = Math.floor((size - ARRAY_HEAD) / (isCompact ? 4 : 8));
    if (buffer[at] !== ARRAY || capacity < 1 || capacity > MAX_ENTRIES) return undefined;
    return { offset, first: last === undefined ? 0 : last.first + last.capacity, capacity };
  }

  /** The entry `index` after the break, found by walking from object to object. */
  #walk(index: number): number | undefined {
    const broken = this.#brokenAt;
    if (broken === undefined || index < broken) return undefined;
    let { index: at, offset } =
      this.#walked !== undefined && this.#walked.index <= index ? this.#walked : this.#start(broken);
    const { window } = this.#file;
    while (at < index) {
      if (!window.seek(offset, OBJECT_HEAD)) return undefined;
      const size = littleU64(window.buffer, window.at + 8);
      if (size < OBJECT_HEAD || size > Number.MAX_SAFE_INTEGER) return undefined;
      offset += Math.ceil(size / 8) * 8;
      if (!window.seek(offset, OBJECT_HEAD)) return undefined;
      const type = window.buffer[window.at] ?? 0;
      if (type === 0 || type > LAST_TYPE) return undefined;
      if (type === ENTRY) at++;
    }
    this.#walked = { index: at, offset };
    return at < broken ? undefined : offset;
  }

  /** The object from which to walk: the last entry that an array names, or the first object of the file. */
  #start(broken: number): { index: number; offset: number } {
    const { window, headerBytes } = this.#file;
    const offset = broken === 0 ? undefined : this.#item(broken - 1);
    if (offset !== undefined && offset % 8 === 0 && window.seek(offset, OBJECT_HEAD)) {
      if (window.buffer[window.at] === ENTRY) return { index: broken - 1, offset };
    }
    return { index: -1, offset: headerBytes };
  }
}

/** More than the largest file written by journald can contain. */
const MAX_ENTRIES = 2 ** 28;
