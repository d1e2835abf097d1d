import type { Producer } from '../metrics/scope.ts';
import type { PodNames } from '../pods/pod-names.ts';
import type { World } from './collector.ts';
import { containerProducers } from './container/index.ts';
import type { NameSource } from './container/naming.ts';
import { nodeProducers } from './node/index.ts';
import { processProducers } from './process/index.ts';
import type { CollectorsConfig } from './sections.ts';

/** The groups of collectors that read this host in every cycle. */
export type HostGroup = 'node' | 'container' | 'process';

type Make = (world: World, config: CollectorsConfig, pods?: NameSource, names?: PodNames) => Producer[];

/** The producers of each group, as configured. `pods` knows the pods of this node, `names` is the same by container. */
export const HOST_GROUPS: Readonly<Record<HostGroup, Make>> = {
  node: (world, { node }) => nodeProducers(world, node),
  container: (world, { container }, pods) => containerProducers(world, container, pods),
  process: (world, { process }, _, names) => processProducers(world, process, names),
};
