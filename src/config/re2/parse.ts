import { complement, foldCase, MAX_POINT, PERL, POSIX, type Ranges, unicodeClass, union } from './ranges.ts';

/** What must hold between two characters. */
export type Assertion = 'begin' | 'end' | 'line-begin' | 'line-end' | 'boundary' | 'no-boundary';

/** An expression as a tree. Groups without a name leave no trace. */
export type Node =
  | { readonly kind: 'set'; readonly ranges: Ranges }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'concat'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly choices: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly min: number; readonly max: number; readonly lazy: boolean }
  | { readonly kind: 'group'; readonly of: Node; readonly name: string };

/** Why an expression can't be used. */
export class PatternError extends Error {
  override readonly name = 'PatternError';

  constructor(source: string, reason: string) {
    super(`invalid regular expression ${JSON.stringify(source)}: ${reason}`);
  }
}

interface Flags {
  /** Both cases match. */
  readonly i: boolean;
  /** `^` and `$` match at lines. */
  readonly m: boolean;
  /** `.` matches a line's end. */
  readonly s: boolean;
  /** Lazy is usual, and `?` makes greedy. */
  readonly U: boolean;
}

/** As in RE2: of one repetition, and of those inside of each other multiplied. */
const MAX_REPEAT = 1000;
/** RE2's; the tree is walked recursively. */
const MAX_DEPTH = 1000;

const NEWLINE = 0x0a;
const ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, n: NEWLINE, r: 13, t: 9, v: 11 };

/**
 * Parses RE2's syntax, as Go's regexp package takes it. With `numbered` all capturing groups are named by their numbers, those
 * with a name as well. Throws {@link PatternError}.
 */
export function parsePattern(source: string, numbered = false): Node {
  return new Parser(source, numbered).parse();
}

class Parser {
  readonly #source: string;
  /** The characters, each a whole code point. */
  readonly #text: readonly string[];
  readonly #names = new Set<string>();
  readonly #isNumbered: boolean;
  #groups = 0;
  #at = 0;
  #flags: Flags = { i: false, m: false, s: false, U: false };

  constructor(source: string, isNumbered: boolean) {
    this.#source = source;
    this.#isNumbered = isNumbered;
    this.#text = [...source];
  }

  parse(): Node {
    const node = this.#either(0);
    if (this.#at < this.#text.length) this.#refuse('an unopened ")"');
    if (repeats(node) > MAX_REPEAT) this.#refuse(`repetitions inside of each other come to more than ${MAX_REPEAT}`);
    return node;
  }

  #refuse(reason: string): never {
    throw new PatternError(this.#source, reason);
  }

  get #next(): string | undefined {
    return this.#text[this.#at];
  }

  /** Takes `word` if it is next. */
  #take(word: string): boolean {
    for (let offset = 0; offset < word.length; offset++) {
      if (this.#text[this.#at + offset] !== word[offset]) return false;
    }
    this.#at += word.length;
    return true;
  }

