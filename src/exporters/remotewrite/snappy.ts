/** Input is compressed in blocks of this size, so that an offset fits in two bytes. */
const BLOCK_BYTES = 64 * 1024;
const TABLE_BITS = 14;
const SHORTEST_MATCH = 4;
/** The longest match of one copy element. */
const LONGEST_COPY = 64;
/** Positions without a match make the search skip faster, as in the reference implementation. */
const SKIP_SHIFT = 5;

const table = new Uint16Array(1 << TABLE_BITS);

/** Reused for all output, and grown as needed: new buffers of this size would dominate the cost. */
let scratch: Buffer = Buffer.alloc(0);

function takeScratch(inputBytes: number): Buffer {
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
  for (let start = 0; start < input.length; start += BLOCK_BYTES) {
    length = compressBlock(input, start, Math.min(input.length, start + BLOCK_BYTES), output, length);
  }
  return copyOf(output, length);
}

/** Compressed elements of inputs with `inputBytes` in all, as one payload in memory of its own. */
export function withPreamble(inputBytes: number, ...elements: readonly Buffer[]): Buffer {
  const preamble: number[] = [];
  let rest = inputBytes;
  for (; rest >= 128; rest = Math.floor(rest / 128)) preamble.push((rest % 128) | 128);
  const payload = Buffer.allocUnsafeSlow(elements.reduce((sum, { length }) => sum + length, preamble.length + 1));
  payload.set([...preamble, rest]);
  let at = preamble.length + 1;
  for (const one of elements) at += one.copy(payload, at);
  return payload;
}

/** Compressed elements with places that are uncompressed, and so can be overwritten. */
export interface SnappyTemplate {
  readonly elements: Buffer;
  readonly inputBytes: number;
  /** Where the places are in the elements. */
  readonly places: readonly number[];
}

/**
 * Compresses input in which `placeBytes` bytes from each of `places` (ascending, apart from each other) will change.
 * They are stored as they are, and nothing else refers to them.
 */
export function snappyTemplate(input: Buffer, places: readonly number[], placeBytes: number): SnappyTemplate {
  const isPlace = new Uint8Array(input.length + SHORTEST_MATCH);
  for (const place of places) isPlace.fill(1, place, place + placeBytes);
  const output = takeScratch(input.length);
  const found: number[] = [];
  let length = 0;
  for (let start = 0; start < input.length; ) {
    let end = Math.min(input.length, start + BLOCK_BYTES);
    // A place stays in one piece.
    while (end < input.length && isPlace[end] === 1 && isPlace[end - 1] === 1) end--;
    length = compressAround(input, start, end, isPlace, output, length, (from, to, at) => {
      for (let next = places[found.length]; next !== undefined && next < to; next = places[found.length]) {
        found.push(at + next - from);
      }
    });
    start = end;
  }
  return { elements: copyOf(output, length), inputBytes: input.length, places: found };
}

const copyOf = (output: Buffer, length: number): Buffer => {
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

/** As {@link compressBlock}, but matches neither begin, end nor continue in a place. `onLiteral` gets each literal. */
function compressAround(
  input: Buffer,
  start: number,
  end: number,
  isPlace: Uint8Array,
  output: Buffer,
  outputLength: number,
  onLiteral: (from: number, to: number, at: number) => void,
): number {
  let length = outputLength;
  let literal = start;
  const flush = (to: number) => {
    if (to === literal) return;
    length = writeLiteral(input, literal, to, output, length);
    onLiteral(literal, to, length - (to - literal));
  };
  table.fill(0);
  const isFree = (at: number) => isPlace[at] === 0 && isPlace[at + SHORTEST_MATCH - 1] === 0;
  for (let at = start + 1; at <= end - SHORTEST_MATCH; ) {
    if (!isFree(at)) {
      at++;
      continue;
    }
    const word = wordAt(input, at);
    const slot = slotOf(word);
    const candidate = start + (table[slot] as number);
    table[slot] = at - start;
    if (wordAt(input, candidate) !== word || !isFree(candidate)) {
      at++;
      continue;
    }
    flush(at);
    let matched = SHORTEST_MATCH;
    while (
      at + matched < end &&
      input[candidate + matched] === input[at + matched] &&
      isPlace[candidate + matched] === 0 &&
      isPlace[at + matched] === 0
    )
      matched++;
    length = writeCopy(at - candidate, matched, output, length);
    at += matched;
    literal = at;
  }
  flush(end);
  return length;
}

const slotOf = (word: number): number => Math.imul(word, 0x1e35a7bd) >>> (32 - TABLE_BITS);

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
