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
  `s=${seqnumId};i=${seqnum.toString(16)};b=${bootId};m=${monotonic.toString(16)};t=${realtime.toString(16)};x=${xorHash}`;

/**
 * Which of two entries comes first, as journalctl orders them: by sequence number within one series, by monotonic time
 * within one boot, otherwise by wall clock. Negative if it is `a`.
 */
export function compareEntries(a: Omit<Cursor, 'xorHash'>, b: Omit<Cursor, 'xorHash'>): number {
  if (a.seqnumId === b.seqnumId) return a.seqnum - b.seqnum;
  if (a.bootId === b.bootId && a.monotonic !== b.monotonic) return a.monotonic - b.monotonic;
  return a.realtime - b.realtime;
}
