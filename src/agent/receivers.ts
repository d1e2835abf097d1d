import type { StoreOptions } from '../collectors/ksm/index.ts';
import { groupRules, labelsOfTarget, type PushedGroup, pushedGroups, targets } from '../config/identity.ts';
import type { CoreConfig } from '../config/schema.ts';
import { exporterTypeOf } from '../exporters/index.ts';
import type { Group } from '../metrics/group.ts';
import { PushedLabels } from '../metrics/pushed-labels.ts';
import { Relabeling } from '../metrics/relabel/relabeling.ts';
import { relabelingsFor } from '../metrics/relabel/relabelings.ts';

const pushedTo = (config: CoreConfig): Partial<Record<Group, PushedGroup>> =>
  pushedGroups(config, (settings) => exporterTypeOf(settings).traits(settings).limitsLabels);

/** How the pushes of each group change the labels of its series. */
export const pushedLabelsOf = (config: CoreConfig): Record<string, PushedLabels> =>
  Object.fromEntries(Object.entries(pushedTo(config)).map(([group, options]) => [group, new PushedLabels(options)]));

/** The compiled rules for the series of each group; groups without rules are omitted. */
export const relabelingsOf = (config: CoreConfig): Record<string, Relabeling> =>
  Object.fromEntries(Object.entries(groupRules(config)).map(([group, rules]) => [group, new Relabeling(rules)]));

/** By exporter, its own rules for the series of each group; exporters without rules are omitted. */
export function exporterRelabelings(config: CoreConfig): ReadonlyMap<string, (group: Group) => Relabeling> {
  const of = targets(config);
  const found = new Map<string, (group: Group) => Relabeling>();
  for (const [name, { relabel = [] }] of Object.entries(config.exporters)) {
    const relabelingOf = relabelingsFor(relabel, (group) => labelsOfTarget(of[group]));
    if (relabelingOf) found.set(name, relabelingOf);
  }
  return found;
}

/** How the text of the cluster state is stored, so that a push to its receivers needs no compression. */
export function storeOptionsOf(config: CoreConfig): StoreOptions {
  const traits = Object.values(config.exporters)
    .filter(({ enabled, groups }) => enabled && groups?.includes('ksm'))
    .map((settings) => exporterTypeOf(settings).traits(settings));
  return {
    compression: traits.some(({ acceptsZstd }) => acceptsZstd) ? 'zstd' : 'gzip',
    notesEnded: traits.some(({ endsSeries }) => endsSeries),
    pushed: pushedTo(config).ksm,
    relabel: relabelingsOf(config).ksm,
  };
}
