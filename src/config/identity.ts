import { hostname } from 'node:os';
import { GROUPS, type Group } from '../metrics/group.ts';
import type { CoreConfig } from './schema.ts';

/** What names a group's series at the receivers. */
export interface Target {
  readonly job: string;
  readonly instance: string;
  /** Further labels on every series: the cluster, the global labels, the group's own. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Name of this node: as configured, else the host name. */
export const nodeName = (config: Pick<CoreConfig, 'node'>): string => config.node ?? hostname();

/** The target of each group, with placeholders replaced. */
export function targets(config: Pick<CoreConfig, 'node' | 'cluster' | 'labels' | 'identity'>): Record<Group, Target> {
  const fill = (text: string) =>
    text.replaceAll('{node}', nodeName(config)).replaceAll('{cluster}', config.cluster ?? '');
  const common = { ...(config.cluster === undefined ? {} : { cluster: config.cluster }), ...config.labels };
  const target = (group: Group): Target => {
    const { job, instance, labels } = config.identity[group];
    const own = Object.entries(labels).map(([name, value]) => [name, fill(value)]);
    return { job, instance: fill(instance), labels: { ...common, ...Object.fromEntries(own) } };
  };
  return Object.fromEntries(GROUPS.map((group) => [group, target(group)])) as Record<Group, Target>;
}
