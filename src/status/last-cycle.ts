import { byName } from '../base/by-name.ts';
import type { FamilyView } from '../http/status-view.ts';
import type { Family } from '../metrics/family.ts';
import type { Prepared } from '../metrics/prepared.ts';
import type { Snapshot } from '../metrics/snapshot.ts';

/** The data of the last cycle, by reference: nothing is copied. */
export interface LastCycle {
  readonly stampMs: number;
  readonly groups: ReadonlyMap<string, readonly Snapshot[]>;
}

interface Counted {
  readonly family: Family;
  readonly groups: Set<string>;
  series: number;
}

/** The families of a cycle and of the prepared parts, by name. */
export function familiesOf({ groups }: LastCycle, prepared: readonly Prepared[]): Map<string, FamilyView> {
  const counted = new Map<string, Counted>();
  const add = (group: string, family: Family, series: number) => {
    const known = counted.get(family.name) ?? { family, groups: new Set(), series: 0 };
    counted.set(family.name, known);
    known.groups.add(group);
    known.series += series;
  };
  for (const [group, snapshots] of groups) {
    for (const { series } of snapshots) countRuns(series.owners, (family, series) => add(group, family, series));
  }
  for (const part of prepared) for (const { family, series } of part.families()) add(part.group, family, series);
  const sorted = [...counted].sort(byName);
  return new Map(sorted.map(([name, counts]) => [name, viewOf(counts)]));
}

/** Series of one family are often adjacent: one lookup per run instead of one per series. */
function countRuns(owners: readonly Family[], add: (family: Family, series: number) => void): void {
  for (let start = 0; start < owners.length; ) {
    const family = owners[start];
    if (family === undefined) return;
    let end = start + 1;
    while (owners[end] === family) end++;
    add(family, end - start);
    start = end;
  }
}

const viewOf = ({ family: { name, type, help }, groups, series }: Counted): FamilyView => ({
  name,
  type,
  help,
  groups: [...groups],
  series,
});
