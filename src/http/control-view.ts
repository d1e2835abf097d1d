// What the API takes and answers where something is changed; see status-view.ts.
import type { Outcome } from '../metrics/outcome.ts';
import type { CollectorView } from './collector-view.ts';

/** What may be changed from outside. */
export interface ControlView {
  /** False: all POST routes answer 403, since there is no `http.controlTokenFile`. */
  readonly enabled: boolean;
  readonly reload: boolean;
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

/** Answer of `POST /v1/log-level`. */
export interface LogLevelView {
  readonly level: string;
  readonly untilMs?: number;
}
