import { hostname } from 'node:os';
import { entriesOf, recordOf } from '../base/records.ts';
import { GROUPS, type Group, isInline } from '../metrics/group.ts';
import type { ExporterSettings } from './exporter-settings.ts';
import type { Pattern } from './re2/pattern.ts';
import type { RelabelRules } from './relabel-schema.ts';
import type { CoreConfig } from './schema.ts';

/** The identity of a group's series at the receivers. */
export interface Target {
  /** Undefined, like the instance, when each line carries its own. */
  readonly job?: string | undefined;
  readonly instance?: string | undefined;
  /** Additional labels on every series: the cluster, the global labels, the group's own. */
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
    const own = Object.entries(config.identity[group].labels).map(([name, value]) => [name, fill(value)]);
    const labels = { ...common, ...Object.fromEntries(own) };
    if (isInline(group)) return { labels };
    const { job, instance } = config.identity[group];
    return { job, instance: fill(instance), labels };
  };
  return recordOf(GROUPS, target);
}

/** How the pushes of a group change labels: the names that they set, and the limits of the receivers. */
export interface PushedGroup {
  readonly names: ReadonlySet<string>;
  /** Undefined when no receiver of the group has limits. */
  readonly limits: CoreConfig['limits'] | undefined;
}

/** The groups that go to a receiver; `limitsLabels` selects the exporters whose receivers have `limits`. */
export function pushedGroups(
  config: Pick<CoreConfig, 'node' | 'cluster' | 'labels' | 'identity' | 'limits' | 'exporters'>,
  limitsLabels: (settings: ExporterSettings) => boolean,
): Partial<Record<Group, PushedGroup>> {
  const receivers = Object.values(config.exporters).filter(({ enabled }) => enabled);
  const pushed: Partial<Record<Group, PushedGroup>> = {};
  for (const [group, { labels }] of entriesOf(targets(config))) {
    const accepting = receivers.filter(({ groups }) => groups?.includes(group));
    if (accepting.length === 0) continue;
    const isLimited = accepting.some(limitsLabels);
    const names = new Set([...(isInline(group) ? [] : ['job', 'instance']), ...Object.keys(labels)]);
    pushed[group] = { names, limits: isLimited ? config.limits : undefined };
  }
  return pushed;
}

/** The processing of a group's series, as data. */
interface GroupRules {
  readonly metricAllowlist: readonly Pattern[];
  readonly metricDenylist: readonly Pattern[];
  readonly rules: RelabelRules;
  /** Labels that the push adds, readable by rules. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The labels that a push puts on each series of `target`, where they replace labels of the same name. */
export const labelsOfTarget = ({ job, instance, labels }: Target): Record<string, string> => ({
  ...(job !== undefined && { job }),
  ...(instance !== undefined && { instance }),
  ...labels,
});

/** The groups whose series are relabeled or dropped before they are pushed. */
export function groupRules(
  config: Pick<CoreConfig, 'node' | 'cluster' | 'labels' | 'identity' | 'relabel' | 'groups'>,
): Partial<Record<Group, GroupRules>> {
  const found: Partial<Record<Group, GroupRules>> = {};
  for (const [group, target] of entriesOf(targets(config))) {
    const { relabel, metricAllowlist, metricDenylist } = config.groups[group];
    const rules = [...relabel, ...config.relabel];
    if (rules.length + metricAllowlist.length + metricDenylist.length === 0) continue;
    found[group] = { rules, metricAllowlist, metricDenylist, labels: labelsOfTarget(target) };
  }
  return found;
}
