import { NotANumber, WRAPPED } from '../../host/numbers.ts';

/** With more digits, a sum of doubles may no longer be exact. */
const EXACT_DIGITS = 15;
const ZERO = '0'.charCodeAt(0);
const MINUS = '-'.charCodeAt(0);
const NEWLINE = '\n'.charCodeAt(0);

/** The search text of each key, built once. */
const needles = new Map<string, string>();

function needleOf(key: string): string {
  const needle = needles.get(key) ?? `\n${key} `;
  needles.set(key, needle);
  return needle;
}

/** Parses a kernel count; undefined if it is not valid. */
type Convert = (value: number) => number | undefined;

/** A count that only grows. A negative value is dropped: as 0 it would look like a reset. */
export const countOf: Convert = (value) => (value < 0 || value >= WRAPPED ? undefined : value);

/** An amount. Some kernels print a sum that went below zero while its parts were read. */
export const levelOf: Convert = (value) => (value < 0 || value >= WRAPPED ? 0 : value);

/**
 * The number behind `key` in lines of key and value; undefined if the line is absent. Ten such searches cost a third of
 * splitting the sixty lines of memory.stat, and leave no strings behind. Throws NotANumber.
 */
export function keyed(lines: string, key: string, convert: Convert): number | undefined {
  const isFirst = lines.startsWith(key) && lines[key.length] === ' ';
  const before = isFirst ? -1 : lines.indexOf(needleOf(key));
  if (before === -1 && !isFirst) return undefined;
  const start = before + key.length + 2;
  const isNegative = lines.charCodeAt(start) === MINUS;
  let value = 0;
  let at = isNegative ? start + 1 : start;
  const first = at;
  for (; at < lines.length && lines.charCodeAt(at) !== NEWLINE; at++) {
    const digit = lines.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) throw new NotANumber(lineFrom(lines, start));
    value = value * 10 + digit;
  }
  if (at === first || value > 2 ** 64) throw new NotANumber(lineFrom(lines, start));
  if (at - first > EXACT_DIGITS) value = Number(lines.slice(first, at));
  const converted = convert(isNegative ? -value : value);
  if (converted === undefined) throw new NotANumber(lineFrom(lines, start));
  return converted;
}

const lineFrom = (lines: string, start: number): string => lines.slice(start).split('\n', 1)[0] ?? '';
