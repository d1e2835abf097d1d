import type { KubeObject } from '../../../kube/object.ts';
import { annotations, created, generation, labels, namespaced, owner, single, statusCounts } from '../common.ts';
import { defineResource } from '../resource.ts';

interface ReplicaSet extends KubeObject {
  readonly spec?: { readonly replicas?: number | null } | null;
  readonly status?: { readonly terminatingReplicas?: number | null } | null;
}

/** ReplicaSets, most of them the generations of a Deployment. */
export const replicasets = defineResource<ReplicaSet>({
  name: 'replicasets',
  kind: 'ReplicaSet',
  apiVersion: 'apps/v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('replicaset'),
  families: [
    created('kube_replicaset'),
    ...statusCounts('kube_replicaset', [
      ['replicas', 'replicas', 'Pods of the set.'],
      ['fully_labeled_replicas', 'fullyLabeledReplicas', 'Pods that have all labels of the template.'],
      ['ready_replicas', 'readyReplicas', 'Ready pods of the set.'],
      ['observed_generation', 'observedGeneration', 'The generation last observed by the controller.'],
    ]),
    single(
      'kube_replicaset_status_terminating_replicas',
      'ALPHA',
      'Pods that are being deleted.',
      ({ status }) => status?.terminatingReplicas,
    ),
    single('kube_replicaset_spec_replicas', 'STABLE', 'Desired number of pods.', ({ spec }) => spec?.replicas),
    generation('kube_replicaset'),
    owner('kube_replicaset', 'STABLE'),
    annotations('kube_replicaset'),
    labels('kube_replicaset'),
  ],
});
