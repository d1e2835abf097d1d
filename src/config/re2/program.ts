import { PatternError } from './pattern-text.ts';
import { includes, MAX_POINT, type Ranges, WORD } from './ranges.ts';
import type { Assertion, Node } from './syntax-tree.ts';

/** The operation of a step; the meaning of `argument` for it. */
export const OP = {
  /** Consumes a character in the set `argument`. */
  set: 0,
  /** Continues in two ways; `argument` is the less preferred one. */
  split: 1,
  /** Continues if the assertion `ASSERTIONS[argument]` holds. */
  assert: 2,
  /** Stores the position in the slot `argument`. */
  save: 3,
  match: 4,
} as const;

/** Kinds of characters, for assertions about the neighbours of a position. */
export const EDGE = 0;
const NEWLINE = 1;
const WORD_CHARACTER = 2;
const OTHER = 3;

/** An expression as steps over classes of characters: characters that no set of the expression distinguishes. */
export interface Program {
  /** For each step: its operation, the next step, and its argument ({@link OP}). */
  readonly ops: Uint8Array;
  readonly nexts: Uint16Array;
  readonly args: Uint16Array;
  readonly start: number;
  /** Whether class c is in set s, at s * classes + c. */
  readonly contains: Uint8Array;
  /** Whether a match can only begin at the start of the text. */
  readonly isAnchored: boolean;
  /** Names of groups; group i has the slots 2i and 2i + 1. */
  readonly names: readonly string[];
  /** Kind of each class, NEWLINE to OTHER. */
  readonly kinds: Uint8Array;
  classOf(point: number): number;
}

/** Beyond this an evaluation could take too long; RE2 accepts such expressions because it is faster in C++. */
const MAX_STEPS = 4000;

/** Translates a tree. Throws {@link PatternError} if it needs too many steps. */
export function compileProgram(source: string, tree: Node): Program {
  const alphabet = new Alphabet(tree);
  const ops: number[] = [];
  const nexts: number[] = [];
  const args: number[] = [];
  const names: string[] = [];
  const add = (op: number, next: number, argument = 0): number => {
    if (ops.length >= MAX_STEPS) {
      throw new PatternError(source, `it needs more than ${MAX_STEPS} steps; use smaller counts in its repetitions`);
    }
    nexts.push(next);
    args.push(argument);
    return ops.push(op) - 1;
  };
  const split = (greedy: number, other: number, lazy: boolean) =>
    lazy ? add(OP.split, other, greedy) : add(OP.split, greedy, other);
  /** Any number of `of`, before `next`. */
  const loop = (of: Node, next: number, lazy: boolean): number => {
    const first = add(OP.split, next, next);
    (lazy ? args : nexts)[first] = emit(of, first);
    return first;
  };
  /** Steps of `node` before `next`; returns the first. */
  const emit = (node: Node, next: number): number => {
    switch (node.kind) {
      case 'set':
        return add(OP.set, next, alphabet.setOf(node.ranges));
      case 'assert':
        return add(OP.assert, next, ASSERTIONS.indexOf(node.what));
      case 'concat':
        return node.parts.reduceRight((then, part) => emit(part, then), next);
      case 'either':
        return node.choices
          .map((choice) => emit(choice, next))
          .reduceRight((other, choice) => split(choice, other, false));
      case 'group': {
        if (!names.includes(node.name)) names.push(node.name);
        const slot = 2 * names.indexOf(node.name);
        return add(OP.save, emit(node.of, add(OP.save, next, slot + 1)), slot);
      }
      case 'repeat': {
        const { of, min, max, lazy } = node;
        let first = next;
        if (max === Number.POSITIVE_INFINITY) first = loop(of, next, lazy);
        else for (let count = min; count < max; count++) first = split(emit(of, first), next, lazy);
        for (let count = 0; count < min; count++) first = emit(of, first);
        return first;
      }
    }
  };
  const start = emit(tree, add(OP.match, 0));
  const { kinds, classOf, contains } = alphabet;
  return {
    ops: Uint8Array.from(ops),
    nexts: Uint16Array.from(nexts),
    args: Uint16Array.from(args),
    start,
    contains: contains(),
    names,
    isAnchored: isAnchored(tree),
    kinds,
    classOf,
  };
}

function isAnchored(node: Node | undefined): boolean {
  switch (node?.kind) {
    case 'assert':
      return node.what === 'begin';
    case 'concat':
      return isAnchored(node.parts[0]);
    case 'either':
      return node.choices.every(isAnchored);
    case 'group':
      return isAnchored(node.of);
    case 'repeat':
      return node.min > 0 && isAnchored(node.of);
    default:
      return false;
  }
}

class Alphabet {
  /** First code points of the classes, ascending, from 0. */
  readonly #starts: readonly number[];
  readonly #ascii: Uint16Array;
  /** By their ranges as text: the number of each set. */
  readonly #sets = new Map<string, number>();
  readonly #contains: number[] = [];
  readonly kinds: Uint8Array;

  constructor(tree: Node) {
    const starts = new Set([0]);
    const cut = (ranges: Ranges) => {
      for (const [first, last] of ranges) {
        starts.add(first);
        if (last < MAX_POINT) starts.add(last + 1);
      }
    };
    cut(WORD);
    cut([[0x0a, 0x0a]]);
    for (const ranges of setsOf(tree)) cut(ranges);
    this.#starts = [...starts].sort((one, other) => one - other);
    this.kinds = Uint8Array.from(this.#starts, (start) =>
      start === 0x0a ? NEWLINE : includes(WORD, start) ? WORD_CHARACTER : OTHER,
    );
    this.#ascii = Uint16Array.from({ length: 128 }, (_, point) => this.#search(point));
  }

  readonly classOf = (point: number): number => (point < 128 ? (this.#ascii[point] ?? 0) : this.#search(point));

  /** The number of a set. */
  setOf(ranges: Ranges): number {
    const key = ranges.join();
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    const number = this.#sets.size;
    this.#sets.set(key, number);
    for (const start of this.#starts) this.#contains.push(Number(includes(ranges, start)));
    return number;
  }

  readonly contains = (): Uint8Array => Uint8Array.from(this.#contains);

  #search(point: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) <= point) low = middle;
      else high = middle;
    }
    return low;
  }
}

function* setsOf(node: Node): Generator<Ranges> {
  if (node.kind === 'set') yield node.ranges;
  else if (node.kind === 'concat') for (const part of node.parts) yield* setsOf(part);
  else if (node.kind === 'either') for (const choice of node.choices) yield* setsOf(choice);
  else if (node.kind !== 'assert') yield* setsOf(node.of);
}

/** All assertions, by number. */
const ASSERTIONS: readonly Assertion[] = ['begin', 'end', 'line-begin', 'line-end', 'boundary', 'no-boundary'];

/** Whether the assertion of that number holds between characters of the kinds `before` and `after`. */
export function holds(assertion: number, before: number, after: number): boolean {
  switch (ASSERTIONS[assertion]) {
    case 'begin':
      return before === EDGE;
    case 'end':
      return after === EDGE;
    case 'line-begin':
      return before <= NEWLINE;
    case 'line-end':
      return after <= NEWLINE;
    case 'boundary':
      return (before === WORD_CHARACTER) !== (after === WORD_CHARACTER);
    default:
      return (before === WORD_CHARACTER) === (after === WORD_CHARACTER);
  }
}
