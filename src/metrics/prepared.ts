import type { Compression } from './compression.ts';
import type { Ended } from './ended.ts';
import type { Family } from './family.ts';

/** Text of a group that stays compressed between cycles. */
export interface PreparedText {
  /** The compression with which it was stored. */
  readonly encoding: Compression;
  /**
   * Pieces of whole lines, which form the payload when concatenated. Unchanged pieces are the same buffers as before.
   */
  readonly members: readonly Buffer[];
  /** Bytes before compression. */
  readonly textBytes: number;
  readonly samples: number;
  /**
   * Whether it is the same in many cycles, and none of its lines has a timestamp, so that derived data is worth
   * caching.
   */
  readonly isKept?: boolean;
}

/**
 * A part of a group that is not a snapshot in each cycle, because rebuilding it would cost too much: the state of a
 * cluster. No other part has its families.
 */
export interface Prepared {
  readonly group: string;
  /** The collector in that group that owns these series. Disabling it disables them. */
  readonly collector: string;
  /** The text to push now; undefined while it is incomplete. Rejects when `signal` fires. */
  text(signal: AbortSignal): Promise<PreparedText | undefined>;
  /**
   * The series that were in an earlier {@link text} and are not in the last, each returned once. None when they are not
   * needed.
   */
  takeEnded(): Ended;
  /** The same text regrouped by family, in pieces that end at a line end. */
  byFamily(): AsyncIterable<Buffer>;
  /** The families that have series, with their numbers of series, as of the last {@link text}. */
  families(): readonly { readonly family: Family; readonly series: number }[];
  /**
   * The sample lines of one family, in pieces that end at a line end. Holds and decompresses only one piece at a time.
   */
  lines(family: string): AsyncIterable<string>;
}
