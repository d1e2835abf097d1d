/** Longest line, bytes. */
export const MAX_PAGE_LINE_BYTES = 64 * 1024;

export const NEWLINE = 10;
const HASH = 35;
const BLANK = 32;
const TAB = 9;
const UPPER_T = 84;

/** Whether the line at `start` is empty or a comment other than TYPE. */
export function isIdle(bytes: Buffer, start: number): boolean {
  const [first, second, third] = [bytes[start], bytes[start + 1], bytes[start + 2]];
  if (first !== HASH) return first === NEWLINE;
  return (second !== BLANK && second !== TAB) || (third !== BLANK && third !== TAB && third !== UPPER_T);
}

/** Buffer for a line that began in the previous piece: allocating one each time would burden the garbage collector. */
const SCRATCH = Buffer.allocUnsafeSlow(2 * MAX_PAGE_LINE_BYTES);

/** The concatenation; valid until the next call. */
export function joinedInScratch(rest: Buffer, piece: Buffer): Buffer {
  const length = rest.length + piece.length;
  if (length > SCRATCH.length) return Buffer.concat([rest, piece]);
  rest.copy(SCRATCH);
  piece.copy(SCRATCH, rest.length);
  return SCRATCH.subarray(0, length);
}
