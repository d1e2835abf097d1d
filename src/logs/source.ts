import type { LogEntry, LogSourceName } from './entry.ts';

/** Takes entries that are read together, in order. */
export interface EntryTarget {
  /** How many it has taken. */
  readonly count: number;
  /** Whether there is no room for another one; a single entry may exceed it. */
  readonly isFull: boolean;
  /** Takes an entry. It is used during the call only, so that it is garbage afterwards, whatever happens to its copy. */
  add(entry: LogEntry): void;
}

/** What a read has led to. */
export interface LogRead {
  /** Where to go on after it: JSON text of the source, at most 4 MiB. */
  readonly position: string;
  /** Whether the source had no more. */
  readonly isDrained: boolean;
}

/**
 * One source of entries for one receiver, which reads forward from a position. It is asked only while the receiver has
 * room: a source holds nothing of what it read.
 */
export interface LogSource {
  readonly name: LogSourceName;
  /**
   * Gives the next entries to `target` until it is full; none when all that was read is filtered out. Undefined when there
   * are none now. Yields to the event loop. Rejects when the source is unusable: then it is asked again later.
   */
  read(target: EntryTarget, signal: AbortSignal): Promise<LogRead | undefined>;
  /** Resolves when there may be more, or when `signal` fires. A source without it is asked every second. */
  more?(signal: AbortSignal): Promise<void>;
  /** Everything up to this position of a read is stored at the receiver, and the position is on disk. */
  acknowledged(position: string): void;
  /** Entries that were lost before they were read, by reason (`rotated`: by gaps of the sequence numbers). */
  readonly lost: Readonly<Record<string, number>>;
  /** Bytes of entries whose number is not known, lost before they were read by this process, by reason. */
  readonly lostBytes?: Readonly<Record<string, number>>;
  /** Entries known to wait at the source; undefined when it can't be known. */
  readonly waiting: number | undefined;
  close(): void | Promise<void>;
}

/** What opens a source. */
export interface LogSourceType {
  readonly name: LogSourceName;
  /**
   * Opens the source behind `saved`; where its configuration says without it. Its first read then gives no entries, so
   * that the place is saved before anything happens. `folder` is for what the source has to keep itself, for this
   * receiver; undefined without a spool.
   */
  open(saved: SavedPosition | undefined, folder: string | undefined): LogSource | Promise<LogSource>;
}

/** How far a receiver has a source. */
export interface SavedPosition {
  /** Of {@link LogRead}. */
  readonly position: string;
  /** Entries that were counted as lost up to there. */
  readonly lost: Readonly<Record<string, number>>;
}
