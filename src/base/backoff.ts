/** The first pause and the longest, milliseconds. */
export interface Pauses {
  readonly firstMs: number;
  readonly longestMs: number;
}

const PAUSES: Pauses = { firstMs: 1000, longestMs: 60_000 };

/** Length of a pause that only an operator can end; then one batch is tried again. */
export const PAUSE_MS = 60_000;

/** The pause before attempt `attempt` + 1 in milliseconds, which doubles up to the longest. */
export const doubledMs = (attempt: number, { firstMs, longestMs }: Pauses): number =>
  Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 16));

/**
 * Milliseconds to wait before attempt `attempt` + 1: doubling from 1 s to 60 s, or within `pauses`, and
 * randomized between half and all of that, so that agents that failed together don't return together. `random` is in [0, 1).
 */
export const backoffMs = (attempt: number, random: () => number, pauses = PAUSES): number =>
  Math.round(doubledMs(attempt, pauses) * (0.5 + random() / 2));

/**
 * Milliseconds requested by a Retry-After header, as seconds or as date; undefined when it is absent or malformed.
 * Never more than five minutes.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), 300_000);
}
