/** Text of a group that is kept compressed between cycles. */
export interface PreparedBody {
  /** gzip members; one after the other they are one gzip body. */
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
  /** What is to be pushed now; undefined as long as it is not complete. Gives up when `signal` fires. */
  body(signal: AbortSignal): Promise<PreparedBody | undefined>;
  /** The same text regrouped by family, in pieces that end with a line. */
  byFamily(): AsyncIterable<Buffer>;
}
