const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/**
 * The 64-bit FNV-1a hash of a text's UTF-8 bytes.
 * Source: https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
 */
export function fnv1a64(text: string): bigint {
  let hash = OFFSET;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME);
  return hash;
}

/**
 * A point in a period, from 0 to before `periodMs`, in whole milliseconds: always the same for a text, and spread evenly
 * over texts, so that agents do not all act at once.
 */
export const phaseOf = (text: string, periodMs: number): number => Number(fnv1a64(text) % BigInt(periodMs));

const OFFSET_32 = 0x811c9dc5;
const PRIME_32 = 0x01000193;

/** The 32-bit FNV-1a hash of the bytes from `start` to before `end`, as a signed number: such numbers need no memory. */
export function fnv1a32(bytes: Uint8Array, start = 0, end = bytes.length, seed = OFFSET_32): number {
  let hash = seed;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), PRIME_32);
  return hash | 0;
}

/** Like {@link fnv1a32}, over the code units of a text. */
export function fnv1a32OfText(text: string, seed = OFFSET_32): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), PRIME_32);
  return hash | 0;
}
