import { readFileSync } from 'node:fs';
import type { KubeApi } from '../../kube/api.ts';
import type { PodInfo } from '../../kube/pod-info.ts';
import type { Log } from '../../log.ts';
import type { Compression } from '../../metrics/compression.ts';
import type { Producer } from '../../metrics/scope.ts';
import { allowedOf } from './allowlist.ts';
import { ClusterState } from './cluster-state.ts';
import { parseCustomResources } from './custom-resource.ts';
import { PodIndex } from './pod-index.ts';
import { resources } from './resources/index.ts';
import type { KsmSection } from './section.ts';
import { followSeries, kubeStateSeries } from './self-samples.ts';

/** The ksm collector, ready to be started. */
export interface Ksm {
  readonly state: ClusterState;
  readonly pods: PodIndex;
  /** Its series about itself: what kube-state-metrics tells, and what we tell. */
  readonly producers: readonly Producer[];
}

/**
 * Builds the ksm collector, whose text is kept in `compression`; nothing is asked of the cluster before `state.start()`. Throws CustomResourceError, or an
 * Error that names the file of custom resources when it can't be read.
 */
export function createKsm(section: KsmSection, api: KubeApi, compression: Compression, log: Log, version: string): Ksm {
  const wanted = new Set<string>(section.resources);
  const custom =
    section.customResourceStateFile === undefined
      ? []
      : parseCustomResources(readFileSync(section.customResourceStateFile, 'utf8'));
  const allowed = allowedOf(section.labelsAllowlist, 'pods');
  const pods = new PodIndex(allowed && ((labels) => (allowed(labels) ?? {}) as PodInfo['labels']));
  const followed = [...resources.filter(({ name }) => wanted.has(name)), ...custom];
  const state = new ClusterState({ api, options: section, resources: followed, pods, compression, log });
  return {
    state,
    pods,
    producers: [
      { group: 'ksm', name: 'kube-state-metrics', collect: kubeStateSeries(state, section, version) },
      { group: 'agent', name: 'ksm', collect: followSeries(state) },
    ],
  };
}
