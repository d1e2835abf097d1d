import type { Keeping } from '../collectors/ksm/index.ts';
import { type PushedGroup, pushedGroups } from '../config/identity.ts';
import type { CoreConfig } from '../config/schema.ts';
import { exporterTypeOf } from '../exporters/index.ts';
import type { Group } from '../metrics/group.ts';
import { PushedLabels } from '../metrics/pushed-labels.ts';

const pushedTo = (config: CoreConfig): Partial<Record<Group, PushedGroup>> =>
  pushedGroups(config, (settings) => exporterTypeOf(settings).traits(settings).limitsLabels);

/** What the pushes of each group do to the labels of its series. */
export const pushedLabelsOf = (config: CoreConfig): Record<string, PushedLabels> =>
  Object.fromEntries(Object.entries(pushedTo(config)).map(([group, options]) => [group, new PushedLabels(options)]));

/** How the text of the cluster's state is stored, so that a push to its receivers needs no compressing. */
export function stateKeeping(config: CoreConfig): Keeping {
  const traits = Object.values(config.exporters)
    .filter(({ enabled, groups }) => enabled && groups.includes('ksm'))
    .map((settings) => exporterTypeOf(settings).traits(settings));
  return {
    compression: traits.some(({ takesZstd }) => takesZstd) ? 'zstd' : 'gzip',
    notesEnded: traits.some(({ endsSeries }) => endsSeries),
    pushed: pushedTo(config).ksm,
  };
}
