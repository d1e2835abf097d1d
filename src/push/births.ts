import type { ReadonlySeries, Snapshot } from '../metrics/snapshot.ts';

/** A series that appeared with a count, and the time when it was still 0. */
export interface Birth {
  /** `name{labels}`. */
  readonly key: string;
  readonly stampMs: number;
}

const NONE: readonly Birth[] = [];

/**
 * Finds the counters of one group that this agent itself started ({@link Family.startsAtZero}) and that appear with a
 * value. `rate()` treats the first sample of a series as its start and would lose that count, but a push can send the
 * zero before it.
 */
export class Births {
  readonly #intervalMs: () => number;
  /** When this agent started to push. Before that, an earlier process may have pushed the same series. */
  readonly #startMs: number;
  #known = new Set<string>();
  #lists: readonly ReadonlySeries[] = [];
  #lastMs: number;

  constructor(startMs: number, intervalMs: () => number) {
    this.#startMs = startMs;
    this.#lastMs = startMs;
    this.#intervalMs = intervalMs;
  }

  /**
   * The counters that are new in the cycle of `stampMs`. When a collector of a group failed, its missing series are
   * expected back, and do not count as new then. `isTakenOver` is set in the first cycle after another agent has pushed
   * the group: the zero must not precede the last push of that agent, or its whole count would appear as new.
   */
  update(
    snapshots: readonly Snapshot[],
    stampMs: number,
    isWhole: boolean,
    isTakenOver: boolean = false,
  ): readonly Birth[] {
    const lists = snapshots.map(({ series }) => series);
    const earliestMs = Math.max(stampMs - this.#intervalMs(), this.#lastMs + 1, this.#startMs);
    const zeroMs = isTakenOver ? stampMs - 1 : earliestMs;
    this.#lastMs = stampMs;
    // Snapshots with the same series share their list, so nothing can be new.
    const isSame = lists.length === this.#lists.length && lists.every((list, index) => list === this.#lists[index]);
    if (isSame) return NONE;
    this.#lists = lists;
    const now = new Set<string>();
    const births: Birth[] = [];
    for (const { series, values, continued } of snapshots) {
      if (![...series.families.values()].some(({ startsAtZero }) => startsAtZero)) continue;
      for (const [index, owner] of series.owners.entries()) {
        if (!owner.startsAtZero) continue;
        const key = series.key(index);
        now.add(key);
        const isNew = !this.#known.has(key) && continued?.has(key) !== true && (values[index] ?? 0) > 0;
        if (isNew && zeroMs < stampMs) births.push({ key, stampMs: zeroMs });
      }
    }
    if (!isWhole) for (const key of this.#known) now.add(key);
    this.#known = now;
    return births;
  }
}
