/**
 * Why everything was listed: `start`; `expired`, the API server no longer knows the version to resume from (410);
 * `reordered`, versions went back (a restored server, a disordered stream); `undecodable`, an event could not be read
 * even when asked for again; `refused`, resuming was answered with a 4xx.
 */
export const LIST_REASONS = ['start', 'expired', 'reordered', 'undecodable', 'refused'] as const;
export type ListReason = (typeof LIST_REASONS)[number];

/** What a reflector counts, for the self metrics. Read-only outside of it. */
export class ReflectorStats {
  /** Complete lists and failed ones. */
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
  /** Events that changed something, came twice, or could not be read. */
  readonly events = { applied: 0, duplicate: 0, malformed: 0 };
  /** Throws of the handler. */
  handlerErrors = 0;
  /** When the last object of a list came, milliseconds since 1970; undefined before the first. */
  lastListedMs: number | undefined;
  /** When the last event or bookmark came, milliseconds since 1970; undefined before the first. */
  lastEventMs: number | undefined;
  /** Objects known now. */
  objects = 0;
}
