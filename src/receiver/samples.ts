import { byName } from '../base/by-name.ts';
import { turn } from '../base/turns.ts';
import { familyNameOf, type MetricType } from '../metrics/family.ts';
import { labelBlock } from '../metrics/text/format.ts';
import { parseLine, type TextSample, type TextType } from '../metrics/text/parse.ts';
import { Refused } from './refused.ts';

/** The families that one body has declared so far by its TYPE lines. */
export class DeclaredTypes {
  readonly #types = new Map<string, TextType>();

  has(name: string): boolean {
    return this.#types.has(name);
  }

  declare(line: TextType): void {
    this.#types.set(line.name, line);
  }

  /** The family that a sample of this name belongs to: `x_sum` to histogram `x`, if it exists. */
  familyOf(name: string): { name: string; type: MetricType | undefined } {
    const family = familyNameOf(name, this.#types);
    return { name: family, type: this.#types.get(family)?.type };
  }
}

/** The labels of a sample, sorted by name, with `overriding` ones replacing its own; without empty ones. */
export function mergedLabels(sample: TextSample, overriding: ReadonlyMap<string, string>): Map<string, string> {
  const merged = [...sample.labels.filter(([name]) => !overriding.has(name)), ...overriding];
  merged.sort(byName);
  return new Map(merged.filter(([, value]) => value !== ''));
}

/** `name{labels}`, the same for the same series. */
export const seriesKey = (name: string, labels: ReadonlyMap<string, string>): string =>
  name + labelBlock([...labels.keys()], [...labels.values()]);

/** The labels in a {@link seriesKey}. */
export function labelsOf(key: string): ReadonlyMap<string, string> {
  const sample = parseLine(`${key} 0`);
  return new Map(sample?.kind === 'sample' ? sample.labels : []);
}

/** VictoriaMetrics' -import.maxLineLen; Pushgateway has no limit, but no line sent by an agent comes close to this. */
const MAX_LINE_LENGTH = 256 * 1024;
/** Lines that are parsed at once, about a millisecond: characters, plus this many per line. */
const PIECE_COST = 24 * 1024;
const LINE_COST = 100;
const NEWLINE = 0x0a;

/**
 * The lines of a body that are not empty, with their numbers from 1, without newlines, in pieces between which other
 * work may run. Throws {@link Refused} for a line that is too long, before yielding any.
 */
export async function* piecesOf(text: string): AsyncGenerator<readonly [number: number, line: string][]> {
  checkLengths(text);
  let number = 1;
  let piece: [number, string][] = [];
  let cost = 0;
  for (let start = 0; start < text.length; number++) {
    const isEmpty = text.charCodeAt(start) === NEWLINE;
    const newline = isEmpty ? start : text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    if (!isEmpty) piece.push([number, text.slice(start, end)]);
    // Empty lines are only counted.
    cost += isEmpty ? 1 : end - start + LINE_COST;
    start = end + 1;
    if (cost < PIECE_COST) continue;
    yield piece;
    piece = [];
    cost = 0;
    await turn();
  }
  yield piece;
}

/** Searches newlines at the maximum line distance, so that many short lines cost no more than a few long ones. */
function checkLengths(text: string): void {
  for (let start = 0; text.length - start > MAX_LINE_LENGTH; ) {
    const newline = text.lastIndexOf('\n', start + MAX_LINE_LENGTH);
    if (newline < start) {
      const next = text.indexOf('\n', start);
      const length = (next === -1 ? text.length : next) - start;
      const number = newlinesIn(text, start) + 1;
      throw new Refused(400, `line ${number}: longer than ${MAX_LINE_LENGTH} characters (${length})`);
    }
    start = newline + 1;
  }
}

/** Number of newlines in the first `length` characters. */
export function newlinesIn(text: string, length = text.length): number {
  let count = 0;
  for (let at = 0; at < length; at++) if (text.charCodeAt(at) === NEWLINE) count++;
  return count;
}
