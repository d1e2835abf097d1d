/** Range around the current time in which a sample's own timestamp is accepted. */
const OLDEST_MS = 5 * 60_000;
const NEWEST_MS = 60_000;

const isNear = (stampMs: number, nowMs: number): boolean =>
  stampMs >= nowMs - OLDEST_MS && stampMs <= nowMs + NEWEST_MS;

/** A sample with its own timestamp, in milliseconds since 1970. */
interface Stamped {
  readonly stampMs: number;
  readonly value: number;
}

/**
 * Decides which timestamps of one program's samples can be pushed. Prometheus rejects a whole request, with the series of
 * all programs, if a sample is older than the last one of its series, or has another value for the same time.
 */
export class OwnStamps {
  /** By series key. Those that are too old to matter are removed, so it holds the series of a few minutes. */
  readonly #last = new Map<string, Stamped>();

  /** Forgets what no longer matters at `nowMs`, also what is too far ahead after the clock was set back. */
  begin(nowMs: number): void {
    for (const [key, { stampMs }] of this.#last) if (!isNear(stampMs, nowMs)) this.#last.delete(key);
  }

  /** Why a sample cannot be pushed; undefined if it can, and is therefore the last one of its series. */
  problem(key: string, sample: Stamped, nowMs: number): string | undefined {
    const { stampMs, value } = sample;
    if (!isNear(stampMs, nowMs)) return 'has a time too far from now';
    const last = this.#last.get(key);
    if (last !== undefined && stampMs < last.stampMs) return 'has an earlier time than before';
    if (last?.stampMs === stampMs && !Object.is(value, last.value)) return 'has another value for the same time';
    this.#last.set(key, sample);
    return undefined;
  }
}
