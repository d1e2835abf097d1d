import type { MetricType } from '../metrics/family.ts';
import type { Outcome, ResourceStatus } from '../metrics/outcome.ts';

export type { ResourceStatus } from '../metrics/outcome.ts';

/*
 * What the API serves, as JSON. All times `…Ms` are milliseconds since 1970 by the agent's clock; compare them with
 * `nowMs` of the same answer, never with the reader's clock. Fields that do not apply are absent, never null.
 */

/** `GET /v1/status`, and the data of each event `status` of `GET /v1/events`. */
export interface StatusView {
  readonly nowMs: number;
  readonly agent: AgentView;
  readonly cycle: CycleView;
  /** By group and name. */
  readonly collectors: readonly CollectorView[];
  readonly exporters: readonly ExporterView[];
  /** Only of agents that follow the state of the cluster. */
  readonly election?: ElectionView;
  /** Only of agents that ask for the names of pods. */
  readonly identity?: IdentityView;
  /** Only of agents that scrape targets. */
  readonly scrape?: ScrapeView;
  /** One for each source and receiver of log entries; only of agents that ship some. */
  readonly logs?: readonly LogLaneView[];
  /** One for each group that was pushed. */
  readonly budgets: readonly BudgetView[];
  /** The families with the most series, most first; 20 at most. */
  readonly topFamilies: readonly FamilyView[];
  readonly control: ControlView;
  /** By id; absent when there never was a task. */
  readonly tasks?: readonly TaskView[];
  /** The last change of the configuration while running; absent before the first. */
  readonly reload?: ReloadView & { readonly atMs: number };
  /** The configuration in force, with its defaults; secrets are only named by their files. */
  readonly config: unknown;
}

