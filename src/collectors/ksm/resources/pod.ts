import { annotations, created, deletionTimestamp, labels, namespaced, owner } from '../common.ts';
import { defineResource } from '../resource.ts';
import { podContainerFamilies } from './pod-containers.ts';
import { specFamilies } from './pod-spec.ts';
import { statusFamilies } from './pod-status.ts';
import type { Pod } from './pod-types.ts';

/** Pods: spec, status, and each of their containers. */
export const pods = defineResource<Pod>({
  name: 'pods',
  kind: 'Pod',
  apiVersion: 'v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('pod', 'uid'),
  families: [
    ...specFamilies,
    ...statusFamilies,
    ...podContainerFamilies,
    created('kube_pod'),
    deletionTimestamp('kube_pod'),
    owner('kube_pod', 'STABLE'),
    annotations('kube_pod'),
    labels('kube_pod'),
  ],
});