  /** The characters up to the next `end`, which is passed; undefined without one. */
  #until(end: string): string | undefined {
    const at = this.#text.indexOf(end, this.#at);
    if (at === -1) return undefined;
    const text = this.#text.slice(this.#at, at).join('');
    this.#at = at + 1;
    return text;
  }

  #either(depth: number): Node {
    if (depth > MAX_DEPTH) this.#refuse('groups are nested too deep');
    const outer = this.#flags;
    const choices = [this.#concat(depth)];
    while (this.#take('|')) choices.push(this.#concat(depth));
    this.#flags = outer;
    return choices.length === 1 ? (choices[0] as Node) : { kind: 'either', choices };
  }

  #concat(depth: number): Node {
    const parts: Node[] = [];
    while (this.#next !== undefined && this.#next !== '|' && this.#next !== ')') {
      if (this.#take('\\Q')) {
        parts.push(...this.#quoted());
        continue;
      }
      const start = this.#at;
      const atom = this.#atom(depth);
      if (atom) parts.push(this.#repeated(atom, start));
    }
    return parts.length === 1 ? (parts[0] as Node) : { kind: 'concat', parts };
  }

  /** What stands between \Q and \E, or the end. */
  #quoted(): Node[] {
    const nodes: Node[] = [];
    while (this.#next !== undefined && !this.#take('\\E')) nodes.push(this.#literal(this.#text[this.#at++] as string));
    return nodes;
  }

  #literal = (character: string): Node => this.#point(character.codePointAt(0) as number);

  #point(point: number): Node {
    const ranges: Ranges = [[point, point]];
    return { kind: 'set', ranges: this.#flags.i ? foldCase(ranges) : ranges };
  }

  /** Undefined for what only sets flags. */
  #atom(depth: number): Node | undefined {
    const character = this.#text[this.#at++] as string;
    switch (character) {
      case '(':
        return this.#group(depth);
      case '[':
        return { kind: 'set', ranges: this.#class() };
      case '.':
        return { kind: 'set', ranges: this.#flags.s ? [[0, MAX_POINT]] : complement([[NEWLINE, NEWLINE]]) };
      case '^':
        return { kind: 'assert', what: this.#flags.m ? 'line-begin' : 'begin' };
      case '$':
        return { kind: 'assert', what: this.#flags.m ? 'line-end' : 'end' };
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        return this.#refuse(`nothing before ${JSON.stringify(character)} that it could repeat`);
      case '{':
        this.#at--;
        if (this.#counts()) this.#refuse('nothing before "{" that it could repeat');
        this.#at++;
        return this.#literal(character);
      default:
        return this.#literal(character);
    }
  }

  #group(depth: number): Node | undefined {
    if (!this.#take('?')) return this.#counted(depth);
    if (this.#take('P<') || (this.#next === '<' && !/[=!]/.test(this.#text[this.#at + 1] ?? '') && this.#take('<'))) {
      const name = this.#until('>') ?? '';
      if (!/^\w+$/.test(name)) this.#refuse(`${JSON.stringify(name)} can't be the name of a group`);
      if (this.#names.has(name)) this.#refuse(`two groups have the name ${JSON.stringify(name)}`);
      this.#names.add(name);
      // A number always means the group of that number.
      if (this.#isNumbered && /^\d+$/.test(name)) return this.#counted(depth);
      return { kind: 'group', of: this.#counted(depth), name };
    }
    const look = ['<=', '<!', '=', '!', '>', 'P=', 'P>'].find((word) => this.#take(word));
    if (look !== undefined)
      this.#refuse(`RE2 has no ${JSON.stringify(`(?${look}`)}: it would need more than linear time`);
    const outer = this.#flags;
    let value = true;
    for (;;) {
      const letter = this.#text[this.#at++];
      if (letter === ':' || letter === ')') {
        if (letter === ')') return undefined;
        const node = this.#closed(depth);
        this.#flags = outer;
        return node;
      }
      if (letter === '-' && value) value = false;
      else if (letter !== undefined && 'imsU'.includes(letter)) this.#flags = { ...this.#flags, [letter]: value };
      else this.#refuse(`unknown flag ${JSON.stringify(letter ?? '')} behind "(?"`);
    }
  }

  /** A capturing group, which keeps its number only on request. */
  #counted(depth: number): Node {
    const name = String(++this.#groups);
    const of = this.#closed(depth);
    return this.#isNumbered ? { kind: 'group', of, name } : of;
  }

  /** What follows in a group, and its end. */
  #closed(depth: number): Node {
    const node = this.#either(depth + 1);
    if (!this.#take(')')) this.#refuse('a "(" without its ")"');
    return node;
  }

  #repeated(atom: Node, start: number): Node {
    const counts = this.#counts();
    if (!counts) return atom;
    const lazy = this.#take('?') !== this.#flags.U;
    const operator = this.#at;
    if (this.#counts()) {
      const again = this.#text.slice(start, Math.max(this.#at, operator)).join('');
      this.#refuse(`a repetition of a repetition: ${JSON.stringify(again)}; put the inner one into (?:...)`);
    }
    return { kind: 'repeat', of: atom, ...counts, lazy };
  }

  /** The repetition that is next, if one is. A brace that begins none is an ordinary character. */
  #counts(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take('?')) return { min: 0, max: 1 };
    if (this.#next !== '{') return undefined;
    const [whole, least = '', comma, most = ''] =
      /^\{(\d+)(,)?(\d*)\}/.exec(this.#text.slice(this.#at, this.#at + 24).join('')) ?? [];
    if (whole === undefined || (comma === undefined && most !== '')) return undefined;
    const min = Number(least);
    const max = comma === undefined ? min : most === '' ? Number.POSITIVE_INFINITY : Number(most);
    if (min > MAX_REPEAT || (max > MAX_REPEAT && most !== '') || min > max) {
      this.#refuse(`${whole} is no count from 0 to ${MAX_REPEAT}`);
    }
    this.#at += whole.length;
    return { min, max };
  }

  #escape(): Node {
    const character = this.#next;
    const assertions: Readonly<Record<string, Assertion>> = { A: 'begin', z: 'end', b: 'boundary', B: 'no-boundary' };
    const what = character === undefined ? undefined : assertions[character];
    if (what) {
      this.#at++;
      return { kind: 'assert', what };
    }
    const ranges = this.#escapedClass();
    return ranges ? { kind: 'set', ranges } : this.#point(this.#escapedPoint());
  }

  /** The class behind a backslash, if it is one. */
  #escapedClass(): Ranges | undefined {
    const letter = this.#next ?? '';
    const perl = PERL.get(letter.toLowerCase());
    if (perl) {
      this.#at++;
      return this.#signed(perl, letter !== letter.toLowerCase());
    }
    if (letter !== 'p' && letter !== 'P') return undefined;
    this.#at++;
    const name = this.#take('{') ? this.#until('}') : this.#text[this.#at++];
    const ranges = unicodeClass((name ?? '').replace(/^\^/, ''));
    if (!ranges) this.#refuse(`\\${letter}{${name ?? ''}} is no known class of characters`);
    return this.#signed(ranges, (letter === 'P') !== name?.startsWith('^'));
  }

  #signed(ranges: Ranges, negated: boolean): Ranges {
    const folded = this.#flags.i ? foldCase(ranges) : ranges;
    return negated ? complement(folded) : folded;
  }

  /** The one character that is meant behind a backslash. */
  #escapedPoint(): number {
    const character = this.#text[this.#at++];
    if (character === undefined) this.#refuse('a backslash at its end');
    const known = Object.hasOwn(ESCAPES, character) ? ESCAPES[character] : undefined;
    if (known !== undefined) return known;
    if (character === 'x') return this.#hexadecimal();
    const rest = this.#text.slice(this.#at - 1, this.#at + 2).join('');
    const [octal] = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest) ?? [];
    if (octal !== undefined) {
      this.#at += octal.length - 1;
      return Number.parseInt(octal, 8);
    }
    const reference = /[1-9k]/.test(character) ? ': a reference back would need more than linear time' : '';
    if (/[0-9A-Za-z]|[^\0-\x7f]/.test(character)) this.#refuse(`RE2 has no "\\${character}"${reference}`);
    return character.codePointAt(0) as number;
  }

  #hexadecimal(): number {
    const digits = this.#take('{') ? this.#until('}') : this.#two();
    const point = /^[0-9A-Fa-f]{1,8}$/.test(digits ?? '') ? Number.parseInt(digits ?? '', 16) : Number.NaN;
    if (!(point <= MAX_POINT)) this.#refuse(`"\\x${digits ?? '{'}" is no code point`);
    return point;
  }

  /** The next two characters. */
  #two(): string {
    this.#at += 2;
    return this.#text.slice(this.#at - 2, this.#at).join('');
  }

  /** A class, behind its opening bracket. */
  #class(): Ranges {
    const negated = this.#take('^');
    const parts: Ranges[] = [];
    // A "]" that comes first is a character.
    do {
      if (this.#next === undefined) this.#refuse('a "[" without its "]"');
      parts.push(this.#classItem());
    } while (this.#next !== ']');
    this.#at++;
    const ranges = union(...parts);
    return negated ? complement(ranges) : ranges;
  }

  #classItem(): Ranges {
    if (this.#take('[:')) {
      const name = this.#until(':') ?? '';
      const ranges = POSIX.get(name.replace(/^\^/, ''));
      if (!ranges || !this.#take(']')) this.#refuse(`[:${name}:] is no known class of characters`);
      return this.#signed(ranges, name.startsWith('^'));
    }
    if (this.#next === '\\') {
      this.#at++;
      const ranges = this.#escapedClass();
      if (ranges) return ranges;
      this.#at--;
    }
    const first = this.#classPoint();
    if (this.#next !== '-' || this.#text[this.#at + 1] === ']' || this.#text[this.#at + 1] === undefined) {
      return this.#signed([[first, first]], false);
    }
    this.#at++;
    const last = this.#classPoint();
    if (last < first) this.#refuse('a range of characters that ends before it begins');
    return this.#signed([[first, last]], false);
  }

  #classPoint(): number {
    const character = this.#text[this.#at++];
    if (character === undefined) this.#refuse('a "[" without its "]"');
    return character === '\\' ? this.#escapedPoint() : (character.codePointAt(0) as number);
  }
}

/** The largest product of counted repetitions inside of each other. */
function repeats(node: Node): number {
  switch (node.kind) {
    case 'concat':
      return Math.max(1, ...node.parts.map(repeats));
    case 'either':
      return Math.max(1, ...node.choices.map(repeats));
    case 'group':
      return repeats(node.of);
    case 'repeat':
      return Math.max(1, Number.isFinite(node.max) ? node.max : node.min) * repeats(node.of);
    default:
      return 1;
  }
}
