// What the API serves about receivers and the last hour; see status-view.ts.

/** One receiver. */
export interface ExporterView {
  readonly name: string;
  readonly type: string;
  readonly url: string;
  readonly groups: readonly string[];
  /** `ok`: the last try was taken; `retrying`: waits out a failure; `paused`: a person has to act; `idle`: no try yet. */
  readonly state: 'ok' | 'retrying' | 'paused' | 'idle';
  readonly lastSuccessMs?: number;
  /** Status code of the last answer; `error` without one. */
  readonly lastCode?: number | 'error';
  readonly lastFailure?: { readonly atMs: number; readonly text: string };
  /** How long the last try took. */
  readonly latencyMs?: number;
  /** When the next try is; absent while the receiver accepts pushes, and during a try. */
  readonly nextTryMs?: number;
  /** Pushes since the start: batches that were acknowledged, and tries that were not. */
  readonly pushes?: { readonly accepted: number; readonly failed: number };
  /** What waits in memory. */
  readonly memory: { readonly bodies: number; readonly bytes: number; readonly oldestStampMs?: number };
  /** What may wait before the oldest batch is dropped; absent where only the newest push counts. */
  readonly limits?: BacklogLimits;
  /** At the rate of the last minutes the oldest batch is dropped after so long; absent when nothing is about to be lost. */
  readonly lossInSeconds?: number;
  /** What waits on disk; absent without a spool. */
  readonly spool?: {
    readonly bodies: number;
    readonly bytes: number;
    readonly limitBytes: number;
    readonly oldestStampMs?: number;
    /** Why the spool is unavailable; absent when it is available. */
    readonly trouble?: string;
    /** Entries of its folder that are not the agent's and are left alone. */
    readonly foreign: number;
  };
  /** Families that the receiver refuses, and that its pushes go without until `retryMs`; absent when there are none. */
  readonly leftOut?: readonly LeftOutView[];
  readonly sentSamples: number;
  /** Dropped samples by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** What may wait for a receiver, in memory or, with a spool, on disk. */
interface BacklogLimits {
  readonly bytes: number;
  /** Age of the oldest batch, milliseconds; of a spool. */
  readonly ageMs?: number;
  /** Batches of each group; of memory. */
  readonly cycles?: number;
}

/** A family that a receiver does not take from a group. */
interface LeftOutView {
  readonly group: string;
  readonly family: string;
  readonly sinceMs: number;
  /** When it is tried again. */
  readonly retryMs: number;
  /** What the receiver said. */
  readonly reason: string;
}

/** The last hour of this process, a point a minute; the arrays have equal lengths, oldest first. */
export interface HistoryView {
  /** When the minute began, milliseconds since 1970. A minute without a cycle has no point. */
  readonly atMs: readonly number[];
  /** CPU time of the agent per second. */
  readonly cpuSeconds: readonly number[];
  /** Resident memory at the last cycle of the minute. */
  readonly rssBytes: readonly number[];
  /** What waited for all receivers. */
  readonly backlogBytes: readonly number[];
  /** Pushes that were acknowledged, and tries that were not. */
  readonly accepted: readonly number[];
  readonly failed: readonly number[];
  readonly droppedSamples: readonly number[];
  /** Cycles that were not run. */
  readonly skipped: readonly number[];
}
