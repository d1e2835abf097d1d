/**
 * Reason for a full list. `start`: the first list. `expired`: the API server no longer has the version to resume from
 * (410). `reordered`: versions went backwards (a restored server, an out-of-order stream). `undecodable`: an event
 * could not be decoded even when requested again. `refused`: resuming was refused with a 4xx.
 */
export const LIST_REASONS = ['start', 'expired', 'reordered', 'undecodable', 'refused'] as const;
export type ListReason = (typeof LIST_REASONS)[number];

/** Counters of a reflector, for the self metrics. Read-only outside of it. */
export class ReflectorStats {
  /** Completed and failed lists. */
  readonly lists = { success: 0, error: 0 };
  /** Lists begun, by reason; the first counts as `start`. */
  readonly listReasons: Record<ListReason, number> = {
    start: 0,
    expired: 0,
    reordered: 0,
    undecodable: 0,
    refused: 0,
  };
  /** Watches opened, and those that were refused or broke. */
  readonly watches = { success: 0, error: 0 };
  /** Events that changed something, were duplicates, or could not be decoded. */
  readonly events = { applied: 0, duplicate: 0, malformed: 0 };
  /** Exceptions thrown by the handler. */
  handlerErrors = 0;
  /** When the last object of a list was received, milliseconds since 1970; undefined before the first. */
  lastListedMs: number | undefined;
  /** When the last event or bookmark was received, milliseconds since 1970; undefined before the first. */
  lastEventMs: number | undefined;
  /** Number of objects currently known. */
  objects = 0;
}
