/** One DER value: its tag and its content. */
export interface DerValue {
  readonly tag: number;
  /** The content. */
  readonly content: Uint8Array;
}

/** The sequence of values in `bytes`. Throws RangeError for input that is not DER. */
export function derValues(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = byteAt(bytes, at++);
    let length = byteAt(bytes, at++);
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4) throw new RangeError('a length that DER does not allow');
      length = 0;
      for (let index = 0; index < count; index++) length = length * 256 + byteAt(bytes, at++);
    }
    if (at + length > bytes.length) throw new RangeError('a value that is longer than its container');
    values.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return values;
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError('the value is truncated');
  return byte;
}

/** An object identifier as text, `2.5.4.3`. */
export function derOid(content: Uint8Array): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    if (numbers.length === 0) numbers.push(Math.min(Math.floor(value / 40), 2));
    if (numbers.length === 1) numbers.push(value - 40 * (numbers[0] ?? 0));
    else numbers.push(value);
    value = 0;
  }
  return numbers.join('.');
}
