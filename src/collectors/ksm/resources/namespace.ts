import type { KubeObject } from '../../../kube/object.ts';
import {
  annotations,
  type Condition,
  clusterWide,
  created,
  flag,
  type List,
  labels,
  series,
  statusConditions,
} from '../common.ts';
import { defineResource } from '../resource.ts';

interface Namespace extends KubeObject {
  readonly status?: { readonly phase?: string; readonly conditions?: List<Condition> } | null;
}

const PHASES = ['Active', 'Terminating'];

/** Namespaces: phase and conditions. */
export const namespaces = defineResource<Namespace>({
  name: 'namespaces',
  kind: 'Namespace',
  apiVersion: 'v1',
  namespaced: false,
  enabled: true,
  identity: clusterWide('namespace'),
  families: [
    created('kube_namespace'),
    annotations('kube_namespace'),
    labels('kube_namespace'),
    series(
      'kube_namespace_status_phase',
      'STABLE',
      'Phase of the namespace: 1 for the current one.',
      ['phase'],
      ({ status }, emit) => {
        // Unlike other phases, both are reported for a namespace that has none yet.
        for (const phase of PHASES) emit(flag(status?.phase === phase), phase);
      },
    ),
    statusConditions('kube_namespace', 'ALPHA', ({ status }) => status?.conditions),
  ],
});
