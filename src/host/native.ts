import { endianness } from 'node:os';
import { textOfBytes } from './bytes.ts';

const LITTLE = endianness() === 'LE';

/** 16-bit unsigned integer at `offset`, in this machine's byte order, which is that of the kernel's structures. */
export const u16 = (bytes: Buffer, offset: number): number =>
  LITTLE ? bytes.readUInt16LE(offset) : bytes.readUInt16BE(offset);

/** 32-bit unsigned integer at `offset`, in this machine's byte order. */
export const u32 = (bytes: Buffer, offset: number): number =>
  LITTLE ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);

/** 32-bit signed integer at `offset`, in this machine's byte order. */
export const s32 = (bytes: Buffer, offset: number): number =>
  LITTLE ? bytes.readInt32LE(offset) : bytes.readInt32BE(offset);

/** 64-bit unsigned integer at `offset`, in this machine's byte order. */
export const u64 = (bytes: Buffer, offset: number): bigint =>
  LITTLE ? bytes.readBigUInt64LE(offset) : bytes.readBigUInt64BE(offset);

/** 64-bit signed integer at `offset`, in this machine's byte order. */
export const s64 = (bytes: Buffer, offset: number): bigint =>
  LITTLE ? bytes.readBigInt64LE(offset) : bytes.readBigInt64BE(offset);

/** Writes a 16-bit unsigned integer in this machine's byte order. */
export function putU16(bytes: Buffer, offset: number, value: number): void {
  if (LITTLE) bytes.writeUInt16LE(value, offset);
  else bytes.writeUInt16BE(value, offset);
}

/** Writes a 32-bit unsigned integer in this machine's byte order. */
export function putU32(bytes: Buffer, offset: number, value: number): void {
  if (LITTLE) bytes.writeUInt32LE(value, offset);
  else bytes.writeUInt32BE(value, offset);
}

/** Writes a 64-bit unsigned integer in this machine's byte order. */
export function putU64(bytes: Buffer, offset: number, value: bigint): void {
  if (LITTLE) bytes.writeBigUInt64LE(value, offset);
  else bytes.writeBigUInt64BE(value, offset);
}

/** Text up to the first NUL, or all of `bytes`. */
export function nulTerminated(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return textOfBytes(bytes.subarray(0, end === -1 ? bytes.length : end));
}
