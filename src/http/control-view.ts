// API requests and responses for changes; see status-view.ts.
import type { Outcome } from '../metrics/outcome.ts';
import type { CollectorView } from './collector-view.ts';

/** What may be changed from outside. */
export interface ControlView {
  /** False: all POST routes return 403, because `http.controlTokenFile` is not set. */
  readonly enabled: boolean;
  readonly reload: boolean;
}

/**
 * Response of `POST /v1/collectors/{id}/run`, `…/disable` and `…/enable`. 404 for an unknown collector, 409 for a run
 * of one that still runs.
 */
export interface CollectorAnswer {
  readonly nowMs: number;
  readonly collector: CollectorView;
  /** The result of the run, also of a disabled collector; it is not pushed. Only in the response of `…/run`. */
  readonly run?: RunView;
}

/** Result of one run of a collector. */
export interface RunView {
  readonly state: Outcome;
  readonly durationSeconds: number;
  readonly series: number;
  readonly reason?: string;
  readonly lostUnits: number;
  /** The errors of the first five lost units. */
  readonly errors: readonly string[];
  readonly withheld?: readonly string[];
}

/** Response of `POST /v1/reload`: 200 if applied, 409 if refused; then the previous configuration remains active. */
export interface ReloadView {
  /** Description of the changes; empty if there were none. */
  readonly applied: readonly string[];
  /** The problems of the new configuration, one line each. */
  readonly refused?: readonly string[];
}

/** Response of `POST /v1/log-level`. */
export interface LogLevelView {
  readonly level: string;
  readonly untilMs?: number;
}
