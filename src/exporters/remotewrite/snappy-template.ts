import { STAMP_BYTES } from './bytes.ts';
import {
  BLOCK_BYTES,
  copyOf,
  SHORTEST_MATCH,
  slotOf,
  table,
  takeScratch,
  wordAt,
  writeCopy,
  writeLiteral,
} from './snappy.ts';

/** Compressed elements, parts of which can be overwritten. */
export interface SnappyTemplate {
  readonly elements: Buffer;
  readonly inputBytes: number;
  /** Where the places are in the elements. */
  readonly places: readonly number[];
}

/** Bytes of a timestamp in compressed elements: those of it from `from` to before `to`, at `at`. */
interface StampPart {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** Compressed elements of input in which all timestamps are equal, and can be replaced by another. */
export interface StampedElements {
  readonly elements: Buffer;
  readonly inputBytes: number;
  /** The bytes of timestamps that are uncompressed. All others are copies of them. */
  readonly stamps: readonly StampPart[];
}

/** No match may touch a byte with this mark. Other bytes match only those with the same mark. */
const FIXED = 255;

/**
 * Compresses input in which `placeBytes` bytes from each of `places` (ascending, apart from each other) will change.
 * They are stored as they are, and nothing else refers to them.
 */
export function snappyTemplate(input: Buffer, places: readonly number[], placeBytes: number): SnappyTemplate {
  const marks = new Uint8Array(input.length + SHORTEST_MATCH);
  for (const place of places) marks.fill(FIXED, place, place + placeBytes);
  const found: number[] = [];
  const elements = compressMarked(input, marks, (from, to, at) => {
    for (let next = places[found.length]; next !== undefined && next < to; next = places[found.length]) {
      found.push(at + next - from);
    }
  });
  return { elements, inputBytes: input.length, places: found };
}

/** Compresses input in which the same timestamp stands at each of `stampAt` (ascending, apart from each other). */
export function snappyStamped(input: Buffer, stampAt: readonly number[]): StampedElements {
  const marks = new Uint8Array(input.length + SHORTEST_MATCH);
  for (const at of stampAt) for (let index = 0; index < STAMP_BYTES; index++) marks[at + index] = index + 1;
  const stamps: StampPart[] = [];
  let next = 0;
  const elements = compressMarked(input, marks, (from, to, at) => {
    for (; next < stampAt.length; next++) {
      const stamp = stampAt[next] as number;
      if (stamp >= to) return;
      const [first, end] = [Math.max(from, stamp), Math.min(to, stamp + STAMP_BYTES)];
      if (first < end) stamps.push({ at: at + first - from, from: first - stamp, to: end - stamp });
      // Its rest may be in the next literal.
      if (stamp + STAMP_BYTES > to) return;
    }
  });
  return { elements, inputBytes: input.length, stamps };
}

/** Replaces the timestamp of all samples. */
export function restamp({ elements, stamps }: StampedElements, stamp: Buffer): void {
  for (const { at, from, to } of stamps) stamp.copy(elements, at, from, to);
}

/** Called for each literal: where it begins and ends in the input, and where it begins in the elements. */
type OnLiteral = (from: number, to: number, at: number) => void;

function compressMarked(input: Buffer, marks: Uint8Array, onLiteral: OnLiteral): Buffer {
  const output = takeScratch(input.length);
  let length = 0;
  for (let start = 0; start < input.length; ) {
    let end = Math.min(input.length, start + BLOCK_BYTES);
    // A place stays in one piece.
    while (end < input.length && marks[end] === FIXED && marks[end - 1] === FIXED) end--;
    length = compressBlock(input, start, end, marks, output, length, onLiteral);
    start = end;
  }
  return copyOf(output, length);
}

function compressBlock(
  input: Buffer,
  start: number,
  end: number,
  marks: Uint8Array,
  output: Buffer,
  outputLength: number,
  onLiteral: OnLiteral,
): number {
  let length = outputLength;
  let literal = start;
  const flush = (to: number) => {
    if (to === literal) return;
    length = writeLiteral(input, literal, to, output, length);
    onLiteral(literal, to, length - (to - literal));
  };
  table.fill(0);
  for (let at = start + 1; at <= end - SHORTEST_MATCH; ) {
    // Places are longer than this.
    if (marks[at] === FIXED || marks[at + SHORTEST_MATCH - 1] === FIXED) {
      at++;
      continue;
    }
    const word = wordAt(input, at);
    const slot = slotOf(word);
    const candidate = start + (table[slot] as number);
    table[slot] = at - start;
    const matched = wordAt(input, candidate) === word ? matchedBytes(input, marks, candidate, at, end) : 0;
    if (matched < SHORTEST_MATCH) {
      at++;
      continue;
    }
    flush(at);
    length = writeCopy(at - candidate, matched, output, length);
    at += matched;
    literal = at;
  }
  flush(end);
  return length;
}

function matchedBytes(input: Buffer, marks: Uint8Array, candidate: number, at: number, end: number): number {
  let matched = 0;
  while (
    at + matched < end &&
    input[candidate + matched] === input[at + matched] &&
    marks[candidate + matched] === marks[at + matched] &&
    marks[at + matched] !== FIXED
  )
    matched++;
  return matched;
}
