import { CharClasses } from './char-class.ts';
import { PatternText } from './pattern-text.ts';
import { complement, foldCase, MAX_POINT, type Ranges } from './ranges.ts';
import { type Assertion, type Node, repeats } from './syntax-tree.ts';

interface Flags {
  /** Case-insensitive. */
  readonly i: boolean;
  /** `^` and `$` match at lines. */
  readonly m: boolean;
  /** `.` matches a newline. */
  readonly s: boolean;
  /** Repetitions are lazy by default, and `?` makes them greedy. */
  readonly U: boolean;
}

/** As in RE2: limit of one repetition, and of the product of nested ones. */
const MAX_REPEAT = 1000;
/** RE2's limit; the tree is walked recursively. */
const MAX_DEPTH = 1000;

const NEWLINE = 0x0a;

/**
 * Parses RE2's syntax, as Go's regexp package accepts it. With `numbered` all capturing groups are named by their
 * numbers, including those with a name. Throws PatternError.
 */
export function parsePattern(source: string, numbered = false): Node {
  return new Parser(source, numbered).parse();
}

class Parser {
  readonly #text: PatternText;
  readonly #names = new Set<string>();
  readonly #isNumbered: boolean;
  #groups = 0;
  #flags: Flags = { i: false, m: false, s: false, U: false };

  constructor(source: string, isNumbered: boolean) {
    this.#isNumbered = isNumbered;
    this.#text = new PatternText(source);
  }

  get #classes(): CharClasses {
    return new CharClasses(this.#text, this.#flags.i);
  }

