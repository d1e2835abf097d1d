// /proc/<pid>/limits: proc_pid_limits(5).
import { numberAfter } from './byte-numbers.ts';
import { MalformedFile } from './errors.ts';

const NAMES = {
  openFiles: Buffer.from('\nMax open files '),
  addressSpace: Buffer.from('\nMax address space '),
} as const;

/**
 * A soft limit, from the first `length` bytes of the file at `path`: Infinity for none, undefined if the file is empty,
 * as that of a process that has exited. Throws MalformedFile.
 */
export function softLimit(path: string, bytes: Buffer, length: number, name: keyof typeof NAMES): number | undefined {
  if (length === 0) return undefined;
  const limit = numberAfter(bytes, length, NAMES[name]);
  if (!Number.isNaN(limit)) return limit;
  const at = bytes.subarray(0, length).indexOf(NAMES[name]);
  const line = at === -1 ? 1 : bytes.toString('latin1', 0, at + 1).split('\n').length;
  throw new MalformedFile(
    path,
    line,
    `expected a line "${NAMES[name].toString().trim()}" with a number or "unlimited"`,
  );
}
