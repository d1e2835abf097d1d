/** Thrown by a collector when this host has nothing for it to see (no such hardware, file or kernel feature). */
export class NoData extends Error {
  override readonly name = 'NoData';
}

/**
 * How a collection ended: `ok`; `nodata`, when there is nothing to see here; `partial`, when some units are lost;
 * `fault`, when the collector as a whole failed or was late; `disabled`, when an operator has switched it off for now.
 */
export type Outcome = 'ok' | 'nodata' | 'partial' | 'fault' | 'disabled';

/**
 * How a resource of the API is followed: `followed`; `listing`, the first list is not complete; `not-served`, this API
 * server does not have it; `down`, it cannot be listed or watched.
 */
export type ResourceState = 'followed' | 'listing' | 'not-served' | 'down';

/** One resource of the API, as a collector follows it. */
export interface ResourceStatus {
  readonly resource: string;
  readonly state: ResourceState;
  /** Objects known. */
  readonly objects: number;
  /** When the last event or bookmark came, milliseconds since 1970; absent before the first. */
  readonly lastEventMs?: number;
  /** Why it is not followed. */
  readonly error?: string;
  /** When it is tried again. */
  readonly nextTryMs?: number;
}

/** The report on one collector in one cycle. */
export interface CollectorResult {
  readonly group: string;
  readonly collector: string;
  readonly outcome: Outcome;
  /** Why there is no data, or why it was switched off; the fault's message. */
  readonly reason?: string;
  /** One for each lost unit, or the fault itself. */
  readonly errors: readonly Error[];
  /** What it does not see for want of rights, as docs/security.md has it: no fault, and the same in each cycle. */
  readonly withheld: readonly string[];
  readonly durationSeconds: number;
  readonly samples: number;
  /** Series with a label that the push sets itself, and that therefore became `exported_…`; absent when there are none. */
  readonly renamed?: number;
  /** Series that are larger than the receivers take; absent when there are none. */
  readonly overLimit?: number;
  /** True when it ran through and found nothing, which its record declares as legitimate; the outcome is `nodata`. */
  readonly isEmpty?: boolean;
}
