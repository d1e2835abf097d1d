// API data about receivers and the last hour; see status-view.ts.

/** One receiver. */
export interface ExporterView {
  readonly name: string;
  /** As in `exporters.NAME.type`. */
  readonly type: string;
  /** The current address: of several, the one that accepts batches. */
  readonly url: string;
  readonly groups: readonly string[];
  /**
   * `ok`: the last attempt was accepted; `retrying`: backing off after a failure; `paused`: an operator has to act;
   * `idle`: no attempt yet.
   */
  readonly state: 'ok' | 'retrying' | 'paused' | 'idle';
  /** When an upload was last acknowledged, milliseconds since 1970. */
  readonly lastSuccessMs?: number;
  /** Status code of the last response; `error` if there was none. */
  readonly lastCode?: number | 'error';
  readonly lastFailure?: { readonly atMs: number; readonly text: string };
  /** Duration of the last attempt. */
  readonly latencyMs?: number;
  /** When the next attempt is due, milliseconds since 1970; absent while uploads pass, and during an attempt. */
  readonly nextTryMs?: number;
  /** Since startup: acknowledged batches, and failed attempts. */
  readonly pushes?: { readonly accepted: number; readonly failed: number };
  /** Batches queued in memory. */
  readonly memory: { readonly bodies: number; readonly bytes: number; readonly oldestStampMs?: number };
  /** Limits of the queue, beyond which the oldest batch is dropped; absent if only the newest push is kept. */
  readonly limits?: BacklogLimits;
  /** Time until the oldest batch is dropped, at the rate of the last minutes; absent if no loss is expected. */
  readonly lossInSeconds?: number;
  /** Batches queued on disk; absent without a spool. */
  readonly spool?: {
    readonly bodies: number;
    readonly bytes: number;
    readonly limitBytes: number;
    readonly oldestStampMs?: number;
    /** Why the spool is unavailable; absent when it is available. */
    readonly trouble?: string;
    /** Foreign entries of its folder, which are left untouched. */
    readonly foreign: number;
  };
  /**
   * Families that the receiver rejects and that are omitted from its pushes until `retryMs`; absent when there are
   * none.
   */
  readonly leftOut?: readonly LeftOutView[];
  readonly sentSamples: number;
  /** Dropped samples by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Limits of the queue for a receiver, in memory or, with a spool, on disk. */
interface BacklogLimits {
  readonly bytes: number;
  /** Age of the oldest batch, milliseconds; for a spool. */
  readonly ageMs?: number;
  /** Batches per group; for memory. */
  readonly cycles?: number;
}

/** A family of a group that a receiver rejects. */
export interface LeftOutView {
  readonly group: string;
  readonly family: string;
  readonly sinceMs: number;
  /** When it is retried. */
  readonly retryMs: number;
  /** The receiver's message. */
  readonly reason: string;
}

/** The last hour of this process, one point per minute; the arrays have equal lengths, oldest first. */
export interface HistoryView {
  /** Start of the minute, milliseconds since 1970. A minute without a cycle has no point. */
  readonly atMs: readonly number[];
  /** CPU time of the agent per second. */
  readonly cpuSeconds: readonly number[];
  /** Resident memory at the last cycle of the minute. */
  readonly rssBytes: readonly number[];
  /** Bytes queued for all receivers. */
  readonly backlogBytes: readonly number[];
  /** Acknowledged pushes, and failed attempts. */
  readonly accepted: readonly number[];
  readonly failed: readonly number[];
  readonly droppedSamples: readonly number[];
  /** Skipped cycles. */
  readonly skipped: readonly number[];
}
