import type { Cursor } from './cursor.ts';

/** How far a file was read. */
export interface FilePosition {
  /** Number of its entries. */
  readonly index: number;
  /** The sequence number of the last of them; 0 when there is none. */
  readonly seqnum: number;
}

/**
 * Everything up to some entries: entries before it in files that appear later have already been read. Files are not
 * written at the same moment, so the numbers of one series may have been read out of order.
 */
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
  /** By series of sequence numbers, the highest that was read: a gap after it means lost entries. */
  readonly seqnums: Readonly<Record<string, number>>;
}

/**
 * Whether an entry of a file that did not exist at `boundary` had been read before. systemd copies the journal of /run
 * to /var with new numbers of the same series: then the time since boot decides.
 */
export function wasRead(entry: Cursor, folder: string, { cursor, seqnums, folders }: Boundary): boolean {
  const seqnum = seqnums[entry.seqnumId];
  if (seqnum !== undefined && folders[entry.seqnumId] === folder) return entry.seqnum <= seqnum;
  if (cursor === undefined) return false;
  if (cursor.bootId === entry.bootId) return entry.monotonic <= cursor.monotonic;
  return entry.realtime <= cursor.realtime;
}
