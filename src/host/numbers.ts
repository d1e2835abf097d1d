/** Thrown by the number readers here; callers wrap it with path and line. */
export class NotANumber extends Error {
  override readonly name = 'NotANumber';

  constructor(text: string | undefined) {
    const shown = text === undefined ? 'nothing' : JSON.stringify(text.slice(0, 40));
    super(`expected a number, found ${shown}`);
  }
}

/**
 * A decimal integer as the kernel prints it, as the nearest double (which is what a 64-bit count becomes in
 * Prometheus anyway). For sums and products of counts beyond 2^53 use {@link bigInteger}. Throws NotANumber.
 */
export function integer(text: string | undefined): number {
  if (text === undefined || !/^-?\d+$/.test(text)) throw new NotANumber(text);
  return Number(text);
}

/** A decimal integer of any size. Throws NotANumber. */
export function bigInteger(text: string | undefined): bigint {
  if (text === undefined || !/^-?\d+$/.test(text)) throw new NotANumber(text);
  return BigInt(text);
}

/** A decimal number with an optional fraction or exponent. Throws NotANumber; `NaN` and `inf` are no numbers here. */
export function decimal(text: string | undefined): number {
  if (text === undefined || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) throw new NotANumber(text);
  return Number(text);
}

/** A hexadecimal integer, with or without `0x`, as the nearest double. Throws NotANumber. */
export function hexadecimal(text: string | undefined): number {
  const digits = text?.replace(/^0x/i, '');
  if (digits === undefined || !/^[0-9a-fA-F]+$/.test(digits)) throw new NotANumber(text);
  return Number(BigInt(`0x${digits}`));
}

/** The text as integer, or undefined when it is none: for attributes whose drivers also print words. */
export const integerOrNone = (text: string | undefined): number | undefined =>
  text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
