// API data about collectors; see status-view.ts.
import type { Outcome, ResourceStatus } from '../metrics/outcome.ts';

/** `waiting` before the first run. */
type CollectorState = Outcome | 'waiting';

/** One collector; also an element of `GET /v1/collectors`. */
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
  /** The errors of the first five of them. */
  readonly errors: readonly string[];
  /** Units that the agent has no permission to read; not a failure. */
  readonly withheld?: readonly string[];
  readonly disabled?: DisabledView;
  /** Families that the series budget dropped from the last push; absent when there are none. */
  readonly leftOut?: readonly { readonly family: string; readonly series: number }[];
  /** The resources that it follows, in the order of the configuration; only for a collector that follows resources. */
  readonly resources?: readonly ResourceStatus[];
}

/** A collector that an operator has temporarily disabled. */
export interface DisabledView {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly reason: string;
  /** Whether it survives a restart of the agent. */
  readonly persisted: boolean;
}
