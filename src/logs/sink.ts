import type { LogEntry } from './entry.ts';

/** What became of the entries of a batch. */
export interface Shipped {
  readonly accepted: number;
  /** Dropped entries by reason: those that the receiver does not take. */
  readonly dropped: ReadonlyMap<string, number>;
}

/** A receiver of entries. Order: batches are uploaded in the order of the calls. */
export interface LogSink {
  /** Most batches that it takes at a time, uploads and those that wait for one. */
  readonly maxInFlight: number;
  /** Most bytes of an upload before compression. */
  readonly maxBatchBytes: number;
  /**
   * Sends entries until each is accepted or dropped, however long that takes. Undefined when `signal` fired before
   * that: then it is unknown which of them were stored.
   */
  ship(entries: readonly LogEntry[], signal: AbortSignal): Promise<Shipped | undefined>;
}
