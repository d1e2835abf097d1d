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
      ['current_number_scheduled', 'currentNumberScheduled', 'Nodes that run a pod of the set and are supposed to.'],
      ['desired_number_scheduled', 'desiredNumberScheduled', 'Nodes that should run a pod of the set.'],
      ['number_available', 'numberAvailable', 'Nodes whose pod of the set has been ready long enough.'],
      ['number_misscheduled', 'numberMisscheduled', 'Nodes that run a pod of the set but are not supposed to.'],
      ['number_ready', 'numberReady', 'Nodes whose pod of the set is ready.'],
      ['number_unavailable', 'numberUnavailable', 'Nodes that should have an available pod of the set but do not.'],
      ['observed_generation', 'observedGeneration', 'The generation last observed by the controller.'],
      ['updated_number_scheduled', 'updatedNumberScheduled', 'Nodes that run a pod of the current template.'],
    ]),
    generation('kube_daemonset'),
    deletionTimestamp('kube_daemonset'),
    annotations('kube_daemonset'),
    labels('kube_daemonset'),
  ],
});
