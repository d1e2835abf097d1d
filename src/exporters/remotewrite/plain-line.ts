import { sampleValueOf } from './sample-batch.ts';

/** No series has more labels: the parser of pushed and scraped text refuses them, and this agent's own have far fewer. */
export const MAX_LABELS = 64;

const [NEWLINE = 0, BLANK, QUOTE, COMMA, MINUS, ZERO = 0, EQUALS, BACKSLASH, OPEN, CLOSE] = Buffer.from('\n ",-0=\\{}');

/** Integers with up to this many digits are summed exactly, digit by digit. */
const EXACT_DIGITS = 15;

const isNameByte = Uint8Array.from({ length: 256 }, (_, byte) => (/\w/.test(String.fromCharCode(byte)) ? 1 : 0));

/**
 * A sample line of our own text, as positions in its bytes: strings for hundreds of thousands of lines would be tens of
 * megabytes of garbage.
 */
export class PlainLine {
  nameStart = 0;
  nameEnd = 0;
  value = 0;
  labels = 0;
  /** Four positions for each label: begin and end of its name, begin and end of its value. */
  readonly labelAt = new Int32Array(4 * MAX_LABELS);

  /**
   * Reads the line from `start` up to `end`, exclusive. False for lines that need a parser, such as those with escapes or a
   * timestamp; the fields are undefined then.
   */
  read(text: Buffer, start: number, end: number): boolean {
    let at = start;
    while (at < end && text[at] !== OPEN && text[at] !== BLANK) at++;
    this.nameStart = start;
    this.nameEnd = at;
    this.labels = 0;
    if (at === start || at === end) return false;
    if (text[at] === OPEN) {
      at = this.#readLabels(text, at + 1, end);
      if (at === -1) return false;
    }
    return text[at] === BLANK && this.#readValue(text, at + 1, end);
  }

  /** Returns the position after the closing brace, or -1. */
  #readLabels(text: Buffer, start: number, end: number): number {
    let at = start;
    if (text[at] === CLOSE) return at + 1;
    for (;;) {
      if (this.labels === MAX_LABELS) return -1;
      const place = 4 * this.labels++;
      this.labelAt[place] = at;
      while (isNameByte[text[at] as number] === 1) at++;
      this.labelAt[place + 1] = at;
      if (at === this.labelAt[place] || text[at] !== EQUALS || text[at + 1] !== QUOTE) return -1;
      at += 2;
      this.labelAt[place + 2] = at;
      while (at < end && text[at] !== QUOTE) if (text[at++] === BACKSLASH) return -1;
      this.labelAt[place + 3] = at;
      if (at >= end) return -1;
      const next = text[at + 1];
      at += 2;
      if (next === CLOSE) return at;
      if (next !== COMMA) return -1;
    }
  }

  #readValue(text: Buffer, start: number, end: number): boolean {
    const isNegative = text[start] === MINUS;
    const first = isNegative ? start + 1 : start;
    let sum = 0;
    let at = first;
    for (; at < end; at++) {
      const digit = (text[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      sum = sum * 10 + digit;
    }
    if (at === end && at > first && at - first <= EXACT_DIGITS) {
      this.value = isNegative ? -sum : sum;
      return true;
    }
    const word = text.toString('latin1', start, end);
    const value = word.includes(' ') ? undefined : sampleValueOf(word);
    if (typeof value !== 'number') return false;
    this.value = value;
    return true;
  }
}

/** The end of the line that begins at `start`: its newline, or the end of the text. */
export function lineEnd(text: Buffer, start: number): number {
  const end = text.indexOf(NEWLINE, start);
  return end === -1 ? text.length : end;
}
