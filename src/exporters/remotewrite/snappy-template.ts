import {
  copyOf,
  SHORTEST_MATCH,
  SNAPPY_BLOCK_BYTES,
  slotOf,
  table,
  takeScratch,
  wordAt,
  writeCopy,
  writeLiteral,
} from '../prompb/snappy.ts';

/** Compressed elements, parts of which can be overwritten. */
export interface SnappyTemplate {
  readonly elements: Buffer;
  readonly inputBytes: number;
  /** Positions of the places in the elements. */
  readonly places: readonly number[];
}

/** Marks a byte that no match may include. */
const FIXED = 1;

/**
 * Compresses input in which `placeBytes` bytes at each of `places` (ascending, not adjacent) will change. They are stored
 * uncompressed, and no match refers to them.
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

/** Called for each literal with its range in the input, and its position in the elements. */
type OnLiteral = (from: number, to: number, at: number) => void;

function compressMarked(input: Buffer, marks: Uint8Array, onLiteral: OnLiteral): Buffer {
  const output = takeScratch(input.length);
  let length = 0;
  for (let start = 0; start < input.length; ) {
    let end = Math.min(input.length, start + SNAPPY_BLOCK_BYTES);
    // A place must not span two blocks.
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
    marks[candidate + matched] !== FIXED &&
    marks[at + matched] !== FIXED
  )
    matched++;
  return matched;
}
