import type { LogSourceName } from './entry.ts';
import type { EntryTarget } from './source.ts';

/** What became of the entries of a batch. */
export interface Shipped {
  readonly accepted: number;
  /** Dropped entries by reason: those that the receiver does not take. */
  readonly dropped: ReadonlyMap<string, number>;
  /** Entries that were sent once more, each as often as it was. */
  readonly retried: number;
  /** Bytes of the accepted uploads before compression. */
  readonly bytes: number;
}

/** Entries of one source as bytes for one receiver. */
export interface EntryBatch extends EntryTarget {
  readonly source: LogSourceName;
  /** When its first entry was written, microseconds since 1970; undefined without entries. */
  readonly sinceUs: number | undefined;
  /** Gives its memory back. To be called once, when it is no longer needed. */
  release(): void;
}

/** A receiver of entries. Order: batches are uploaded in the order of the calls. */
export interface LogSink {
  /** Most batches of a source that it takes at a time, uploads and those that wait for one. */
  readonly maxInFlight: number;
  /** An empty batch. */
  begin(source: LogSourceName): EntryBatch;
  /**
   * Sends a batch of {@link begin} until each entry is accepted or dropped, however long that takes. Undefined when
   * `signal` fired, or the receiver was closed, before that: then it is unknown which of them were stored. Never rejects.
   */
  ship(batch: EntryBatch, signal: AbortSignal): Promise<Shipped | undefined>;
}
