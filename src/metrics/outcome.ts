/** Thrown by a collector when this host has no data for it (no such hardware, file or kernel feature). */
export class NoData extends Error {
  override readonly name = 'NoData';
}

/**
 * How a collection ended: `ok`; `nodata`, this host has no data for it; `partial`, some units are lost; `fault`, the
 * collector as a whole failed or timed out; `disabled`, an operator has temporarily disabled it.
 */
export type Outcome = 'ok' | 'nodata' | 'partial' | 'fault' | 'disabled';

/**
 * The watch state of a resource of the API: `followed`; `listing`, the first list is not complete; `not-served`, this
 * API server does not have the resource; `down`, it cannot be listed or watched.
 */
type ResourceState = 'followed' | 'listing' | 'not-served' | 'down';

/** One resource of the API, as watched by a collector. */
export interface ResourceStatus {
  readonly resource: string;
  readonly state: ResourceState;
  /** Number of known objects. */
  readonly objects: number;
  /** Time of the last event or bookmark, milliseconds since 1970; absent before the first. */
  readonly lastEventMs?: number;
  /** Why it is not being watched. */
  readonly error?: string;
  /** Time of the next attempt. */
  readonly nextTryMs?: number;
}

/** The report on one collector in one cycle. */
export interface CollectorResult {
  readonly group: string;
  readonly collector: string;
  readonly outcome: Outcome;
  /** Why there is no data, or why it was disabled; for a fault, its message. */
  readonly reason?: string;
  /** One for each lost unit, or the fault itself. */
  readonly errors: readonly Error[];
  /**
   * What it cannot read due to missing permissions, as listed in docs/security.md. Not a fault, and the same in each
   * cycle.
   */
  readonly withheld: readonly string[];
  readonly durationSeconds: number;
  readonly samples: number;
  /**
   * Series with a label that the push sets itself and that was therefore renamed to `exported_…`; absent when there are
   * none.
   */
  readonly renamed?: number;
  /** Series that exceed the label limits of the receivers; absent when there are none. */
  readonly overLimit?: number;
  /** True when it completed and found nothing, which its record declares as legitimate. The outcome is `nodata`. */
  readonly isEmpty?: boolean;
}
