import { HashTable } from './hash-table.ts';

/** Initial size. */
const FIRST_ROOM = 256;

/** The series of a page compared with the previous page. */
interface SeriesChange {
  /** Number of series that the previous page did not have. */
  readonly added: number;
  /** Whether series of the previous page may be missing. */
  readonly mayHaveEnded: boolean;
}

/**
 * Stores the series of one target as ordered numbers: a page with the same series in the same order as the previous
 * one, the usual case, costs one comparison per line and eight bytes per series.
 */
export class SeriesOrder {
  #before = new Float64Array(0);
  #now = new Float64Array(FIRST_ROOM);
  #count = 0;
  /** The series of this page so far; only if it differs from the previous one. */
  #seen: HashTable | undefined;

  /** Begins a page. */
  begin(): void {
    this.#count = 0;
    this.#seen = undefined;
  }

  /** Adds a series by its {@link seriesHash}; false if it is a duplicate on this page. */
  add(hash: number): boolean {
    const at = this.#count;
    if (this.#seen === undefined && this.#before[at] !== hash) {
      this.#seen = tableOf(this.#now, at);
    }
    if (this.#seen !== undefined) {
      if (!this.#seen.add(hash)) return false;
    }
    if (at === this.#now.length) {
      const larger = new Float64Array(at * 2);
      larger.set(this.#now);
      this.#now = larger;
    }
    this.#now[at] = hash;
    this.#count = at + 1;
    return true;
  }

  /** Ends a valid page: the next one is compared with it. */
  end(): SeriesChange {
    const before = this.#before;
    const isSame = this.#seen === undefined && this.#count === before.length;
    const change = isSame ? { added: 0, mayHaveEnded: false } : this.#compare();
    if (!isSame) this.#before = this.#now.slice(0, this.#count);
    // The second buffer is not kept while pages are alike, which saves half of the memory.
    this.#now = new Float64Array(Math.max(FIRST_ROOM, this.#count));
    this.#count = 0;
    this.#seen = undefined;
    return change;
  }

  /** Discards the last page. */
  clear(): void {
    this.#before = new Float64Array(0);
    this.begin();
  }

  #compare(): SeriesChange {
    const before = tableOf(this.#before, this.#before.length);
    let common = 0;
    for (let index = 0; index < this.#count; index++) if (before.has(this.#now[index] ?? 0)) common++;
    return { added: this.#count - common, mayHaveEnded: common < before.size };
  }
}

function tableOf(hashes: Float64Array, count: number): HashTable {
  const table = new HashTable();
  for (let index = 0; index < count; index++) table.add(hashes[index] ?? 0);
  return table;
}

/**
 * 53 bits of the bytes from `start` to `end`: collisions within a page are practically impossible. Processes four bytes
 * at a time.
 */
export function seriesHash(bytes: DataView, start: number, end: number): number {
  let one = end - start;
  let two = 0x9e3779b9;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = bytes.getInt32(at, true);
    one = Math.imul(one ^ word, 0xcc9e2d51);
    one = (one << 13) | (one >>> 19);
    two = Math.imul(two + word, 0x85ebca6b);
    two ^= two >>> 15;
  }
  for (; at < end; at++) {
    const byte = bytes.getUint8(at);
    one = Math.imul(one ^ byte, 0x1b873593);
    two = Math.imul(two + byte, 0xc2b2ae35);
  }
  one ^= one >>> 16;
  return (one >>> 0) * 0x200000 + ((two ^ (two >>> 13)) & 0x1fffff);
}

/** The input of {@link seriesHash}. */
export const viewOf = ({ buffer, byteOffset, length }: Buffer): DataView => new DataView(buffer, byteOffset, length);
