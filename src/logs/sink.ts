import type { LogEntry } from './entry.ts';

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

/** A receiver of entries. Order: batches are uploaded in the order of the calls. */
export interface LogSink {
  /** Most batches of a source that it takes at a time, uploads and those that wait for one. */
  readonly maxInFlight: number;
  /** Most bytes of an upload before compression. */
  readonly maxBatchBytes: number;
  /**
   * Sends entries of one source until each is accepted or dropped, however long that takes. Undefined when `signal`
   * fired, or the receiver was closed, before that: then it is unknown which of them were stored. Never rejects.
   */
  ship(entries: readonly LogEntry[], signal: AbortSignal): Promise<Shipped | undefined>;
}
