import type { LogSourceName } from './entry.ts';
import type { EntryTarget } from './source.ts';

/** The result of a batch of entries. */
export interface Shipped {
  readonly accepted: number;
  /** Dropped entries by reason: those that the receiver rejects. */
  readonly dropped: ReadonlyMap<string, number>;
  /** Number of resent entries, counting each resend. */
  readonly retried: number;
  /** Bytes of the accepted uploads before compression. */
  readonly bytes: number;
}

/** Encoded entries of one source for one receiver. */
export interface EntryBatch extends EntryTarget {
  readonly source: LogSourceName;
  /** When its first entry was written, microseconds since 1970; undefined without entries. */
  readonly sinceUs: number | undefined;
  /** Releases its memory. Call once, when it is no longer needed. */
  release(): void;
}

/** A receiver of entries. Order: batches are uploaded in the order of the calls. */
export interface LogSink {
  /** Maximum concurrent batches of a source, including waiting ones. */
  readonly maxInFlight: number;
  /** An empty batch. */
  begin(source: LogSourceName): EntryBatch;
  /**
   * Sends a batch of {@link begin} until each entry is accepted or dropped, however long that takes. Undefined if
   * `signal` fired, or the receiver was closed, before that: then it is unknown which entries were stored. Never
   * rejects.
   */
  ship(batch: EntryBatch, signal: AbortSignal): Promise<Shipped | undefined>;
}
