import { grown } from '../../base/grown.ts';
import { numberText, stampText } from './format.ts';

/**
 * With one more line, still a single zstd block. Members of 64 KiB take twice as much CPU to compress, as each begins with
 * empty tables, and 14 % more bytes. Each step of the event loop stays below 2 ms.
 */
const CHUNK_BYTES = 112 * 1024;
/** Room for most lines, so that the buffer rarely has to grow. */
const SPARE_BYTES = 4096;
/** No UTF-16 unit takes more as UTF-8. */
const MAX_BYTES_PER_UNIT = 3;
/** Blanks, the longest number (`-1.7976931348623157e+308`), a timestamp and the end of the line. */
const LONGEST_NUMBER = 64;

const NONE = { text: '', from: 0, to: 0 };
const NO_BYTES = Buffer.alloc(0);

const BLANK = 0x20;
const BRACE = 0x7d;
const ZERO = 0x30;
const NEWLINE = 0x0a;

/** Larger numbers are written in parts below this. */
const PART = 1e9;
const PART_DIGITS = 9;

/** The digits of 0 to 99: digit by digit, a text takes 20 % longer. */
const PAIRS = Array.from({ length: 100 }, (_, pair) => pair);
const TENS = Uint8Array.from(PAIRS, (pair) => ZERO + Math.floor(pair / 10));
const ONES = Uint8Array.from(PAIRS, (pair) => ZERO + (pair % 10));

const UTF8 = new TextEncoder();
/** Texts that many lines share, as bytes. */
const shared = new Map<string, Uint8Array>();
const MAX_SHARED = 2000;

/** Buffers that wait for the next text: as many as texts were written at once. New ones are only collected late. */
const spare: Buffer[] = [];

/** Writes lines as UTF-8 into one buffer, without a string for each. To be released at the end. */
export class Lines {
  #buffer = spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES + SPARE_BYTES);
  #length = 0;
  /** The last one, and its position in the buffer. */
  #middle = NONE;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Whether a chunk is full: then {@link take} it. */
  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES;
  }

  /** Adds text that ends with a line. */
  text(text: string): void {
    this.#make(text.length * MAX_BYTES_PER_UNIT);
    this.#length += this.#buffer.write(text, this.#length);
  }

  /** Adds the line of one sample, whose key comes in parts; `stampMs` is its own timestamp, if it has one. */
  sample(head: string, middle: string, tail: string, value: number, stampMs?: number): void {
    this.#make((head.length + middle.length + tail.length) * MAX_BYTES_PER_UNIT + LONGEST_NUMBER);
    if (middle === '') this.#length += this.#buffer.write(head, this.#length);
    else {
      this.#addShared(head);
      this.#addMiddle(middle);
    }
    // By far the most common tail: through #addShared() a text takes 11 % longer.
    if (tail === '}') this.#buffer[this.#length++] = BRACE;
    else if (tail !== '') this.#addShared(tail);
    this.#buffer[this.#length++] = BLANK;
    if (Number.isSafeInteger(value) && value >= 0) this.#digits(value);
    else this.#addAscii(numberText(value));
    if (stampMs !== undefined) this.#addAscii(` ${stampText(stampMs)}`);
    this.#buffer[this.#length++] = NEWLINE;
  }

  /** Returns what was added since the last call. It is overwritten when more is added. */
  take(): Buffer {
    const chunk = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    this.#middle = NONE;
    return chunk;
  }

  /** Releases the buffer for another text. Chunks taken from it must no longer be read, and nothing more may be added. */
  [Symbol.dispose](): void {
    if (this.#buffer.length === CHUNK_BYTES + SPARE_BYTES) spare.push(this.#buffer);
    this.#buffer = NO_BYTES;
  }

  /** The name of a family, or labels that many objects share. Buffer.write leaves 140 bytes of garbage, and takes longer. */
  #addShared(text: string): void {
    let bytes = shared.get(text);
    if (bytes === undefined) {
      if (shared.size >= MAX_SHARED) shared.clear();
      bytes = UTF8.encode(text);
      shared.set(text, bytes);
    }
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** An object's labels repeat in consecutive lines. From the second line on they are copied. */
  #addMiddle(middle: string): void {
    const start = this.#length;
    const { text, from, to } = this.#middle;
    if (text === middle) {
      this.#buffer.copyWithin(start, from, to);
      this.#length += to - from;
    } else {
      this.#length += this.#buffer.write(middle, start);
      this.#middle = { text: middle, from: start, to: this.#length };
    }
  }

  /** A number's text: for this few bytes, calling Node's native write takes three times as long as the copy. */
  #addAscii(text: string): void {
    const buffer = this.#buffer;
    const start = this.#length;
    for (let index = 0; index < text.length; index++) buffer[start + index] = text.charCodeAt(index);
    this.#length = start + text.length;
  }

  /**
   * In parts that are small integers, as a larger one is an object on the heap for each step of the arithmetic. With the
   * text of String(), encoding takes 14 % more CPU and leaves twice the garbage (docs/performance-laboratory.md).
   */
  #digits(value: number): void {
    const high = value < PART ? 0 : Math.floor(value / PART);
    if (high > 0) this.#digits(high);
    this.#part(value - high * PART, high > 0 ? PART_DIGITS : digitsOf(value));
  }

  #part(value: number, digits: number): void {
    const buffer = this.#buffer;
    const start = this.#length;
    let rest = value;
    let at = start + digits;
    this.#length = at;
    while (at > start + 1) {
      // Divisions without a remainder stay small integers, too.
      const pair = rest % 100;
      buffer[--at] = ONES[pair] ?? ZERO;
      buffer[--at] = TENS[pair] ?? ZERO;
      rest = (rest - pair) / 100;
    }
    if (at > start) buffer[start] = ZERO + rest;
  }

  #make(room: number): void {
    const needed = this.#length + room;
    if (needed > this.#buffer.length) this.#buffer = grown(this.#buffer, this.#length, needed);
  }
}

/** How many digits a number below {@link PART} has. */
function digitsOf(value: number): number {
  let digits = 1;
  for (let power = 10; value >= power && digits < PART_DIGITS; power *= 10) digits++;
  return digits;
}
