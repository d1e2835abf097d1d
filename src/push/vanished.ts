import type { SeriesView, Snapshot } from '../metrics/snapshot.ts';

/** Finds the series that were there in the last cycle and are not in this one. */
export class VanishedSeries {
  #before: readonly SeriesView[] = [];
  /** Those that are expected back. */
  #missing: ReadonlySet<string> = new Set();

  /**
   * Series keys (`name{labels}`) that are gone. Of a group in which a collector failed nothing is known to be gone: what
   * it brought before is expected back.
   */
  update(snapshots: readonly Snapshot[], isWhole: boolean): string[] {
    const now = snapshots.map(({ series }) => series);
    const before = this.#before;
    // Snapshots with the same series have the same list.
    const isSame = now.length === before.length && now.every((series, index) => series === before[index]);
    if (isSame && this.#missing.size === 0) return [];
    const there = new Set(keysOf(now));
    const gone = new Set<string>();
    for (const key of this.#missing) if (!there.has(key)) gone.add(key);
    for (const key of keysOf(before)) if (!there.has(key)) gone.add(key);
    this.#before = now;
    this.#missing = isWhole ? new Set() : gone;
    return isWhole ? [...gone] : [];
  }
}

function* keysOf(lists: readonly SeriesView[]): Generator<string> {
  for (const series of lists) for (let index = 0; index < series.owners.length; index++) yield series.key(index);
}
