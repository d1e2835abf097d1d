import type { Cursor } from './cursor.ts';

/** How far a file was read. */
export interface FilePosition {
  /** Number of its entries. */
  readonly index: number;
  /** The sequence number of the last of them; 0 when there is none. */
  readonly seqnum: number;
  /** For a file that existed at the first start: its unread entries, and what shares their counter. */
  readonly unread?: { readonly entries: number; readonly family: string };
  /** Entries without a credible sequence number since the last one that has it. */
  readonly unnumbered?: number;
}

/** The state before a complete scan: entries before it in files that appear later have already been read. */
export interface Boundary {
  /** The last entry by wall clock. */
  readonly cursor: Cursor | undefined;
  /** By series of sequence numbers, the highest. */
  readonly seqnums: Readonly<Record<string, number>>;
  /** By series, the folder in which it was found. */
  readonly folders: Readonly<Record<string, string>>;
}

/** The position of a journal reader, to resume after a restart. JSON. */
export interface JournalPosition {
  /** By the id of the file. */
  readonly files: Readonly<Record<string, FilePosition>>;
  readonly boundary: Boundary;
  /** By series of sequence numbers, the highest that was read or counted as lost: a gap after it means lost entries. */
  readonly seqnums: Readonly<Record<string, number>>;
  /** By series, the last number at the first start, while not all entries up to it are read: what was missing is no loss. */
  readonly initial?: Readonly<Record<string, number>>;
  /** By family of series, how many unread entries of deleted files are not counted as lost yet. */
  readonly left?: Readonly<Record<string, number>>;
}

/**
 * Whether an entry of a series that is unknown, or was read from another folder, had been read before `cursor`. systemd
 * copies the journal of /run to /var with new numbers of the same series: then the time since boot decides.
 */
export function wasRead(entry: Cursor, cursor: Cursor | undefined): boolean {
  if (cursor === undefined) return false;
  if (cursor.bootId === entry.bootId) return entry.monotonic <= cursor.monotonic;
  return entry.realtime <= cursor.realtime;
}
