import { MAX_WORK, PatternCostError } from './automaton.ts';
import { EDGE, holds, OP, type Program } from './program.ts';

/** Start and end of the groups of one thread; shared until it changes. */
type CaptureSlots = readonly number[];

interface Thread {
  readonly step: number;
  readonly slots: CaptureSlots;
}

/**
 * The named groups of the first match, empty text for groups that did not participate; undefined without a match. No
 * match begins before `from`. Throws PatternCostError.
 */
export function captures(source: string, program: Program, text: string, from = 0): Map<string, string> | undefined {
  const slots = spans(source, program, text, from);
  if (slots === undefined) return undefined;
  return new Map(
    program.names.map((name, index) => {
      const [begin, end] = [slots[2 * index], slots[2 * index + 1]];
      return [name, begin === undefined || end === undefined ? '' : text.slice(begin, end)];
    }),
  );
}

/**
 * Start and end of the groups of the first match, two numbers each, undefined for groups that did not participate. All
 * threads advance in parallel in the order of preference, so the text is read once. No match begins before `from`.
 * Throws PatternCostError.
 */
export function spans(
  source: string,
  program: Program,
  text: string,
  from: number,
): readonly (number | undefined)[] | undefined {
  const { ops, nexts, args, contains, start, isAnchored, classOf, kinds } = program;
  const seen = new Uint32Array(ops.length);
  let round = 0;
  let work = 0;
  let threads: Thread[] = [];
  let found: CaptureSlots | undefined;
  const kindAt = (at: number): number =>
    at < 0 || at >= text.length ? EDGE : (kinds[classOf(text.charCodeAt(at))] ?? EDGE);
  for (let at = from; ; ) {
    if (found === undefined && (at === 0 || !isAnchored)) threads.push({ step: start, slots: [] });
    if (threads.length === 0) break;
    const point = text.codePointAt(at);
    const symbol = point === undefined ? -1 : classOf(point);
    const [before, after] = [kindAt(at - 1), kindAt(at)];
    const reached: Thread[] = [];
    round++;
    // The last of `stack` is preferred.
    const stack = threads.reverse();
    for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
      const { step: index, slots } = thread;
      if (seen[index] === round) continue;
      seen[index] = round;
      work++;
      const [next, argument] = [nexts[index] ?? 0, args[index] ?? 0];
      switch (ops[index]) {
        case OP.set:
          if (symbol >= 0 && contains[argument * kinds.length + symbol] === 1) reached.push({ step: next, slots });
          break;
        case OP.split:
          stack.push({ step: argument, slots }, { step: next, slots });
          break;
        case OP.save:
          stack.push({ step: next, slots: saved(slots, argument, at) });
          break;
        case OP.assert:
          if (holds(argument, before, after)) stack.push({ step: next, slots });
          break;
        default:
          // Threads with lower preference than a match are dropped.
          found = slots;
          stack.length = 0;
      }
    }
    if (work > MAX_WORK) throw new PatternCostError(source, text.length);
    threads = reached;
    if (point === undefined) break;
    at += point > 0xffff ? 2 : 1;
  }
  return found;
}

function saved(slots: CaptureSlots, slot: number, at: number): CaptureSlots {
  const changed = slots.slice();
  changed[slot] = at;
  return changed;
}
