// Numbers in files that are read for thousands of processes: by bytes, without a string for each.

const TAB = 0x09;
const BLANK = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
/** The first letter of `unlimited`. */
const UNLIMITED = 0x75;

/** Where the digits from `start` end. */
export function digitsEnd(bytes: Buffer, start: number, length: number): number {
  let end = start;
  while (end < length && (bytes[end] as number) >= ZERO && (bytes[end] as number) <= NINE) end++;
  return end;
}

/** No 64-bit number has more digits. */
const MAX_DIGITS = 20;

/** Whether digits are a complete number: no longer than the kernel's, and followed by a blank or the end. */
export const isNumber = (bytes: Buffer, start: number, end: number, length: number): boolean =>
  end - start <= MAX_DIGITS && (end >= length || (bytes[end] as number) <= BLANK);

/** The value of digits; over 2^53 without its last digits. */
export function numberIn(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index++) value = value * 10 + (bytes[index] as number) - ZERO;
  return value;
}

/** For files below this length, such as io, calling Node's native search takes longer than the search. */
const SHORT = 256;

function indexOfShort(bytes: Buffer, length: number, key: Buffer): number {
  const first = key[0];
  search: for (let start = 0; start + key.length <= length; start++) {
    if (bytes[start] !== first) continue;
    for (let index = 1; index < key.length; index++) if (bytes[start + index] !== key[index]) continue search;
    return start;
  }
  return -1;
}

/**
 * The number that follows `key` and blanks in the first `length` bytes; Infinity for `unlimited`,
 * NaN if the key is absent or has no number.
 */
export function numberAfter(bytes: Buffer, length: number, key: Buffer): number {
  const found = length < SHORT ? indexOfShort(bytes, length, key) : bytes.indexOf(key);
  if (found === -1 || found + key.length > length) return Number.NaN;
  let start = found + key.length;
  while (bytes[start] === BLANK || bytes[start] === TAB) start++;
  const end = digitsEnd(bytes, start, length);
  if (end > start) return isNumber(bytes, start, end, length) ? numberIn(bytes, start, end) : Number.NaN;
  return bytes[start] === UNLIMITED ? Number.POSITIVE_INFINITY : Number.NaN;
}
