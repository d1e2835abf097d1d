/** Thrown by the number readers here; callers wrap it with path and line. */
export class NotANumber extends Error {
  override readonly name = 'NotANumber';

  constructor(text: string | undefined) {
    const shown = text === undefined ? 'nothing' : JSON.stringify(text.slice(0, 40));
    super(`expected a number, found ${shown}`);
  }
}

/**
 * No count of the kernel is larger; a longer run of digits is a damaged file, or two numbers without a blank between
 * them.
 */
const MAX = 2 ** 64;

/**
 * A decimal integer as the kernel prints it, as the nearest double (which is what a 64-bit count becomes in
 * Prometheus anyway). For sums and products of counts beyond 2^53 use {@link bigInteger}. Throws NotANumber.
 */
export function integer(text: string | undefined): number {
  const value = integerOrNone(text);
  if (value === undefined) throw new NotANumber(text);
  return value;
}

/** From here on, a 64-bit count went below zero; no real count gets this high. */
export const WRAPPED = 2 ** 63;

/**
 * A count: an {@link integer} that is not negative, and not a negative number printed as an unsigned one (2^64-1 for
 * -1). 2^63-1, which is 2^63 as a double, is a limit that is not set.
 */
export function count(text: string | undefined): number {
  const value = integer(text);
  if (value < 0 || value > WRAPPED) throw new Error(`expected a count, found ${text}`);
  return value;
}

/** A decimal integer of up to 64 bits. Throws NotANumber. */
export function bigInteger(text: string | undefined): bigint {
  if (text === undefined || integerOrNone(text) === undefined) throw new NotANumber(text);
  return BigInt(text);
}

/** A decimal number with an optional fraction or exponent. Throws NotANumber; `NaN` and `inf` are rejected. */
export function decimal(text: string | undefined): number {
  const value = decimalOrNone(text);
  if (value === undefined) throw new NotANumber(text);
  return value;
}

/** Like {@link decimal}, but undefined for any other text, and for a number beyond the range of a float64. */
export function decimalOrNone(text: string | null | undefined): number | undefined {
  if (!text || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** A {@link decimal} number that is not negative. Throws NotANumber. */
export function unsignedDecimal(text: string | undefined): number {
  const value = decimal(text);
  if (value < 0) throw new NotANumber(text);
  return value;
}

/** A hexadecimal integer, with or without `0x`, as the nearest double. Throws NotANumber. */
export function hexadecimal(text: string | undefined): number {
  const digits = text?.replace(/^0x/i, '');
  if (digits === undefined || !/^[0-9a-fA-F]{1,16}$/.test(digits)) throw new NotANumber(text);
  return Number(BigInt(`0x${digits}`));
}

/** The text as an integer, or undefined if it is not one: for attributes whose drivers also print words. */
export function integerOrNone(text: string | undefined): number | undefined {
  if (text === undefined || !isInteger(text)) return undefined;
  const value = Number(text);
  return value <= MAX && value >= -MAX ? value : undefined;
}

const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Whether a text consists of digits, perhaps after a minus; a regular expression takes several times as long. */
export function isInteger(text: string): boolean {
  const first = text.charCodeAt(0) === MINUS ? 1 : 0;
  for (let index = first; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < ZERO || code > NINE) return false;
  }
  return text.length > first;
}

/** With more digits, a sum of doubles may no longer be exact. */
const EXACT_DIGITS = 15;
const BLANK = 0x20;
const TAB = 0x09;

/**
 * The {@link count}s in a line from `start` to its end, separated by blanks. With it, the net/dev of a pod is parsed in
 * two thirds of the time that splitting its lines into words takes. Throws Error.
 */
export function counts(line: string, start: number): number[] {
  const found: number[] = [];
  for (let at = start; at < line.length; at++) {
    if (isBlank(line.charCodeAt(at))) continue;
    const first = at;
    let value = 0;
    let areDigits = true;
    for (; at < line.length; at++) {
      const code = line.charCodeAt(at);
      if (isBlank(code)) break;
      areDigits &&= code >= ZERO && code <= NINE;
      value = value * 10 + code - ZERO;
    }
    found.push(areDigits && at - first <= EXACT_DIGITS ? value : count(line.slice(first, at)));
  }
  return found;
}

const isBlank = (code: number): boolean => code === BLANK || code === TAB;
