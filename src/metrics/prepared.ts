import type { Compression } from './compression.ts';
import type { Family } from './family.ts';

/** Text of a group that stays compressed between cycles. */
export interface PreparedBody {
  /** How it was compressed when it was stored. */
  readonly encoding: Compression;
  /** Pieces of whole lines; one after the other they are one body. What has not changed is the same buffer as before. */
  readonly members: readonly Buffer[];
  /** Bytes before compression. */
  readonly textBytes: number;
  readonly samples: number;
}

/**
 * A part of a group that does not come as a snapshot each cycle, because making it anew would cost too much: the state
 * of a cluster. Its families are its own.
 */
export interface Prepared {
  readonly group: string;
  /** The collector of that group whose series these are: it is switched off with them. */
  readonly collector: string;
  /** The text to push now; undefined as long as it is incomplete. Rejects when `signal` fires. */
  body(signal: AbortSignal): Promise<PreparedBody | undefined>;
  /**
   * Keys of series that were in an earlier {@link body} and are not in the last, each given once. Empty when nobody
   * wants to know.
   */
  takeEnded(): readonly string[];
  /** The same text regrouped by family, in pieces that end with a line. */
  byFamily(): AsyncIterable<Buffer>;
  /** The families that have series, and how many, as of the last {@link body}. */
  families(): readonly { readonly family: Family; readonly series: number }[];
  /** The sample lines of one family, in pieces that end with a line; holds and unpacks only a piece at a time. */
  lines(family: string): AsyncIterable<string>;
}
