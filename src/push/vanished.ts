import { zip } from '../base/zip.ts';
import type { ReadonlySeries, Snapshot } from '../metrics/snapshot.ts';

/** Finds the series that were present in the last cycle and are absent in this one. */
export class VanishedSeries {
  #before: readonly Pick<Snapshot, 'series' | 'stamps'>[] = [];
  /** Series that are expected back. */
  #missing: ReadonlySet<string> = new Set();

  /**
   * Series keys (`name{labels}`) that have vanished. When a collector of a group failed, none of its series count as
   * vanished: they are expected back. Neither do those with their own timestamps, as in Prometheus: the next sample may
   * be older than the stale marker, and receivers would reject it or hide it.
   */
  update(snapshots: readonly Snapshot[], isWhole: boolean): string[] {
    const now = snapshots.map(({ series }) => series);
    const last = this.#before;
    const before = last.map(({ series }) => series);
    this.#before = snapshots.map(({ series, stamps }) => ({ series, stamps }));
    const gone = new Set(this.#missing);
    // Snapshots with the same series have the same list.
    const oldLists = before.filter((series) => !now.includes(series));
    const newLists = now.filter((series) => !before.includes(series));
    const ranges = changedRanges(oldLists, newLists);
    for (const key of keysOf(oldLists, ranges)) gone.add(key);
    if (gone.size === 0) return [];
    for (const { series, stamps } of last) for (const index of stamps?.keys() ?? []) gone.delete(series.key(index));
    // A series that has been missing for longer may reappear at any position.
    for (const key of this.#missing.size === 0 ? keysOf(newLists, ranges) : keysOf(now)) gone.delete(key);
    this.#missing = isWhole ? new Set() : gone;
    return isWhole ? [...gone] : [];
  }
}

/** Common series at the start and end of the lists, which need no comparison. */
interface Range {
  readonly head: number;
  readonly tail: number;
}

const EVERYTHING: Range = { head: 0, tail: 0 };

/** The parts that the lists have in common with their successors: a vanished pod is a few series of many. */
const changedRanges = (oldLists: readonly ReadonlySeries[], newLists: readonly ReadonlySeries[]): Range[] =>
  oldLists.length === newLists.length ? [...zip(oldLists, newLists)].map(([old, now]) => common(old, now)) : [];

function common(one: ReadonlySeries, other: ReadonlySeries): Range {
  const [length, otherLength] = [one.owners.length, other.owners.length];
  const most = Math.min(length, otherLength);
  const isSame = (index: number, otherIndex: number) =>
    one.middles[index] === other.middles[otherIndex] &&
    one.heads[index] === other.heads[otherIndex] &&
    one.tails[index] === other.tails[otherIndex];
  let head = 0;
  while (head < most && isSame(head, head)) head++;
  let tail = 0;
  while (tail < most - head && isSame(length - 1 - tail, otherLength - 1 - tail)) tail++;
  return { head, tail };
}

function* keysOf(lists: readonly ReadonlySeries[], ranges: readonly Range[] = []): Generator<string> {
  for (const [position, series] of lists.entries()) {
    const { head, tail } = ranges[position] ?? EVERYTHING;
    for (let index = head; index < series.owners.length - tail; index++) yield series.key(index);
  }
}
