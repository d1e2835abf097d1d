import { annotations, created, deletionTimestamp, generation, labels, namespaced, statusCounts } from '../common.ts';
import { defineResource } from '../resource.ts';

/** DaemonSets: how many nodes run their pod, and how many should. */
export const daemonsets = defineResource({
  name: 'daemonsets',
  kind: 'DaemonSet',
  apiVersion: 'apps/v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('daemonset'),
  families: [
    created('kube_daemonset'),
    ...statusCounts('kube_daemonset', [
      ['current_number_scheduled', 'currentNumberScheduled', 'Nodes that run a pod of the daemon set, as they should.'],
      ['desired_number_scheduled', 'desiredNumberScheduled', 'Nodes that should run a pod of the daemon set.'],
      ['number_available', 'numberAvailable', 'Nodes whose pod has been ready for at least minReadySeconds.'],
      ['number_misscheduled', 'numberMisscheduled', 'Nodes that run a pod of the daemon set although they should not.'],
      ['number_ready', 'numberReady', 'Nodes whose pod of the daemon set is ready.'],
      [
        'number_unavailable',
        'numberUnavailable',
        'Nodes that should run a pod of the daemon set but have none available.',
      ],
      ['observed_generation', 'observedGeneration', 'The generation last observed by the controller.'],
      ['updated_number_scheduled', 'updatedNumberScheduled', 'Nodes that run a pod of the current pod template.'],
    ]),
    generation('kube_daemonset'),
    deletionTimestamp('kube_daemonset'),
    annotations('kube_daemonset'),
    labels('kube_daemonset'),
  ],
});
