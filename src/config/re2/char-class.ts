import type { PatternText } from './pattern-text.ts';
import { complement, foldCase, MAX_POINT, PERL, POSIX, type Ranges, unicodeClass, union } from './ranges.ts';

const ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, n: 0x0a, r: 13, t: 9, v: 11 };

/** Parses classes and escapes at the current position of `text`. Its methods throw PatternError. */
export class CharClasses {
  readonly #text: PatternText;
  readonly #isFolded: boolean;

  /** With `isFolded` both cases of a letter match. */
  constructor(text: PatternText, isFolded: boolean) {
    this.#text = text;
    this.#isFolded = isFolded;
  }

  /** The class after a backslash, if it is one. */
  escaped(): Ranges | undefined {
    const letter = this.#text.peek() ?? '';
    const perl = PERL.get(letter.toLowerCase());
    if (perl) {
      this.#text.at++;
      return this.#signed(perl, letter !== letter.toLowerCase());
    }
    if (letter !== 'p' && letter !== 'P') return undefined;
    this.#text.at++;
    const name = this.#text.take('{') ? this.#text.until('}') : this.#text.step();
    const ranges = unicodeClass((name ?? '').replace(/^\^/, ''));
    if (!ranges) this.#text.refuse(`\\${letter}{${name ?? ''}} is not a known character class`);
    return this.#signed(ranges, (letter === 'P') !== name?.startsWith('^'));
  }

  #signed(ranges: Ranges, negated: boolean): Ranges {
    const folded = this.#isFolded ? foldCase(ranges) : ranges;
    return negated ? complement(folded) : folded;
  }

  /** The single character denoted by an escape. */
  escapedPoint(): number {
    const character = this.#text.step();
    if (character === undefined) this.#text.refuse('a trailing backslash');
    const known = Object.hasOwn(ESCAPES, character) ? ESCAPES[character] : undefined;
    if (known !== undefined) return known;
    if (character === 'x') return this.#hexadecimal();
    const rest = this.#text.slice(this.#text.at - 1, this.#text.at + 2);
    const [octal] = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest) ?? [];
    if (octal !== undefined) {
      this.#text.at += octal.length - 1;
      return Number.parseInt(octal, 8);
    }
    const reference = /[1-9k]/.test(character)
      ? ': backreferences are not supported, since they need more than linear time'
      : '';
    if (/[0-9A-Za-z]|[^\0-\x7f]/.test(character)) this.#text.refuse(`RE2 has no "\\${character}"${reference}`);
    return character.codePointAt(0) ?? 0;
  }

  #hexadecimal(): number {
    const digits = this.#text.take('{') ? this.#text.until('}') : this.#two();
    const point = /^[0-9A-Fa-f]{1,8}$/.test(digits ?? '') ? Number.parseInt(digits ?? '', 16) : Number.NaN;
    if (!(point <= MAX_POINT)) this.#text.refuse(`"\\x${digits ?? '{'}" is not a code point`);
    return point;
  }

  /** The next two characters. */
  #two(): string {
    this.#text.at += 2;
    return this.#text.slice(this.#text.at - 2, this.#text.at);
  }

  /** A class, after its opening bracket. */
  bracketed(): Ranges {
    const negated = this.#text.take('^');
    const parts: Ranges[] = [];
    // A leading "]" is a literal.
    do {
      if (this.#text.peek() === undefined) this.#text.refuse('a "[" without its "]"');
      parts.push(this.#classItem());
    } while (this.#text.peek() !== ']');
    this.#text.at++;
    const ranges = union(...parts);
    return negated ? complement(ranges) : ranges;
  }

  #classItem(): Ranges {
    if (this.#text.take('[:')) {
      const name = this.#text.until(':') ?? '';
      const ranges = POSIX.get(name.replace(/^\^/, ''));
      if (!ranges || !this.#text.take(']')) this.#text.refuse(`[:${name}:] is not a known character class`);
      return this.#signed(ranges, name.startsWith('^'));
    }
    if (this.#text.peek() === '\\') {
      this.#text.at++;
      const ranges = this.escaped();
      if (ranges) return ranges;
      this.#text.at--;
    }
    const first = this.#classPoint();
    if (this.#text.peek() !== '-' || this.#text.peek(1) === ']' || this.#text.peek(1) === undefined) {
      return this.#signed([[first, first]], false);
    }
    this.#text.at++;
    const last = this.#classPoint();
    if (last < first) this.#text.refuse('a character range that ends before it starts');
    return this.#signed([[first, last]], false);
  }

  #classPoint(): number {
    const character = this.#text.step();
    if (character === undefined) this.#text.refuse('a "[" without its "]"');
    return character === '\\' ? this.escapedPoint() : (character.codePointAt(0) ?? 0);
  }
}
