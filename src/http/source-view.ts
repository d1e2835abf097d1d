// What the API serves about tasks, scraped targets and sources of log entries; see status-view.ts.

/** A task as the API shows it. */
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

/** What is scraped. */
export interface ScrapeView {
  /** Those that are down first; 500 at most. */
  readonly targets: readonly TargetView[];
  /** Of all targets. */
  readonly up: number;
  readonly down: number;
  readonly waiting: number;
  /** Found, but not scraped, since there are too many (`scrape.limits.targets`). */
  readonly leftOut: number;
  /** Dropped by `relabel` rules. */
  readonly dropped: number;
}

/** One target. */
export interface TargetView {
  /** Which part of the configuration found it. */
  readonly source: string;
  readonly url: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'up' | 'down' | 'waiting';
  /** When the last scrape began; absent before the first. */
  readonly lastMs?: number;
  readonly nextMs?: number;
  readonly durationSeconds?: number;
  /** Samples of the last page, those that were left under the rules, and its bytes. */
  readonly scraped: number;
  readonly kept: number;
  readonly bytes: number;
  /** Why it is down, or what is odd about its page. */
  readonly error?: string;
  /** Since the target was found. */
  readonly scrapes: number;
  readonly failures: number;
  readonly skipped: number;
}

/** One source of log entries on its way to one receiver. */
export interface LogLaneView {
  readonly source: string;
  readonly exporter: string;
  /** Acknowledged since the start of the agent. */
  readonly acked: number;
  /** Read, and not acknowledged. */
  readonly inFlight: number;
  /** Age of the oldest entry that is not acknowledged; 0 when none is. */
  readonly lagSeconds: number;
  /** Entries that are not acknowledged; absent where the source can’t know. */
  readonly lagEntries?: number;
  /** Entries that the receiver does not take, by reason, since the start of the agent. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Entries lost before they were read, by reason. */
  readonly lost: Readonly<Record<string, number>>;
  /** Bytes of entries lost before they were read, by reason. */
  readonly lostBytes: Readonly<Record<string, number>>;
  readonly lastAckMs?: number;
  /** Whether the source can't be read now. */
  readonly failing: boolean;
  /** The last failure of the source. Those of the receiver are at the exporter. */
  readonly lastError?: { readonly atMs: number; readonly text: string };
}
