import { parseText } from '../../metrics/text/parse.ts';

/** A gateway group, by its grouping key. */
export interface GatewayGroup {
  readonly labels: Readonly<Record<string, string>>;
  /** Time of the last push to it, milliseconds since 1970. */
  readonly pushedMs: number;
}

/** What identifies our own gateway groups. */
export interface ClusterGroups {
  /** The jobs of the gateway groups that node agents push. */
  readonly jobs: ReadonlySet<string>;
  readonly cluster: string | undefined;
  /** Current nodes of the cluster. */
  readonly nodes: ReadonlySet<string>;
  /** All nodes seen since the start. */
  readonly known: ReadonlySet<string>;
  /** Minimum time since the last push to a gateway group, milliseconds. */
  readonly graceMs: number;
  readonly nowMs: number;
}

const PUSH_TIME = 'push_time_seconds';

/** The gateway group that a line of a Pushgateway's /metrics reports; undefined for all other lines. */
export function gatewayGroupOf(line: string): GatewayGroup | undefined {
  if (!line.startsWith(`${PUSH_TIME}{`)) return undefined;
  const [sample] = parseText(`${line}\n`);
  if (sample?.kind !== 'sample') return undefined;
  return { labels: Object.fromEntries(sample.labels), pushedMs: sample.value * 1000 };
}

/**
 * Whether a gateway group is stale because its node has left the cluster. A gateway may be shared: one counts as ours
 * only with our job and, if the cluster has a name, with that name. Without a name, it counts only if its node was seen
 * here before.
 */
export function isStale({ labels, pushedMs }: GatewayGroup, ours: ClusterGroups): boolean {
  const { job = '', instance = '', cluster } = labels;
  const { jobs, nodes, known, graceMs, nowMs } = ours;
  if (!jobs.has(job) || instance === '' || nodes.has(instance)) return false;
  const isOurs = ours.cluster === undefined ? known.has(instance) : cluster === ours.cluster;
  return isOurs && nowMs - pushedMs > graceMs;
}
