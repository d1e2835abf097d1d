import { annotations, created, deletionTimestamp, labels, namespaced, statusCounts } from '../common.ts';
import { defineResource } from '../resource.ts';

/** PodDisruptionBudgets: how many pods may be evicted now. */
export const poddisruptionbudgets = defineResource({
  name: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
  apiVersion: 'policy/v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('poddisruptionbudget'),
  families: [
    annotations('kube_poddisruptionbudget'),
    labels('kube_poddisruptionbudget', 'ALPHA'),
    created('kube_poddisruptionbudget'),
    ...statusCounts('kube_poddisruptionbudget', [
      ['current_healthy', 'currentHealthy', 'Current number of healthy pods.'],
      ['desired_healthy', 'desiredHealthy', 'Minimum number of healthy pods required by the budget.'],
      ['pod_disruptions_allowed', 'disruptionsAllowed', 'Pods that may currently be evicted.'],
      ['expected_pods', 'expectedPods', 'Pods counted by the budget.'],
      ['observed_generation', 'observedGeneration', 'The generation last observed by the controller.'],
    ]),
    deletionTimestamp('kube_poddisruptionbudget'),
  ],
});
