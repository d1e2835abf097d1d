// The auxiliary vector, pairs of machine words that the kernel passes to every process: getauxval(3).
import { readFileSync } from 'node:fs';
import { u64 } from './native.ts';

const AT_PAGESZ = 6n;
const AT_CLKTCK = 17n;

/** Units of the running kernel that its text files use. */
interface KernelUnits {
  /** Bytes per memory page. */
  readonly pageBytes: number;
  /** Clock ticks per second (`USER_HZ`), 100 on all architectures except alpha. */
  readonly ticksPerSecond: number;
}

/** The units of the kernel we run on, from our own `/proc/self/auxv`; 4 KiB and 100 Hz where that is not readable. */
export function kernelUnits(): KernelUnits {
  try {
    return parseAuxv(readFileSync('/proc/self/auxv'));
  } catch {
    return parseAuxv(Buffer.alloc(0));
  }
}

/** The units in an auxiliary vector of a 64-bit process. */
export function parseAuxv(vector: Buffer): KernelUnits {
  let pageBytes = 4096;
  let ticksPerSecond = 100;
  for (let offset = 0; offset + 16 <= vector.length; offset += 16) {
    const key = u64(vector, offset);
    const value = Number(u64(vector, offset + 8));
    if (key === AT_PAGESZ) pageBytes = value;
    if (key === AT_CLKTCK) ticksPerSecond = value;
  }
  return { pageBytes, ticksPerSecond };
}
