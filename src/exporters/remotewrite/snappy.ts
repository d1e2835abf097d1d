/** Input is compressed in blocks of this size, so that an offset fits in two bytes. */
const BLOCK_BYTES = 64 * 1024;
const TABLE_BITS = 14;
const SHORTEST_MATCH = 4;
/** The longest match of one copy element. */
const LONGEST_COPY = 64;
/** Positions without a match make the search skip faster, as in the reference implementation. */
const SKIP_SHIFT = 5;

const table = new Uint16Array(1 << TABLE_BITS);

/**
 * The snappy block format, which remote write requires. Node has no built-in implementation. Source:
 * https://github.com/google/snappy/blob/main/format_description.txt
 */
export function snappy(input: Buffer): Buffer {
  const output = Buffer.allocUnsafeSlow(32 + input.length + Math.ceil(input.length / 6));
  let length = 0;
  let rest = input.length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) output[length++] = (rest % 128) | 128;
  output[length++] = rest;
  for (let start = 0; start < input.length; start += BLOCK_BYTES) {
    length = compressBlock(input, start, Math.min(input.length, start + BLOCK_BYTES), output, length);
  }
  // The spare room for incompressible input is released.
  return Buffer.from(output.subarray(0, length));
}

function compressBlock(input: Buffer, start: number, end: number, output: Buffer, outputLength: number): number {
  let length = outputLength;
  let literal = start;
  table.fill(0);
  const last = end - SHORTEST_MATCH;
  let misses = 1 << SKIP_SHIFT;
  for (let at = start + 1; at <= last; ) {
    const word = wordAt(input, at);
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - TABLE_BITS);
    const candidate = start + (table[slot] as number);
    table[slot] = at - start;
    if (wordAt(input, candidate) !== word) {
      at += misses++ >>> SKIP_SHIFT;
      continue;
    }
    misses = 1 << SKIP_SHIFT;
    if (at > literal) length = writeLiteral(input, literal, at, output, length);
    let matched = SHORTEST_MATCH;
    while (at + matched < end && input[candidate + matched] === input[at + matched]) matched++;
    length = writeCopy(at - candidate, matched, output, length);
    at += matched;
    literal = at;
  }
  return literal < end ? writeLiteral(input, literal, end, output, length) : length;
}

const wordAt = (bytes: Buffer, at: number): number =>
  (bytes[at] as number) |
  ((bytes[at + 1] as number) << 8) |
  ((bytes[at + 2] as number) << 16) |
  ((bytes[at + 3] as number) << 24);

function writeLiteral(input: Buffer, from: number, to: number, output: Buffer, outputLength: number): number {
  let length = outputLength;
  const size = to - from - 1;
  if (size < 60) output[length++] = size << 2;
  else if (size < 256) {
    output[length++] = 60 << 2;
    output[length++] = size;
  } else {
    output[length++] = 61 << 2;
    output[length++] = size & 255;
    output[length++] = size >>> 8;
  }
  if (to - from < 32) for (let at = from; at < to; at++) output[length++] = input[at] as number;
  else length += input.copy(output, length, from, to);
  return length;
}

/** Copies with an offset of two bytes. */
function writeCopy(offset: number, matched: number, output: Buffer, outputLength: number): number {
  let length = outputLength;
  for (let rest = matched; rest > 0; rest -= LONGEST_COPY) {
    const size = Math.min(rest, LONGEST_COPY);
    output[length++] = ((size - 1) << 2) | 2;
    output[length++] = offset & 255;
    output[length++] = offset >>> 8;
  }
  return length;
}
