import { parseText } from '../../metrics/text/parse.ts';

/** A group of a Pushgateway, by its grouping key. */
export interface GatewayGroup {
  readonly labels: Readonly<Record<string, string>>;
  /** When it was last pushed to, milliseconds since 1970. */
  readonly pushedMs: number;
}

/** What is ours among the groups. */
export interface ClusterGroups {
  /** The jobs of the groups that node agents push. */
  readonly jobs: ReadonlySet<string>;
  readonly cluster: string | undefined;
  /** Nodes of the cluster now. */
  readonly nodes: ReadonlySet<string>;
  /** All nodes that have been seen since the start. */
  readonly known: ReadonlySet<string>;
  /** How long a group must not have been pushed to, milliseconds. */
  readonly graceMs: number;
  readonly nowMs: number;
}

const PUSH_TIME = 'push_time_seconds';

/** The group that a line of a Pushgateway's /metrics tells of; undefined for every other line. */
export function groupOf(line: string): GatewayGroup | undefined {
  if (!line.startsWith(`${PUSH_TIME}{`)) return undefined;
  const [sample] = parseText(`${line}\n`);
  if (sample?.kind !== 'sample') return undefined;
  return { labels: Object.fromEntries(sample.labels), pushedMs: sample.value * 1000 };
}

/**
 * Whether a group is left over from a node that is gone. A gateway may be shared: a group counts as ours only with our
 * job and, where the cluster has a name, with that name; without a name, only if its node was once seen here.
 */
export function isLeftOver({ labels, pushedMs }: GatewayGroup, ours: ClusterGroups): boolean {
  const { job = '', instance = '', cluster } = labels;
  const { jobs, nodes, known, graceMs, nowMs } = ours;
  if (!jobs.has(job) || instance === '' || nodes.has(instance)) return false;
  const isOurs = ours.cluster === undefined ? known.has(instance) : cluster === ours.cluster;
  return isOurs && nowMs - pushedMs > graceMs;
}
