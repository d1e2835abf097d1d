import { Automaton } from './automaton.ts';
import { captures, spans } from './captures.ts';
import { type Literals, literalsOf } from './literal.ts';
import { parsePattern } from './parse.ts';
import { compileProgram, type Program } from './program.ts';

/** Tests whether a text matches: a {@link Pattern} of a user, or a built-in expression. */
export interface Matching {
  readonly source: string;
  test(text: string): boolean;
}

const NO_GROUPS: ReadonlyMap<string, string> = new Map();

/** Compiled patterns by source. A reload reads the same ones again: compiling them again took 15 KiB each. */
const compiled = new Map<string, Pattern>();
const MAX_COMPILED = 256;

/**
 * A regular expression of a user, in RE2's syntax and with its meaning. Texts come from untrusted sources (anyone who
 * starts a process or names a volume), so evaluation takes linear time: there is no backtracking that a text could
 * provoke (docs/decisions/0008).
 */
export class Pattern implements Matching {
  /** As it was written. */
  readonly source: string;
  readonly #literals: Literals;
  readonly #program: Program;
  readonly #automaton: Automaton;

  /** Throws PatternError for expressions that RE2 refuses or that would be too large. */
  constructor(source: string, numbered = false) {
    this.source = source;
    const tree = parsePattern(source, numbered);
    this.#literals = literalsOf(tree);
    this.#program = compileProgram(source, tree);
    this.#automaton = new Automaton(source, this.#program);
  }

  /** The pattern of `source`, compiled only once. Throws PatternError as the constructor does. */
  static of(source: string): Pattern {
    return keep(source, () => new Pattern(source));
  }

  /** As {@link of}, with all capturing groups by their numbers in {@link groups} (`1`), in addition to their names. */
  static numbered(source: string): Pattern {
    return keep(`#${source}`, () => new Pattern(source, true));
  }

  /** The names of its groups, in the order of their occurrence. */
  get groupNames(): readonly string[] {
    return this.#program.names;
  }

  /** Whether it matches anywhere in `text`; it is not anchored implicitly. Throws PatternCostError. */
  test(text: string): boolean {
    const { required, isWhole } = this.#literals;
    for (const literal of required) if (text.includes(literal)) return isWhole || this.#automaton.test(text);
    return required.length === 0 && this.#automaton.test(text);
  }

  /** The named groups of the first match, empty for those that did not participate; undefined without a match. */
  groups(text: string): ReadonlyMap<string, string> | undefined {
    if (!this.test(text)) return undefined;
    if (this.#program.names.length === 0) return NO_GROUPS;
    return captures(this.source, this.#program, text, text.indexOf(this.#literals.prefix));
  }

  /**
   * `text` with all matches replaced by `by`: their outermost groups, or the whole matches if there are no groups.
   * Throws PatternCostError.
   */
  hide(text: string, by: string): string {
    if (!this.test(text)) return text;
    const whole = Pattern.numbered(`(${this.source})`);
    const order = whole.groupNames.flatMap((name, slot) =>
      /^\d+$/.test(name) ? [{ number: Number(name), slot }] : [],
    );
    const [all = 0, ...groups] = order.sort((a, b) => a.number - b.number).map(({ slot }) => 2 * slot);
    let hidden = '';
    let copied = 0;
    for (let from = 0; from <= text.length; ) {
      const found = spans(whole.source, whole.#program, text, from) ?? [];
      const [begin, end] = [found[all], found[all + 1]];
      if (begin === undefined || end === undefined) break;
      for (const group of groups.length === 0 ? [all] : groups) {
        const [first, last] = [found[group], found[group + 1]];
        if (first === undefined || last === undefined || first < copied || first === last) continue;
        hidden += text.slice(copied, first) + by;
        copied = last;
      }
      from = end > begin ? end : end + 1;
    }
    return hidden + text.slice(copied);
  }

  /** The expression that matches when this one matches a whole text. */
  whole(): Pattern {
    return Pattern.of(`^(?:${this.source})$`);
  }
}

function keep(key: string, make: () => Pattern): Pattern {
  const known = compiled.get(key);
  if (known) return known;
  const pattern = make();
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  compiled.set(key, pattern);
  return pattern;
}
