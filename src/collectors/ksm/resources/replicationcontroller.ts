import type { KubeObject } from '../../../kube/object.ts';
import { created, generation, namespaced, owner, single, statusCounts } from '../common.ts';
import { defineResource } from '../resource.ts';

interface ReplicationController extends KubeObject {
  readonly spec?: { readonly replicas?: number | null } | null;
}

/** ReplicationControllers, the predecessor of ReplicaSets. */
export const replicationcontrollers = defineResource<ReplicationController>({
  name: 'replicationcontrollers',
  kind: 'ReplicationController',
  apiVersion: 'v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('replicationcontroller'),
  families: [
    created('kube_replicationcontroller'),
    ...statusCounts('kube_replicationcontroller', [
      ['replicas', 'replicas', 'Pods of the controller.'],
      ['fully_labeled_replicas', 'fullyLabeledReplicas', 'Pods that have all labels of the template.'],
      ['ready_replicas', 'readyReplicas', 'Ready pods of the controller.'],
      ['available_replicas', 'availableReplicas', 'Pods that have been ready for at least minReadySeconds.'],
      ['observed_generation', 'observedGeneration', 'The generation last observed by the controller.'],
    ]),
    single(
      'kube_replicationcontroller_spec_replicas',
      'STABLE',
      'Desired number of pods.',
      ({ spec }) => spec?.replicas,
    ),
    generation('kube_replicationcontroller'),
    owner('kube_replicationcontroller', 'ALPHA'),
  ],
});