  parse(): Node {
    const node = this.#either(0);
    if (!this.#text.isOver) this.#text.refuse('an unopened ")"');
    if (repeats(node) > MAX_REPEAT) this.#text.refuse(`nested repetitions exceed ${MAX_REPEAT}`);
    return node;
  }

  #either(depth: number): Node {
    if (depth > MAX_DEPTH) this.#text.refuse('groups are nested too deeply');
    const outer = this.#flags;
    const choices = [this.#concat(depth)];
    while (this.#text.take('|')) choices.push(this.#concat(depth));
    this.#flags = outer;
    const [first, ...more] = choices;
    return first !== undefined && more.length === 0 ? first : { kind: 'either', choices };
  }

  #concat(depth: number): Node {
    const parts: Node[] = [];
    while (this.#text.peek() !== undefined && this.#text.peek() !== '|' && this.#text.peek() !== ')') {
      if (this.#text.take('\\Q')) {
        parts.push(...this.#quoted());
        continue;
      }
      const start = this.#text.at;
      const atom = this.#atom(depth);
      if (atom) parts.push(this.#repeated(atom, start));
    }
    const [first, ...more] = parts;
    return first !== undefined && more.length === 0 ? first : { kind: 'concat', parts };
  }

  /** The text between \Q and \E, or the end. */
  #quoted(): Node[] {
    const nodes: Node[] = [];
    while (this.#text.peek() !== undefined && !this.#text.take('\\E'))
      nodes.push(this.#literal(this.#text.step() ?? ''));
    return nodes;
  }

  #literal = (character: string): Node => this.#point(character.codePointAt(0) ?? 0);

  #point(point: number): Node {
    const ranges: Ranges = [[point, point]];
    return { kind: 'set', ranges: this.#flags.i ? foldCase(ranges) : ranges };
  }

  /** Undefined for a group that only sets flags. */
  #atom(depth: number): Node | undefined {
    const character = this.#text.step() ?? '';
    switch (character) {
      case '(':
        return this.#group(depth);
      case '[':
        return { kind: 'set', ranges: this.#classes.bracketed() };
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
        return this.#text.refuse(`nothing to repeat before ${JSON.stringify(character)}`);
      case '{':
        this.#text.at--;
        if (this.#counts()) this.#text.refuse('nothing to repeat before "{"');
        this.#text.at++;
        return this.#literal(character);
      default:
        return this.#literal(character);
    }
  }

  #group(depth: number): Node | undefined {
    if (!this.#text.take('?')) return this.#counted(depth);
    if (
      this.#text.take('P<') ||
      (this.#text.peek() === '<' && !/[=!]/.test(this.#text.peek(1) ?? '') && this.#text.take('<'))
    ) {
      const name = this.#text.until('>') ?? '';
      if (!/^\w+$/.test(name)) this.#text.refuse(`${JSON.stringify(name)} cannot be the name of a group`);
      if (this.#names.has(name)) this.#text.refuse(`two groups have the name ${JSON.stringify(name)}`);
      this.#names.add(name);
      // A number always means the group of that number.
      if (this.#isNumbered && /^\d+$/.test(name)) return this.#counted(depth);
      return { kind: 'group', of: this.#counted(depth), name };
    }
    const lookaround = ['<=', '<!', '=', '!', '>', 'P=', 'P>'].find((word) => this.#text.take(word));
    if (lookaround !== undefined)
      this.#text.refuse(`RE2 has no ${JSON.stringify(`(?${lookaround}`)}: it would need more than linear time`);
    const outer = this.#flags;
    let value = true;
    for (;;) {
      const letter = this.#text.step() ?? '';
      if (letter === ':' || letter === ')') {
        if (letter === ')') return undefined;
        const node = this.#closed(depth);
        this.#flags = outer;
        return node;
      }
      if (letter === '-' && value) value = false;
      else if (letter !== '' && 'imsU'.includes(letter)) this.#flags = { ...this.#flags, [letter]: value };
      else this.#text.refuse(`unknown flag ${JSON.stringify(letter)} after "(?"`);
    }
  }

  /** A capturing group, which is recorded only on request. */
  #counted(depth: number): Node {
    const name = String(++this.#groups);
    const of = this.#closed(depth);
    return this.#isNumbered ? { kind: 'group', of, name } : of;
  }

  /** The rest of a group, and its end. */
  #closed(depth: number): Node {
    const node = this.#either(depth + 1);
    if (!this.#text.take(')')) this.#text.refuse('a "(" without its ")"');
    return node;
  }

  #repeated(atom: Node, start: number): Node {
    const counts = this.#counts();
    if (!counts) return atom;
    const lazy = this.#text.take('?') !== this.#flags.U;
    const operator = this.#text.at;
    if (this.#counts()) {
      const again = this.#text.slice(start, Math.max(this.#text.at, operator));
      this.#text.refuse(`a repetition of a repetition: ${JSON.stringify(again)}; put the inner one into (?:...)`);
    }
    return { kind: 'repeat', of: atom, ...counts, lazy };
  }

  /** The repetition that follows, if any. A brace that does not begin one is a literal. */
  #counts(): { min: number; max: number } | undefined {
    if (this.#text.take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#text.take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#text.take('?')) return { min: 0, max: 1 };
    if (this.#text.peek() !== '{') return undefined;
    const [whole, least = '', comma, most = ''] =
      /^\{(\d+)(,)?(\d*)\}/.exec(this.#text.slice(this.#text.at, this.#text.at + 24)) ?? [];
    if (whole === undefined || (comma === undefined && most !== '')) return undefined;
    const min = Number(least);
    const max = comma === undefined ? min : most === '' ? Number.POSITIVE_INFINITY : Number(most);
    if (min > MAX_REPEAT || (max > MAX_REPEAT && most !== '') || min > max) {
      this.#text.refuse(`${whole} is not a count from 0 to ${MAX_REPEAT}`);
    }
    this.#text.at += whole.length;
    return { min, max };
  }

  #escape(): Node {
    const character = this.#text.peek();
    const assertions: Readonly<Record<string, Assertion>> = { A: 'begin', z: 'end', b: 'boundary', B: 'no-boundary' };
    const what = character === undefined ? undefined : assertions[character];
    if (what) {
      this.#text.at++;
      return { kind: 'assert', what };
    }
    const ranges = this.#classes.escaped();
    return ranges ? { kind: 'set', ranges } : this.#point(this.#classes.escapedPoint());
  }
}
