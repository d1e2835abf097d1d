import { EDGE, holds, OP, type Program } from './program.ts';

/** An evaluation that takes too long. */
export class PatternCostError extends Error {
  override readonly name = 'PatternCostError';

  constructor(source: string, characters: number) {
    super(`the regular expression ${JSON.stringify(source)} takes too long on a text of ${characters} characters`);
  }
}

/** Maximum steps of an evaluation: about 20 ms. A text of 4 KiB may have 500 parallel threads. */
export const MAX_WORK = 1_600_000;

/** The possible states of the search at a position of the text. */
interface State {
  /** Steps to continue with, ascending. */
  readonly steps: Uint16Array;
  /** Kind of the previous character. */
  readonly before: number;
  /** Next state by class of the next character, with the end of the text last; filled on demand. */
  readonly next: (State | undefined)[];
}

const end = (): State => ({ steps: new Uint16Array(), before: EDGE, next: [] });
const FOUND = end();
const FAILED = end();

/** Maximum number of cached states per expression. Few are needed, unless a text is crafted to need many. */
const MAX_STATES = 1000;

/**
 * Determines whether there is a match without backtracking: a deterministic automaton whose states are created on
 * demand. If a text needs too many, it is simulated without caching states.
 */
export class Automaton {
  readonly #source: string;
  readonly #program: Program;
  readonly #states = new Map<string, State>();
  readonly #start: State;
  /** Marks steps visited in the current round. */
  readonly #seen: Uint32Array;
  #round = 0;
  #work = 0;
  /** Steps to visit, and steps to continue with after the character. */
  readonly #stack: Uint16Array;
  #reached: Uint16Array;
  #spare: Uint16Array;

  constructor(source: string, program: Program) {
    this.#source = source;
    this.#program = program;
    const { length } = program.ops;
    this.#seen = new Uint32Array(length);
    // Each step is visited once, and adds at most two others.
    this.#stack = new Uint16Array(2 * length + 1);
    this.#reached = new Uint16Array(length + 1);
    this.#spare = new Uint16Array(length + 1);
    this.#start = { steps: Uint16Array.of(program.start), before: EDGE, next: [] };
  }

  /** Whether the expression matches anywhere in `text`. Throws PatternCostError. */
  test(text: string): boolean {
    const { classOf, kinds } = this.#program;
    this.#work = 0;
    let state = this.#start;
    for (let at = 0; at < text.length; at++) {
      let point = text.charCodeAt(at);
      if (point >= 0xd800 && point < 0xdc00) {
        point = text.codePointAt(at) ?? point;
        if (point > 0xffff) at++;
      }
      const symbol = classOf(point);
      const next = state.next[symbol] ?? this.#follow(state, symbol, kinds[symbol] as number, text);
      if (next === undefined) return this.#simulate(state, text, point > 0xffff ? at - 1 : at);
      state = next;
      if (state === FOUND) return true;
      if (state === FAILED) return false;
    }
    const symbol = kinds.length;
    return (state.next[symbol] ?? this.#follow(state, symbol, EDGE, text)) === FOUND;
  }

  /** The state after a character; undefined if the limit is exceeded, which also clears all cached states. */
  #follow(from: State, symbol: number, kind: number, text: string): State | undefined {
    const count = this.#advance(from.steps, from.steps.length, symbol, from.before, kind, text);
    const to = count === -1 ? FOUND : count === 0 ? FAILED : this.#state(count, kind);
    if (to) from.next[symbol] = to;
    return to;
  }

  #state(count: number, before: number): State | undefined {
    const steps = this.#reached.slice(0, count).sort();
    const key = String.fromCharCode(before, ...steps);
    const known = this.#states.get(key);
    if (known) return known;
    if (this.#states.size >= MAX_STATES) {
      this.#states.clear();
      this.#start.next.length = 0;
      return undefined;
    }
    const state: State = { steps, before, next: [] };
    this.#states.set(key, state);
    return state;
  }

  /** Processes the rest of the text from `at` on without caching states. */
  #simulate(from: State, text: string, start: number): boolean {
    const { classOf, kinds } = this.#program;
    let { before, steps } = from;
    let count = steps.length;
    for (let at = start; at < text.length; at++) {
      const point = text.codePointAt(at) ?? 0;
      if (point > 0xffff) at++;
      const symbol = classOf(point);
      const kind = kinds[symbol] as number;
      count = this.#advance(steps, count, symbol, before, kind, text);
      if (count <= 0) return count === -1;
      steps = this.#reached;
      this.#reached = this.#spare;
      this.#spare = steps;
      before = kind;
    }
    return this.#advance(steps, count, kinds.length, before, EDGE, text) === -1;
  }

  /**
   * Advances from the first `count` of `steps` over a character into `#reached`. Returns their number; -1 if the
   * expression matched before the character.
   */
  #advance(steps: Uint16Array, count: number, symbol: number, before: number, kind: number, text: string): number {
    const { ops, nexts, args, contains, kinds, start, isAnchored } = this.#program;
    const seen = this.#seen;
    const stack = this.#stack;
    const reached = this.#reached;
    const classes = kinds.length;
    const round = this.#nextRound();
    let work = 0;
    let found = 0;
    for (let each = 0; each < count; each++) {
      let height = 1;
      stack[0] = steps[each] as number;
      while (height > 0) {
        const index = stack[--height] as number;
        if (seen[index] === round) continue;
        seen[index] = round;
        work++;
        const op = ops[index];
        if (op === OP.set) {
          if (symbol < classes && contains[(args[index] as number) * classes + symbol] === 1) {
            reached[found++] = nexts[index] as number;
          }
        } else if (op === OP.split) {
          stack[height++] = nexts[index] as number;
          stack[height++] = args[index] as number;
        } else if (op === OP.save || (op === OP.assert && holds(args[index] as number, before, kind))) {
          stack[height++] = nexts[index] as number;
        } else if (op === OP.match) return -1;
      }
    }
    this.#work += work;
    if (this.#work > MAX_WORK) throw new PatternCostError(this.#source, text.length);
    if (!isAnchored && symbol < classes) reached[found++] = start;
    return found;
  }

  #nextRound(): number {
    if (this.#round === 0xffffffff) {
      this.#seen.fill(0);
      this.#round = 0;
    }
    return ++this.#round;
  }
}
