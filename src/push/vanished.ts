import type { Snapshot } from '../metrics/snapshot.ts';

/** Finds the series that were there in the last cycle and are not in this one. */
export class VanishedSeries {
  #before: ReadonlySet<string> = new Set();
  #lists: readonly (readonly string[])[] = [];

  /**
   * Series keys (`name{labels}`) that are gone. Of a group in which a collector failed nothing is known to be gone: what
   * it brought before is expected back.
   */
  update(snapshots: readonly Snapshot[], isWhole: boolean): string[] {
    const lists = snapshots.map(({ keys }) => keys);
    // Snapshots with the same series have the same list.
    if (lists.length === this.#lists.length && lists.every((keys, index) => keys === this.#lists[index])) return [];
    this.#lists = lists;
    const now = new Set<string>();
    for (const { keys } of snapshots) for (const key of keys) now.add(key);
    const gone: string[] = [];
    for (const key of this.#before) {
      if (now.has(key)) continue;
      if (isWhole) gone.push(key);
      else now.add(key);
    }
    this.#before = now;
    return gone;
  }
}
