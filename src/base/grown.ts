/** A copy of the first `length` bytes of `buffer` with twice the room that is needed, so that copies stay rare. */
export function grown(buffer: Buffer, length: number, needed: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(2 * needed);
  buffer.copy(larger, 0, 0, length);
  return larger;
}
