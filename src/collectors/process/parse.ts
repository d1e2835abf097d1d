// The files of a process, read by bytes: proc_pid_stat(5), proc_pid_status(5), proc_pid_io(5),
// proc_pid_cmdline(5), proc_pid_cgroup(5). Pure.

import { fnv1a32 } from '../../base/fnv.ts';
import { digitsEnd, isNumber, numberIn } from '../../host/byte-numbers.ts';
import { pathOfText, textOfBytes } from '../../host/bytes.ts';

/** Numbers of the fields of stat, as its manual page counts them. */
export const FIELD = {
  ppid: 4,
  flags: 9,
  minorFaults: 10,
  majorFaults: 12,
  userTicks: 14,
  systemTicks: 15,
  threads: 20,
  startTicks: 22,
  virtualBytes: 23,
  residentPages: 24,
} as const;

/** An array that has all of {@link FIELD}. */
type StatFields = Float64Array<ArrayBuffer> & Record<(typeof FIELD)[keyof typeof FIELD], number>;

const LAST_FIELD = FIELD.residentPages;
const MINUS = 0x2d;
const OPENING = 0x28;
const CLOSING = 0x29;

/** One parsed stat file; reused for each. */
export class Stat {
  /** The state's letter, as character code. */
  state = 0;
  /** Hash of the name's bytes: detects a change of the name without creating a string. */
  commHash = 0;
  /** By {@link FIELD}; counts over 2^53 lose their last digits. */
  readonly fields = new Float64Array(LAST_FIELD + 1) as StatFields;
  #commStart = 0;
  #commEnd = 0;

  /**
   * Parses the first `length` bytes. The name in parentheses may itself hold parentheses, blanks and newlines: it ends
   * at the last one. Throws an Error for anything but a stat file.
   */
  parse(bytes: Buffer, length: number): void {
    this.#commStart = bytes.indexOf(OPENING) + 1;
    this.#commEnd = length === 0 ? -1 : bytes.lastIndexOf(CLOSING, length - 1);
    if (this.#commStart === 0 || this.#commEnd < this.#commStart) throw new Error('no name in parentheses');
    this.commHash = fnv1a32(bytes, this.#commStart, this.#commEnd);
    this.state = bytes[this.#commEnd + 2] ?? 0;
    let start = this.#commEnd + 4;
    for (let field: number = FIELD.ppid; field <= LAST_FIELD; field++) {
      const isNegative = bytes[start] === MINUS;
      if (isNegative) start++;
      const end = digitsEnd(bytes, start, length);
      if (end === start || !isNumber(bytes, start, end, length)) {
        throw new Error(`field ${field} is not a number`);
      }
      const value = numberIn(bytes, start, end);
      this.fields[field] = isNegative ? -value : value;
      start = end + 1;
    }
  }

  /** The name, as textOfBytes has it: the kernel cuts it after 15 bytes, perhaps within a character. */
  comm(bytes: Buffer): string {
    return textOfBytes(bytes.subarray(this.#commStart, this.#commEnd));
  }
}

/** Keys for `numberAfter` (host/byte-numbers.ts): never on the first line of their files. */
export const KEY = {
  readBytes: Buffer.from('\nread_bytes:'),
  writeBytes: Buffer.from('\nwrite_bytes:'),
  fileSlots: Buffer.from('\nFDSize:'),
  swapKib: Buffer.from('\nVmSwap:'),
  voluntarySwitches: Buffer.from('\nvoluntary_ctxt_switches:'),
  nonvoluntarySwitches: Buffer.from('\nnonvoluntary_ctxt_switches:'),
  pssKib: Buffer.from('\nPss:'),
  swapPssKib: Buffer.from('\nSwapPss:'),
} as const;

/** A copy: V8 retains the whole text for a substring, here a command line of each process. */
export const detached = (piece: string): string => textOfBytes(Buffer.from(pathOfText(piece)));

/** Effective user id, from the text of status; undefined if absent. */
export function effectiveUid(status: string): number | undefined {
  const match = /^Uid:\t\d+\t(\d+)/m.exec(status);
  return match ? Number(match[1]) : undefined;
}

/** The arguments, from cmdline; none when it is empty, as those of kernel threads and zombies are. */
export const splitArguments = (cmdline: string): string[] =>
  cmdline === '' ? [] : cmdline.replace(/\0+$/, '').split('\0');

/** The paths in a cgroup file, in its order. */
export const cgroupPaths = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(':').slice(2).join(':'));
