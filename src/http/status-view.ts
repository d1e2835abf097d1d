import type { CollectorView } from './collector-view.ts';
import type { ControlView, ReloadView } from './control-view.ts';
import type { ExporterView, HistoryView } from './delivery-view.ts';
import type { BudgetView, FamilyView } from './explorer-view.ts';
import type { LogLaneView, ScrapeView, TaskView } from './source-view.ts';

export type { ResourceStatus } from '../metrics/outcome.ts';
export type * from './collector-view.ts';
export type * from './control-view.ts';
export type * from './delivery-view.ts';
export type * from './explorer-view.ts';
export type * from './source-view.ts';

/*
 * The JSON data of the API. All times `…Ms` are milliseconds since 1970 by the agent's clock; compare them with `nowMs`
 * of the same response, never with the reader's clock. Fields that do not apply are absent, never null.
 */

/** `GET /v1/status`, and the data of each event `status` of `GET /v1/events`. */
export interface StatusView {
  readonly nowMs: number;
  readonly agent: AgentView;
  readonly cycle: CycleView;
  /** By group and name. */
  readonly collectors: readonly CollectorView[];
  readonly exporters: readonly ExporterView[];
  /** Only on agents that follow the state of the cluster. */
  readonly election?: ElectionView;
  /** Only on agents that request the names of pods. */
  readonly identity?: IdentityView;
  /** Only on agents that scrape targets. */
  readonly scrape?: ScrapeView;
  /** One for each source and receiver of log entries; only on agents that ship log entries. */
  readonly logs?: readonly LogLaneView[];
  /** One for each group that was pushed. */
  readonly budgets: readonly BudgetView[];
  /** The families with the most series, in descending order; at most 20. */
  readonly topFamilies: readonly FamilyView[];
  readonly control: ControlView;
  readonly history: HistoryView;
  /** By id; absent if there has never been a task. */
  readonly tasks?: readonly TaskView[];
  /** The last change of the configuration while running; absent before the first. */
  readonly reload?: ReloadView & { readonly atMs: number };
  /** The active configuration, including defaults; secrets are only referenced as files. */
  readonly config: unknown;
}

/** The agent as a process. */
interface AgentView {
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
interface CycleView {
  readonly intervalSeconds: number;
  /** Cycles since the start. */
  readonly count: number;
  /** Start of the last collection; absent before the first has ended, as are the next two. */
  readonly lastMs?: number;
  readonly durationSeconds?: number;
  /** Samples handed to exporters. */
  readonly samples?: number;
  /** Ticks skipped since the start. */
  readonly skipped: number;
  readonly nextMs: number;
}

/** The election of the state agent that pushes. */
interface ElectionView {
  /** `namespace/name`; empty without an election. */
  readonly lease: string;
  readonly master: boolean;
  /** Empty if there is no holder, or if it is unknown. */
  readonly holder: string;
  readonly transitions: number;
  /** Whether this agent leads although the Lease cannot be renewed. */
  readonly withoutLease: boolean;
  /** Why the Lease could not be read or written the last time. */
  readonly failure?: string;
}

/** The source of the names of pods. */
interface IdentityView {
  readonly source: string;
  /** Since its last successful response, or since the start if there was none. */
  readonly ageSeconds: number;
  readonly pods: number;
  /** Why it does not respond. */
  readonly failure?: string;
}

/** The body of every 4xx and 5xx response of /v1. */
export interface ErrorView {
  readonly error: string;
}

/** `GET /v1/collectors`. */
export interface CollectorList {
  readonly nowMs: number;
  readonly collectors: readonly CollectorView[];
}

/** `GET /v1/log`: the last warnings and errors of the log, at most 100, oldest first. */
export interface TroubleList {
  readonly nowMs: number;
  readonly lines: readonly TroubleView[];
}

/** A line of the log, with its further fields. */
export interface TroubleView {
  readonly level: string;
  /** RFC 3339. */
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}
