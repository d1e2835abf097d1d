import { fnv1a32 } from '../../base/fnv.ts';
import { type Bytes, writePart, writeVarint } from '../prompb/bytes.ts';

const FIRST_SLOTS = 1024;
const EMPTY = -1;

/** Numbers distinct pieces of text from 0, in order of first appearance. Works on bytes, to avoid creating strings. */
export class ByteTable {
  #bytes = Buffer.allocUnsafeSlow(16 * 1024);
  #length = 0;
  /** Hash table of the numbers, with at least twice as many slots as pieces. */
  #slots = new Int32Array(FIRST_SLOTS).fill(EMPTY);
  #hashes = new Int32Array(FIRST_SLOTS);
  /** The end of each piece in the bytes. */
  #ends = new Int32Array(FIRST_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Total length of all pieces. */
  get bytes(): number {
    return this.#length;
  }

  /** The number of the piece of `text` from `start` up to `end`, exclusive. */
  numberOf(text: Buffer, start: number, end: number): number {
    let hash = fnv1a32(text, start, end, end - start);
    // The low bits of the last step depend on few bits of the text.
    hash ^= hash >>> 15;
    const [slots, hashes, ends, bytes] = [this.#slots, this.#hashes, this.#ends, this.#bytes];
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const known = slots[slot] as number;
      if (known === EMPTY) break;
      if (hashes[known] === hash) {
        const to = ends[known] as number;
        let from = to - (end - start);
        let at = start;
        while (at < end && bytes[from] === text[at]) [from, at] = [from + 1, at + 1];
        if (at === end && to - (end - start) === (known === 0 ? 0 : ends[known - 1])) return known;
      }
      slot = (slot + 1) & mask;
    }
    return this.#add(hash, slot, text, start, end);
  }

  /** Writes each piece as the length-delimited field `tag`. */
  writeFields(out: Bytes, tag: number): void {
    let start = 0;
    for (let number = 0; number < this.#size; number++) {
      const end = this.#ends[number] as number;
      const to = out.length;
      const buffer = out.reserve(6 + end - start);
      buffer[to] = tag;
      out.advance(writePart(buffer, writeVarint(buffer, to + 1, end - start), this.#bytes, start, end));
      start = end;
    }
  }

  clear(): void {
    this.#slots.fill(EMPTY);
    this.#length = 0;
    this.#size = 0;
  }

  #add(hash: number, slot: number, text: Buffer, start: number, end: number): number {
    const number = this.#size++;
    if (number === this.#ends.length) this.#hashes = grown(this.#hashes);
    if (number === this.#ends.length) this.#ends = grown(this.#ends);
    if (this.#length + end - start > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (this.#length + end - start));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length = writePart(this.#bytes, this.#length, text, start, end);
    this.#hashes[number] = hash;
    this.#ends[number] = this.#length;
    this.#slots[slot] = number;
    if (this.#size * 2 > this.#slots.length) this.#spread();
    return number;
  }

  #spread(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(EMPTY);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let slot = (this.#hashes[number] as number) & mask;
      while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
      slots[slot] = number;
    }
    this.#slots = slots;
  }
}

function grown(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}
