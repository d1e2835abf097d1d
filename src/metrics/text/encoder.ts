import type { Family } from '../family.ts';
import type { ReadonlySeries, Snapshot } from '../snapshot.ts';
import { headerText } from './format.ts';
import { Lines } from './lines.ts';

/**
 * Text in object order: first the header lines of all families, each once, then the samples in the order of collection,
 * with their own timestamps, but without those already pushed with one. If `stamped` is false, it has all samples and no
 * timestamps, for a Pushgateway, which rejects them and stores only what the last push contains. Yields UTF-8 chunks of
 * about 112 KiB that end at a line's end; each is overwritten by the next, and the last by another text.
 */
export function* encodeByObject(snapshots: readonly Snapshot[], stamped = true): Generator<Buffer> {
  using lines = new Lines();
  for (const family of familiesOf(snapshots).values()) lines.text(headerText(family));
  for (const { series, values, stamps } of snapshots) {
    const own = stamped ? stamps : undefined;
    for (let index = 0; index < values.length; index++) {
      const stamp = own?.get(index);
      if (stamp === 'pushed') continue;
      addSample(lines, series, values, index, stamp);
      if (lines.isFull) yield lines.take();
    }
  }
  if (!lines.isEmpty) yield lines.take();
}

/**
 * Text regrouped by family, as the format's specification requires for `/metrics`, with families sorted by name. In
 * chunks like those of {@link encodeByObject}, but these are not overwritten. Without job and instance, a series of one
 * group may equal one of another. A scraper would reject both, so only the first is exposed.
 */
export function* encodeByFamily(snapshots: readonly Snapshot[]): Generator<Buffer> {
  const families = familiesOf(snapshots);
  const places = placesOf(snapshots);
  using lines = new Lines();
  for (const name of [...places.keys()].sort()) {
    const family = families.get(name);
    if (family !== undefined) lines.text(headerText(family));
    const found = places.get(name) ?? [];
    const shown = found.length > 1 ? new Set<string>() : undefined;
    for (const { series, values, indices } of found) {
      for (const index of indices) {
        if (shown && shown.size === shown.add(series.key(index)).size) continue;
        addSample(lines, series, values, index);
        if (lines.isFull) yield Buffer.from(lines.take());
      }
    }
  }
  if (!lines.isEmpty) yield Buffer.from(lines.take());
}

function addSample(
  lines: Lines,
  { heads, middles, tails }: ReadonlySeries,
  values: readonly number[],
  index: number,
  stampMs?: number,
): void {
  lines.sample(heads[index] ?? '', middles[index] ?? '', tails[index] ?? '', values[index] ?? Number.NaN, stampMs);
}

/** The positions of a family's samples in a snapshot. */
interface Places {
  readonly series: ReadonlySeries;
  readonly values: readonly number[];
  readonly indices: number[];
}

function placesOf(snapshots: readonly Snapshot[]): Map<string, Places[]> {
  const places = new Map<string, Places[]>();
  for (const { series, values } of snapshots) {
    const own = new Map<string, Places>();
    for (const [index, { name }] of series.owners.entries()) {
      const known = own.get(name) ?? { series, values, indices: [] };
      own.set(name, known);
      known.indices.push(index);
    }
    for (const [name, one] of own) places.set(name, [...(places.get(name) ?? []), one]);
  }
  return places;
}

function familiesOf(snapshots: readonly Snapshot[]): Map<string, Family> {
  const families = new Map<string, Family>();
  for (const snapshot of snapshots) {
    for (const [name, family] of snapshot.families) if (!families.has(name)) families.set(name, family);
  }
  return families;
}
