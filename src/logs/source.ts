import type { LogEntry, LogSourceName } from './entry.ts';

/** Entries that were read together, in order. */
export interface LogBatch {
  /** May be empty, when all that was read is filtered out. */
  readonly entries: readonly LogEntry[];
  /** Where to go on after them: JSON text of the source, at most 4 MiB. */
  readonly position: string;
  /** Whether the source had no more than these. */
  readonly isDrained: boolean;
}

/** How much to read at once. */
export interface ReadLimits {
  /** Stop after the entry that reaches it; the size of an entry is about that of its values. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/**
 * One source of entries for one receiver, which reads forward from a position. It is asked only while the receiver has
 * room: a source holds what it read nowhere but in the batch.
 */
export interface LogSource {
  readonly name: LogSourceName;
  /**
   * The next entries; undefined when there are none now. Yields to the event loop. Rejects when the source is unusable:
   * then it is asked again later.
   */
  read(limits: ReadLimits, signal: AbortSignal): Promise<LogBatch | undefined>;
  /** Resolves when there may be more, or when `signal` fires. A source without it is asked every second. */
  more?(signal: AbortSignal): Promise<void>;
  /** Everything up to this position of a batch is stored at the receiver, and the position is on disk. */
  acknowledged(position: string): void;
  /** Entries that were lost before they were read, by reason (`rotated`: by gaps of the sequence numbers). */
  readonly lost: Readonly<Record<string, number>>;
  /** Entries known to wait at the source; undefined when it can't be known. */
  readonly waiting: number | undefined;
  close(): void | Promise<void>;
}

/** What opens a source. */
export interface LogSourceType {
  readonly name: LogSourceName;
  /**
   * Opens the source behind `saved`; where its configuration says without it. Its first batch then is empty, so that the
   * place is saved before anything happens. `folder` is for what the source has to keep itself, for this receiver;
   * undefined without a spool.
   */
  open(saved: SavedPosition | undefined, folder: string | undefined): LogSource | Promise<LogSource>;
}

/** How far a receiver has a source. */
export interface SavedPosition {
  /** Of {@link LogBatch}. */
  readonly position: string;
  /** Entries that were counted as lost up to there. */
  readonly lost: Readonly<Record<string, number>>;
}
