import { AGENT } from './agent.ts';
import { CLUSTER } from './cluster.ts';
import type { Dashboard } from './dashboard.ts';
import { NODE } from './node.ts';
import { PODS } from './pods.ts';
import { PROBES } from './probes.ts';

/** All dashboards; the chart creates a ConfigMap for each. */
export const DASHBOARDS: readonly Dashboard[] = [AGENT, NODE, PODS, CLUSTER, PROBES];
