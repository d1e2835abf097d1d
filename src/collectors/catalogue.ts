import type { Producer } from '../metrics/scope.ts';
import type { PodNames } from '../pods/pod-names.ts';
import type { World } from './collector.ts';
import type { NameSource } from './container/naming.ts';
import type { HostGroup } from './host-groups.ts';
import type { PodSource } from './log/container-logs.ts';
import { wantsLog } from './log/section.ts';
import type { TrapTaker } from './log/snmp/snmp.ts';
import type { LogState } from './log/state.ts';
import type { CollectorsConfig } from './sections.ts';

/** The source of the pods of this node, including their annotations. */
type PodsOfNode = NameSource & { readonly answered: ReturnType<PodSource> };

/**
 * The producers of a group that reads this host, as configured; none, and no code loaded, when it is disabled. `pods` knows
 * the pods of this node.
 */
export async function createHostProducers(
  group: HostGroup,
  world: World,
  config: CollectorsConfig,
  pods?: NameSource,
): Promise<Producer[]> {
  if (!config[group].enabled) return [];
  const { HOST_GROUPS } = await import('./host-groups.ts');
  return HOST_GROUPS[group](world, config, pods, pods && podNames(pods));
}

/** The groups that read this host, in the order of their collection; the cluster state has its own source. */
export const HOST_GROUP_NAMES: readonly HostGroup[] = ['node', 'container', 'process'];

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
  pods?: PodsOfNode,
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
