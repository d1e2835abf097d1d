import type { Group } from '../group.ts';
import { Relabeling, type RelabelSettings } from './relabeling.ts';

/** The same rules for the series of any group, each of which has its own labels; undefined without rules. */
export function relabelingsFor(
  rules: RelabelSettings['rules'],
  labelsOf: (group: Group) => RelabelSettings['labels'],
): ((group: Group) => Relabeling) | undefined {
  if (rules.length === 0) return undefined;
  const made = new Map<Group, Relabeling>();
  return (group) => {
    const known =
      made.get(group) ?? new Relabeling({ rules, metricAllowlist: [], metricDenylist: [], labels: labelsOf(group) });
    made.set(group, known);
    return known;
  };
}
