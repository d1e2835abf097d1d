import type { Log } from '../../base/log.ts';
import type { KubeApi } from '../../kube/api.ts';
import type { PodInfo } from '../../kube/pod-info.ts';
import type { Producer } from '../../metrics/scope.ts';
import { type Allowlist, allowedOf } from './allowlist.ts';
import { ClusterState, type ClusterStateOptions } from './cluster-state.ts';
import { readCustomResources } from './custom/file.ts';
import { PodIndex } from './pod-index.ts';
import { resources } from './resources/index.ts';
import type { KsmSection } from './section.ts';
import { followSeries, kubeStateSeries } from './self-samples.ts';

/** The ksm collector, ready to be started. */
export interface Ksm {
  readonly state: ClusterState;
  readonly pods: PodIndex;
  /** Its series about itself: those of kube-state-metrics, and our own. */
  readonly producers: readonly Producer[];
}

/** Who needs its objects as well, and its timing, which tests replace. */
type Watching = Pick<ClusterStateOptions, 'onLease' | 'timing'>;

/** How the state is stored, and which parts of it. */
export type StoreOptions = Pick<ClusterStateOptions, 'compression' | 'notesEnded' | 'pushed' | 'relabel'>;

/**
 * Builds the ksm collector; sends no request to the cluster before `state.start()`. An unusable file of custom
 * resources costs only those resources, but marks the collector as failed.
 */
export function createKsm(
  section: KsmSection,
  api: KubeApi,
  storeOptions: StoreOptions,
  log: Log,
  version: string,
  watching: Watching = {},
): Ksm {
  const wanted = new Set<string>(section.resources);
  const { resources: custom, problems } = readCustomResources(section);
  for (const problem of problems) log.error({ problem }, 'cannot use the custom resource file; continuing without it');
  const { labels, annotations } = section.podInfo;
  const pick = (keys: readonly string[], allowlist: Allowlist = {}) => {
    // `*` means all only as the first key.
    const all = keys.includes('*') ? ['*'] : [];
    const pods = [...all, ...(allowlist.pods ?? []), ...keys];
    const allowed = allowedOf({ pods, '*': allowlist['*'] ?? [] }, 'pods');
    return allowed && ((map: Parameters<typeof allowed>[0]) => (allowed(map) ?? {}) as PodInfo['labels']);
  };
  const pods = new PodIndex(pick(labels, section.labelsAllowlist), pick(annotations));
  const followed = [...resources.filter(({ name }) => wanted.has(name)), ...custom];
  const state = new ClusterState({
    api,
    options: section,
    resources: followed,
    pods,
    ...storeOptions,
    ...watching,
    log,
  });
  const failure = () => problems[0] ?? state.down;
  const both = { failure, resources: () => state.statuses };
  return {
    state,
    pods,
    producers: [
      { group: 'ksm', name: 'kube-state-metrics', collect: kubeStateSeries(state, section, version), ...both },
      { group: 'agent', name: 'ksm', collect: followSeries(state), failure },
    ],
  };
}
