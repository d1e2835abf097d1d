/**
 * The position of an entry, as in systemd: the sequence number in its series, boot and times, and a hash of the entry.
 */
export interface Cursor {
  /** The series of sequence numbers, 32 hexadecimal digits. */
  readonly seqnumId: string;
  readonly seqnum: number;
  readonly bootId: string;
  /** Microseconds since that boot. */
  readonly monotonic: number;
  /** Microseconds since 1970. */
  readonly realtime: number;
  /** Hexadecimal, without leading zeros. */
  readonly xorHash: string;
}

/** The text form of sd_journal_get_cursor(3). */
export const cursorText = ({ seqnumId, seqnum, bootId, monotonic, realtime, xorHash }: Cursor): string =>
  `s=${seqnumId};i=${hex(seqnum)};b=${bootId};m=${hex(monotonic)};t=${hex(realtime)};x=${xorHash}`;

const PART = 0x1000000;

/** A whole number of at most 2^53 in hexadecimal. V8 is ten times as slow for numbers of more than 31 bits as for small ones. */
export function hex(value: number): string {
  if (value <= 0x7fffffff) return value.toString(16);
  return hex(Math.floor(value / PART)) + (value % PART).toString(16).padStart(6, '0');
}

/**
 * Which of two entries comes first, as journalctl orders them: by sequence number within one series, by monotonic time
 * within one boot, otherwise by wall clock. Negative if it is `a`.
 */
export function compareEntries(a: Omit<Cursor, 'xorHash'>, b: Omit<Cursor, 'xorHash'>): number {
  if (a.seqnumId === b.seqnumId) return a.seqnum - b.seqnum;
  if (a.bootId === b.bootId && a.monotonic !== b.monotonic) return a.monotonic - b.monotonic;
  return a.realtime - b.realtime;
}
