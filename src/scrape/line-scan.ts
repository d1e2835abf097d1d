const NAME_START = 1;
const NAME = 2;
const LABEL_START = 4;
const LABEL = 8;
const DIGIT = 16;

/** Character classes of bytes. */
const CLASSES = new Uint8Array(256);
for (let byte = 0; byte < 128; byte++) {
  const character = String.fromCharCode(byte);
  const isDigit = /\d/.test(character);
  const isLetter = /[a-zA-Z_]/.test(character);
  CLASSES[byte] =
    (isLetter ? NAME_START | NAME | LABEL_START | LABEL : 0) |
    (isDigit ? DIGIT | NAME | LABEL : 0) |
    (character === ':' ? NAME_START | NAME : 0);
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const BLANK = 32;
const QUOTE = 34;
const PLUS = 43;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const EQUALS = 61;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;

/** Maximum labels of a scanned line; lines with more are parsed. */
const MAX_LABELS = 64;

/**
 * Finds the parts of a sample line in the usual notation: `name{label="value",…} value timestamp`. Works on bytes and
 * allocates nothing: a regular expression takes twice as long, and creates garbage strings. The text must end with a
 * newline.
 */
export class LineScan {
  /** Positions in the text. Labels exclude their brackets; both ends are equal if there are none. */
  nameEnd = 0;
  labelsStart = 0;
  labelsEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** Equal if there is no timestamp. */
  stampStart = 0;
  stampEnd = 0;
  /** End of the line, without its newline. */
  end = 0;
  /** Start of the next line. */
  next = 0;
  /** Number of labels, and bytes of name and value of the longest. */
  labels = 0;
  longest = 0;
  /** Number of labels with a reserved name; their positions are the first ones of {@link clashStarts}. */
  clashes = 0;
  readonly clashStarts = new Int32Array(MAX_LABELS);
  /** Whether adding a prefix is not sufficient: such a label is empty, or another one has the prefixed name. */
  isTangled: boolean = false;
  readonly #reserved: NamesByLength;
  readonly #prefixed: NamesByLength;
  readonly #starts = new Int32Array(MAX_LABELS);
  readonly #ends = new Int32Array(MAX_LABELS);

  /** `reserved` are label names that need handling. */
  constructor(reserved: ReadonlySet<string>) {
    this.#reserved = byLength([...reserved]);
    this.#prefixed = byLength([...reserved].map((name) => `exported_${name}`));
  }

  /** Scans the line that begins at `start`; false if it is in another notation, or invalid. */
  scan(bytes: Buffer, start: number): boolean {
    let at = start;
    if (!isClass(bytes[at], NAME_START)) return false;
    do at++;
    while (isClass(bytes[at], NAME));
    this.nameEnd = at;
    this.labelsStart = at;
    this.labelsEnd = at;
    this.labels = 0;
    this.longest = 0;
    this.clashes = 0;
    this.isTangled = false;
    if (bytes[at] === OPEN) {
      at = this.#labels(bytes, at + 1);
      if (at === -1) return false;
    }
    if (bytes[at] !== BLANK) return false;
    this.valueStart = at + 1;
    at = numberEnd(bytes, this.valueStart);
    if (at === -1) return false;
    this.valueEnd = at;
    this.stampStart = at;
    if (bytes[at] === BLANK) {
      this.stampStart = ++at;
      if (bytes[at] === MINUS) at++;
      const digits = at;
      while (isClass(bytes[at], DIGIT)) at++;
      if (at === digits) return false;
    }
    this.stampEnd = at;
    this.end = at;
    if (bytes[at] === CARRIAGE_RETURN) at++;
    if (bytes[at] !== NEWLINE) return false;
    this.next = at + 1;
    return true;
  }

  /** The timestamp of the line in `bytes` that was scanned; undefined if it has none. */
  stampOf(bytes: Buffer): number | undefined {
    if (this.stampStart === this.stampEnd) return undefined;
    return Number(bytes.toString('latin1', this.stampStart, this.stampEnd));
  }

  /** Scans labels after the opening bracket; returns the position after the closing one, or -1. */
  #labels(bytes: Buffer, from: number): number {
    let at = from;
    let count = 0;
    let seen = 0;
    while (bytes[at] !== CLOSE) {
      const start = at;
      if (!isClass(bytes[at], LABEL_START)) return -1;
      do at++;
      while (isClass(bytes[at], LABEL));
      const end = at;
      if (bytes[at] !== EQUALS || bytes[at + 1] !== QUOTE) return -1;
      at = valueEnd(bytes, at + 2);
      if (at === -1) return -1;
      this.longest = Math.max(this.longest, at - start - QUOTING);
      if (count === MAX_LABELS) return -1;
      // Names rarely have the same length and first letter: only then are they compared completely.
      const bit = 1 << ((end - start + (bytes[start] ?? 0)) & 31);
      if ((seen & bit) !== 0 && this.#isRepeated(bytes, start, end, count)) return -1;
      seen |= bit;
      this.#starts[count] = start;
      this.#ends[count++] = end;
      if (isAmong(this.#reserved, bytes, start, end)) {
        this.clashStarts[this.clashes++] = start;
        if (at === end + EMPTY.length) this.isTangled = true;
      }
      if (isAmong(this.#prefixed, bytes, start, end)) this.isTangled = true;
      if (bytes[at] === CLOSE) break;
      // A comma after the last label is rare.
      if (bytes[at] !== COMMA || bytes[++at] === CLOSE) return -1;
    }
    this.labels = count;
    this.labelsStart = from;
    this.labelsEnd = at;
    if (from === at) this.labelsStart = this.labelsEnd = this.nameEnd;
    return at + 1;
  }

  #isRepeated(bytes: Buffer, start: number, end: number, count: number): boolean {
    for (let index = 0; index < count; index++) {
      const other = this.#starts[index] ?? 0;
      if ((this.#ends[index] ?? 0) - other === end - start && areEqual(bytes, start, end, bytes, other)) return true;
    }
    return false;
  }
}

/** Names by their length. */
type NamesByLength = readonly (readonly Buffer[] | undefined)[];

const EMPTY = '=""';
const QUOTING = EMPTY.length;

function byLength(names: readonly string[]): NamesByLength {
  const found: Buffer[][] = [];
  for (const name of names) found[name.length] = [...(found[name.length] ?? []), Buffer.from(name)];
  return found;
}

function isAmong(names: NamesByLength, bytes: Buffer, start: number, end: number): boolean {
  const candidates = names[end - start];
  if (candidates === undefined) return false;
  for (const name of candidates) if (areEqual(bytes, start, end, name, 0)) return true;
  return false;
}

const isClass = (byte: number | undefined, kind: number): boolean => ((CLASSES[byte ?? 0] ?? 0) & kind) !== 0;

/** Whether the bytes from `start` to `end` equal those of `other` from `from` on. */
export function areEqual(bytes: Buffer, start: number, end: number, other: Buffer, from: number): boolean {
  for (let at = start, otherAt = from; at < end; at++, otherAt++) if (bytes[at] !== other[otherAt]) return false;
  return true;
}

/** The position after the closing quote of the value that begins at `start`; -1 when there is none. */
function valueEnd(bytes: Buffer, start: number): number {
  for (let at = start; ; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === NEWLINE || byte === undefined) return -1;
    if (byte === BACKSLASH && bytes[++at] === NEWLINE) return -1;
  }
}

/** The end of the number that begins at `start`; -1 when there is none. */
function numberEnd(bytes: Buffer, start: number): number {
  let at = start;
  if (bytes[at] === PLUS || bytes[at] === MINUS) at++;
  if (!isClass(bytes[at], DIGIT)) {
    const word = bytes.toString('latin1', at, at + 3);
    return word === 'Inf' || word === 'NaN' ? at + 3 : -1;
  }
  do at++;
  while (isClass(bytes[at], DIGIT));
  if (bytes[at] === DOT) {
    do at++;
    while (isClass(bytes[at], DIGIT));
  }
  if (bytes[at] !== LOWER_E && bytes[at] !== UPPER_E) return at;
  at++;
  if (bytes[at] === PLUS || bytes[at] === MINUS) at++;
  if (!isClass(bytes[at], DIGIT)) return -1;
  do at++;
  while (isClass(bytes[at], DIGIT));
  return at;
}

const LOWER_E = 101;
const UPPER_E = 69;
