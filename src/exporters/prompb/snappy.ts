/** Input is compressed in blocks of this size, so that an offset fits in two bytes. */
export const SNAPPY_BLOCK_BYTES = 64 * 1024;
const TABLE_BITS = 14;
export const SHORTEST_MATCH = 4;
/** The longest match of one copy element. */
const LONGEST_COPY = 64;
/** Positions without a match make the search skip faster, as in the reference implementation. */
const SKIP_SHIFT = 5;

/** Where each hash of four bytes was last seen, from the start of the block. */
export const table = new Uint16Array(1 << TABLE_BITS);

/** Reused for all output, and grown as needed: new buffers of this size would dominate the cost. */
let scratch: Buffer = Buffer.alloc(0);

/** The output buffer for `inputBytes` of input. The next call overwrites it. */
export function takeScratch(inputBytes: number): Buffer {
  const most = 32 + inputBytes + Math.ceil(inputBytes / 6);
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(most);
  return scratch;
}

/**
 * The snappy block format, which remote write requires. Node has no built-in implementation. Source:
 * https://github.com/google/snappy/blob/main/format_description.txt
 */
export function snappy(input: Buffer): Buffer {
  return withPreamble(input.length, snappyElements(input));
}

/** Compressed input without its preamble. May be concatenated with other elements. */
export function snappyElements(input: Buffer): Buffer {
  const output = takeScratch(input.length);
  let length = 0;
  for (let start = 0; start < input.length; start += SNAPPY_BLOCK_BYTES) {
    length = compressBlock(input, start, Math.min(input.length, start + SNAPPY_BLOCK_BYTES), output, length);
  }
  return copyOf(output, length);
}

/** The preamble: the length of the input as a varint. */
function preambleOf(inputBytes: number): Buffer {
  const preamble: number[] = [];
  let rest = inputBytes;
  for (; rest >= 128; rest = Math.floor(rest / 128)) preamble.push((rest % 128) | 128);
  return Buffer.from([...preamble, rest]);
}

/** Joins compressed elements, whose inputs have `inputBytes` in total, into one payload in newly allocated memory. */
export function withPreamble(inputBytes: number, ...elements: readonly Buffer[]): Buffer {
  const preamble = preambleOf(inputBytes);
  const payload = Buffer.allocUnsafeSlow(elements.reduce((sum, { length }) => sum + length, preamble.length));
  preamble.copy(payload);
  let at = preamble.length;
  for (const one of elements) at += one.copy(payload, at);
  return payload;
}

/** A copy of the first `length` bytes. */
export const copyOf = (output: Buffer, length: number): Buffer => {
  const copy = Buffer.allocUnsafeSlow(length);
  output.copy(copy, 0, 0, length);
  return copy;
};

function compressBlock(input: Buffer, start: number, end: number, output: Buffer, outputLength: number): number {
  let length = outputLength;
  let literal = start;
  table.fill(0);
  const last = end - SHORTEST_MATCH;
  let misses = 1 << SKIP_SHIFT;
  for (let at = start + 1; at <= last; ) {
    const word = wordAt(input, at);
    const slot = slotOf(word);
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

/** The index of four bytes in {@link table}. */
export const slotOf = (word: number): number => Math.imul(word, 0x1e35a7bd) >>> (32 - TABLE_BITS);

/** Four bytes as a number. */
export const wordAt = (bytes: Buffer, at: number): number =>
  (bytes[at] as number) |
  ((bytes[at + 1] as number) << 8) |
  ((bytes[at + 2] as number) << 16) |
  ((bytes[at + 3] as number) << 24);

/** Writes a literal; returns the new length of the output. */
export function writeLiteral(input: Buffer, from: number, to: number, output: Buffer, outputLength: number): number {
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

/** Writes copies with an offset of two bytes; returns the new length of the output. */
export function writeCopy(offset: number, matched: number, output: Buffer, outputLength: number): number {
  let length = outputLength;
  for (let rest = matched; rest > 0; rest -= LONGEST_COPY) {
    const size = Math.min(rest, LONGEST_COPY);
    output[length++] = ((size - 1) << 2) | 2;
    output[length++] = offset & 255;
    output[length++] = offset >>> 8;
  }
  return length;
}
