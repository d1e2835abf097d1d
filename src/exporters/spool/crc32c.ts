/** Castagnoli's polynomial, bits reversed (RFC 3720 §B.4). */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  return remainder;
});

/** CRC-32C of `data` appended to the data with checksum `before`, as an unsigned number. */
export function crc32c(data: Buffer, before = 0): number {
  let remainder = ~before >>> 0;
  for (const byte of data) remainder = (remainder >>> 8) ^ (TABLE[(remainder ^ byte) & 0xff] as number);
  return ~remainder >>> 0;
}
