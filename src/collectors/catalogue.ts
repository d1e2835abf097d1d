import type { Producer } from '../metrics/scope.ts';
import type { PodNames } from '../pods/pod-names.ts';
import type { World } from './collector.ts';
import { containerProducers } from './container/index.ts';
import type { NameSource } from './container/naming.ts';
import type { PodSource } from './log/container-logs.ts';
import { wantsLog } from './log/section.ts';
import type { TrapTaker } from './log/snmp/snmp.ts';
import type { LogState } from './log/state.ts';
import { nodeProducers } from './node/index.ts';
import { processProducers } from './process/index.ts';
import type { CollectorsConfig } from './sections.ts';

/** The source of the pods of this node, including their annotations. */
type NodePods = NameSource & { readonly answered: ReturnType<PodSource> };

type Make = (world: World, config: CollectorsConfig, pods?: NameSource) => Producer[];

/**
 * The producers of the sections that read this host, as configured; the cluster state has its own source. `pods` knows
 * the pods of this node.
 */
export const PRODUCERS: Readonly<Record<'node' | 'container' | 'process', Make>> = {
  node: (world, { node }) => nodeProducers(world, node),
  container: (world, { container }, pods) => containerProducers(world, container, pods),
  process: (world, { process }, pods) => processProducers(world, process, pods && podNames(pods)),
};

/** The producers of all these sections. */
export const createProducers: Make = (world, config, pods) =>
  Object.values(PRODUCERS).flatMap((make) => make(world, config, pods));

/** The state of the collectors of the group `log`. Loads their code. */
export async function openLogState(spoolPath: string | undefined): Promise<LogState> {
  const { createLogState } = await import('./log/index.ts');
  return createLogState(spoolPath);
}

/** The producers of the group `log`; none, and no code loaded, when all of them are disabled. */
export async function createLogProducers(
  world: World,
  config: CollectorsConfig,
  state: LogState,
  pods?: NodePods,
  onTrap?: TrapTaker,
): Promise<Producer[]> {
  if (!wantsLog(config)) return [];
  const { logProducers } = await import('./log/index.ts');
  const names = pods && { ...podNames(pods), known: () => pods.answered };
  return logProducers(world, config, state, names, onTrap);
}

/** The names of the pods of this node, in the form used to label processes. */
export const podNames = (pods: NameSource): PodNames => ({
  lookup(containerId, podUid) {
    const found = pods.find(containerId, podUid);
    return found && { namespace: found.pod.namespace, pod: found.pod.name, container: found.container?.name ?? '' };
  },
});
