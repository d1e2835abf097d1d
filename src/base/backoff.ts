/** The first pause and the longest, milliseconds. */
export interface Pauses {
  readonly firstMs: number;
  readonly longestMs: number;
}

const PAUSES: Pauses = { firstMs: 1000, longestMs: 60_000 };

/** Length of a pause that only an operator can end; then one batch is tried again. */
export const PAUSE_MS = 60_000;

/** The pause before try number `attempt` + 1, which doubles up to the longest: milliseconds. */
export const doubledMs = (attempt: number, { firstMs, longestMs }: Pauses): number =>
  Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 16));

/**
 * Milliseconds to wait before try number `attempt` + 1: 1 s doubling to 60 s, or as `pauses` say, of which a random part
 * between half and all, so that agents that failed together don't return together. `random` gives [0, 1).
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
