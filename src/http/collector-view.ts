// What the API serves about collectors; see status-view.ts.
import type { Outcome, ResourceStatus } from '../metrics/outcome.ts';

/** `waiting` before the first run. */
type CollectorState = Outcome | 'waiting';

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
  /** Families that the series budget left out of the last push; absent without any. */
  readonly leftOut?: readonly { readonly family: string; readonly series: number }[];
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
