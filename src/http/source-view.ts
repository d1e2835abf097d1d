// API data about tasks, scraped targets and sources of log entries; see status-view.ts.

/** A task in the API. */
export interface TaskView {
  readonly id: string;
  readonly type: string;
  readonly group: string;
  readonly source: string;
  readonly state: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  /** When it runs next, milliseconds since 1970. */
  readonly nextMs?: number;
  readonly lastRunMs?: number;
  readonly result?: string;
  readonly durationSeconds?: number;
  readonly series: number;
  readonly error?: string;
  /** Why it is disabled. */
  readonly reason?: string;
  readonly runs: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, number>>;
}

/** The scraped targets. */
export interface ScrapeView {
  /** Targets that are down first; at most 500. */
  readonly targets: readonly TargetView[];
  /** Totals of all targets. */
  readonly up: number;
  readonly down: number;
  readonly waiting: number;
  /** Found, but not scraped, because there are too many (`scrape.limits.targets`). */
  readonly leftOut: number;
  /** Dropped by `relabel` rules. */
  readonly dropped: number;
}

/** One target. */
export interface TargetView {
  /** The part of the configuration that found it. */
  readonly source: string;
  readonly url: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'up' | 'down' | 'waiting';
  /** When the last scrape began; absent before the first. */
  readonly lastMs?: number;
  readonly nextMs?: number;
  readonly durationSeconds?: number;
  /** Samples of the last page, those remaining after relabeling, and its bytes. */
  readonly scraped: number;
  readonly kept: number;
  readonly bytes: number;
  /** Why it is down, or a problem of its page. */
  readonly error?: string;
  /** Since the target was found. */
  readonly scrapes: number;
  readonly failures: number;
  readonly skipped: number;
}

/** The lane of one source of log entries to one receiver. */
export interface LogLaneView {
  readonly source: string;
  readonly exporter: string;
  /** Acknowledged since the start of the agent. */
  readonly acked: number;
  /** Read and not yet acknowledged. */
  readonly inFlight: number;
  /** Age of the oldest entry that is not acknowledged; 0 when none is. */
  readonly lagSeconds: number;
  /** Entries that are not acknowledged; absent if the source cannot know. */
  readonly lagEntries?: number;
  /** Entries rejected by the receiver, by reason, since the start of the agent. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Entries lost before they were read, by reason. */
  readonly lost: Readonly<Record<string, number>>;
  /** Bytes of entries lost before they were read, by reason. */
  readonly lostBytes: Readonly<Record<string, number>>;
  readonly lastAckMs?: number;
  /** Whether the source can't be read now. */
  readonly failing: boolean;
  /** The last failure of the source. Failures of the receiver are reported by the exporter. */
  readonly lastError?: { readonly atMs: number; readonly text: string };
}