/** The agent as a process. */
export interface AgentView {
  readonly version: string;
  /** Version of Node.js. */
  readonly runtime: string;
  readonly node: string;
  readonly cluster?: string;
  readonly startedMs: number;
  readonly rssBytes: number;
  /** Longest block of the event loop in the last cycle. */
  readonly eventLoopLagSeconds: number;
  readonly log: { readonly level: string; readonly untilMs?: number };
  /** The labels that a push adds to all series of a group: job, instance and more. */
  readonly targets: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The push cycle. */
export interface CycleView {
  readonly intervalSeconds: number;
  /** Cycles since the start. */
  readonly count: number;
  /** When the collection of the last one began; absent before the first has ended, as are the next two. */
  readonly lastMs?: number;
  readonly durationSeconds?: number;
  /** Samples that were handed to exporters. */
  readonly samples?: number;
  /** Ticks that were not run since the start. */
  readonly skipped: number;
  readonly nextMs: number;
}

/** `waiting` before the first run. */
export type CollectorState = Outcome | 'waiting';

/** One collector; an element of `GET /v1/collectors` too. */
export interface CollectorView {
  /** `group.name`, as in the path of `POST /v1/collectors/{id}/…`. */
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly state: CollectorState;
  readonly lastRunMs?: number;
  /** The last 60 runs, oldest first. */
  readonly durationsSeconds: readonly number[];
  readonly series: number;
  /** Why there is no data, or what failed. */
  readonly reason?: string;
  /** Devices, files and families that the last run could not read. */
  readonly lostUnits: number;
  /** What happened to the first five of them. */
  readonly errors: readonly string[];
  /** What the agent has no right to see; that is no fault. */
  readonly withheld?: readonly string[];
  readonly disabled?: DisabledView;
  /** The resources that it follows, in the order of the configuration; only of a collector that follows some. */
  readonly resources?: readonly ResourceStatus[];
}

/** A collector that an operator has switched off for some time. */
export interface DisabledView {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly reason: string;
  /** Whether it outlasts a restart of the agent. */
  readonly persisted: boolean;
}

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
  /** What waits in memory. */
  readonly memory: { readonly bodies: number; readonly bytes: number; readonly oldestStampMs?: number };
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

/** A family that a receiver does not take from a group. */
export interface LeftOutView {
  readonly group: string;
  readonly family: string;
  readonly sinceMs: number;
  /** When it is tried again. */
  readonly retryMs: number;
  /** What the receiver said. */
  readonly reason: string;
}

/** Who of several state agents pushes. */
export interface ElectionView {
  /** `namespace/name`; empty where there is no election. */
  readonly lease: string;
  readonly master: boolean;
  /** Empty when there is no holder, and while it is not known. */
  readonly holder: string;
  readonly transitions: number;
}

/** Where the names of pods come from. */
export interface IdentityView {
  readonly source: string;
  /** Since its last good answer; since the start when there was none. */
  readonly ageSeconds: number;
  readonly pods: number;
  /** Why it does not answer. */
  readonly failure?: string;
}

/** The series of a group and how many it may have. */
export interface BudgetView {
  readonly group: string;
  /** Absent when there is no limit. */
  readonly limit?: number;
  readonly series: number;
  /** Families that the last cycle left out, and their series. */
  readonly dropped: readonly { readonly family: string; readonly series: number }[];
}

/** A family of the last cycle. */
export interface FamilyView {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly groups: readonly string[];
  readonly series: number;
}

/** What may be changed from outside. */
export interface ControlView {
  /** False: all POST routes answer 403, since there is no `http.controlTokenFile`. */
  readonly enabled: boolean;
  readonly reload: boolean;
}

/** `GET /v1/collectors`. */
export interface CollectorList {
  readonly nowMs: number;
  readonly collectors: readonly CollectorView[];
}

/** A part of a list; `total` counts what matches. */
export interface Page {
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
}

/**
 * `GET /v1/metrics?match=…&offset=0&limit=50`: families by name. `match` is text without case; of several words all
 * must be part of the name. `limit` is 500 at most.
 */
export interface FamilyPage extends Page {
  /** When the collection began that is shown; absent before the first. */
  readonly stampMs?: number;
  readonly families: readonly FamilyView[];
}

/**
 * `GET /v1/metrics?name=F&label=k=v&label=…&text=…&offset=0&limit=50`: the series of one family in the order of
 * collection, with the values of the last cycle. `label` is exact (`k=`: without that label), `text` is part of the
 * labels' text, without case. 404 without that family.
 */
export interface SeriesPage extends Page {
  readonly stampMs?: number;
  readonly family: FamilyView;
  readonly series: readonly SeriesView[];
}

/** One series with its current value. */
export interface SeriesView {
  readonly group: string;
  /** The family's, or with `_bucket`, `_sum`, `_count` behind it. */
  readonly name: string;
  /** Without those of the group's target. */
  readonly labels: Readonly<Record<string, string>>;
  /** Text, since JSON has no NaN and no infinity: `1.5`, `NaN`, `+Inf`, `-Inf`. */
  readonly value: string;
  /** `name{label="value"}`, which is PromQL too. */
  readonly selector: string;
}

/** Body of `POST /v1/collectors/{id}/disable`. */
export interface DisableRequest {
  /** A duration such as `30m`; 24 h at most. */
  readonly ttl: string;
  /** For whoever misses the series; 1 to 200 characters. */
  readonly reason: string;
}

/**
 * Answer of `POST /v1/collectors/{id}/run`, `…/disable` and `…/enable`. 404 for an unknown collector, 409 for a run of
 * one that still runs.
 */
export interface CollectorAnswer {
  readonly nowMs: number;
  readonly collector: CollectorView;
  /** What the run just now gave, also of a disabled collector; it is not pushed. Only in the answer of `…/run`. */
  readonly run?: RunView;
}

/** How one run of a collector went. */
export interface RunView {
  readonly state: Outcome;
  readonly durationSeconds: number;
  readonly series: number;
  readonly reason?: string;
  readonly lostUnits: number;
  /** What happened to the first five lost units. */
  readonly errors: readonly string[];
  readonly withheld?: readonly string[];
}

/** Answer of `POST /v1/reload`: 200 when applied, 409 when refused; then the earlier configuration stays in force. */
export interface ReloadView {
  /** What has changed, in words; empty when nothing had. */
  readonly applied: readonly string[];
  /** The problems of the new configuration, a line each. */
  readonly refused?: readonly string[];
}

/** Body of `POST /v1/log-level`; without `ttl` until the end of the process. */
export interface LogLevelRequest {
  readonly level: string;
  readonly ttl?: string;
}

/** Answer of `POST /v1/log-level`. */
export interface LogLevelView {
  readonly level: string;
  readonly untilMs?: number;
}

/** The body of every 4xx and 5xx answer of /v1. */
export interface ErrorView {
  readonly error: string;
}

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
  readonly lastAckMs?: number;
  /** Whether the source can't be read now. */
  readonly failing: boolean;
  /** The last failure of the source. Those of the receiver are at the exporter. */
  readonly lastError?: { readonly atMs: number; readonly text: string };
}
