import type { LogEntry, LogSourceName } from './entry.ts';

/** Receives entries that are read together, in order. */
export interface EntryTarget {
  /** Number of entries received. */
  readonly count: number;
  /** Whether it is full; a single entry may exceed it. */
  readonly isFull: boolean;
  /** Adds an entry. It is only used during the call, so it can be collected afterwards, independent of its copy. */
  add(entry: LogEntry): void;
}

/** The result of a read. */
export interface LogRead {
  /** The position after it: JSON text of the source, at most 4 MiB. */
  readonly position: string;
  /** Whether the source has no more entries. */
  readonly isDrained: boolean;
}

/**
 * One source of entries for one receiver, which reads forward from a position. It is read only while the receiver has
 * room: a source buffers nothing.
 */
export interface LogSource {
  readonly name: LogSourceName;
  /**
   * Passes the next entries to `target` until it is full; none if all entries read are filtered out. Undefined if there
   * are currently none. Yields to the event loop. Rejects if the source is unusable; it is retried later.
   */
  read(target: EntryTarget, signal: AbortSignal): Promise<LogRead | undefined>;
  /** Resolves when there may be more, or when `signal` fires. A source without it is polled every second. */
  more?(signal: AbortSignal): Promise<void>;
  /**
   * Checks for new data that could disappear while nothing is read, and completes `position`, the last acknowledged one,
   * by what has appeared since: after a restart it is then found under its other name. Called every second.
   */
  complete?(position: string): string;
  /**
   * A source that replaces this one, which has failed and is closed, after `saved`, and knows what {@link complete} does. One
   * without it is opened again as after a restart.
   */
  successor?(saved: SavedPosition): LogSource;
  /** Everything up to this position of a read is stored at the receiver, and the position is on disk. */
  acknowledged(position: string): void;
  /** Entries that were lost before they were read, by reason (`rotated`: by gaps of the sequence numbers). */
  readonly lost: Readonly<Record<string, number>>;
  /** Bytes of an unknown number of entries, lost before they were read by this process, by reason. */
  readonly lostBytes?: Readonly<Record<string, number>>;
  /** Number of pending entries at the source; undefined if unknown. */
  readonly waiting: number | undefined;
  close(): void | Promise<void>;
}

/** Creates a source. */
export interface LogSourceType {
  readonly name: LogSourceName;
  /**
   * Opens the source after `saved`, or as configured without it. In the latter case its first read returns no entries,
   * so that the position is saved first. `folder` is for persistent data of the source for this `receiver`;
   * undefined without `spool.path`.
   */
  open(saved: SavedPosition | undefined, folder: string | undefined, receiver: string): LogSource | Promise<LogSource>;
}

/** The position of a source for a receiver. */
export interface SavedPosition {
  /** That of {@link LogRead}. */
  readonly position: string;
  /** Entries that were counted as lost up to there. */
  readonly lost: Readonly<Record<string, number>>;
}
