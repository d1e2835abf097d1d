import type { KubeObject } from '../../../kube/object.ts';
import {
  annotations,
  type Condition,
  created,
  deletionTimestamp,
  emitCondition,
  flag,
  generation,
  type List,
  labels,
  namespaced,
  owners,
  series,
  single,
  statusCounts,
} from '../common.ts';
import { defineResource } from '../resource.ts';

interface Deployment extends KubeObject {
  readonly spec?: {
    readonly replicas?: number | null;
    readonly paused?: boolean;
    readonly strategy?: { readonly rollingUpdate?: RollingUpdate | null } | null;
  } | null;
  readonly status?: { readonly terminatingReplicas?: number | null; readonly conditions?: List<Condition> } | null;
}

interface RollingUpdate {
  readonly maxUnavailable?: CountOrPercent;
  readonly maxSurge?: CountOrPercent;
}

/** `3` or `"25%"`. */
type CountOrPercent = number | string | null;

/** The reported reasons; others become `unknown`, since any client may write its own reason. */
const REASONS: ReadonlySet<string> = new Set([
  '',
  'DeploymentPaused',
  'DeploymentResumed',
  'FoundNewReplicaSet',
  'MinimumReplicasAvailable',
  'MinimumReplicasUnavailable',
  'NewReplicaSetAvailable',
  'NewReplicaSetCreated',
  'ProgressDeadlineExceeded',
  'ReplicaSetCreateError',
  'ReplicaSetUpdated',
]);

/** Deployments: desired and existing replicas, rollout settings and conditions. */
export const deployments = defineResource<Deployment>({
  name: 'deployments',
  kind: 'Deployment',
  apiVersion: 'apps/v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('deployment'),
  families: [
    series(
      'kube_deployment_owner',
      'ALPHA',
      'Owners of the deployment.',
      ['owner_kind', 'owner_name'],
      ({ metadata }, emit) => {
        for (const { kind, name } of owners(metadata?.ownerReferences)) emit(1, kind, name);
      },
    ),
    created('kube_deployment'),
    ...statusCounts('kube_deployment', [
      ['replicas', 'replicas', 'Pods of the deployment, including those of older pod templates.'],
      ['replicas_ready', 'readyReplicas', 'Ready pods of the deployment.'],
      ['replicas_available', 'availableReplicas', 'Pods that have been ready for at least minReadySeconds.'],
      ['replicas_unavailable', 'unavailableReplicas', 'Pods that the deployment lacks to be fully available.'],
      ['replicas_updated', 'updatedReplicas', 'Pods of the current pod template.'],
      ['observed_generation', 'observedGeneration', 'The generation last observed by the controller.'],
    ]),
    single(
      'kube_deployment_status_terminating_replicas',
      'ALPHA',
      'Pods that are being deleted.',
      ({ status }) => status?.terminatingReplicas,
    ),
    series(
      'kube_deployment_status_condition',
      'STABLE',
      'Conditions of the deployment: 1 for the current status of each.',
      ['reason', 'condition', 'status'],
      (deployment, emit) => {
        for (const { type, status, reason } of deployment.status?.conditions ?? []) {
          emitCondition(emit, status, REASONS.has(reason ?? '') ? reason : 'unknown', type);
        }
      },
    ),
    single('kube_deployment_spec_replicas', 'STABLE', 'Desired number of pods.', ({ spec }) => spec?.replicas),
    single(
      'kube_deployment_spec_paused',
      'STABLE',
      'Whether the deployment is paused: changes are not rolled out.',
      ({ spec }) => flag(spec?.paused),
    ),
    single(
      'kube_deployment_spec_strategy_rollingupdate_max_unavailable',
      'STABLE',
      'Maximum number of unavailable pods during a rollout.',
      ({ spec }) => podCount(spec?.strategy?.rollingUpdate?.maxUnavailable, spec?.replicas, Math.floor),
    ),
    single(
      'kube_deployment_spec_strategy_rollingupdate_max_surge',
      'STABLE',
      'Maximum number of pods above the desired number during a rollout.',
      ({ spec }) => podCount(spec?.strategy?.rollingUpdate?.maxSurge, spec?.replicas, Math.ceil),
    ),
    generation('kube_deployment'),
    deletionTimestamp('kube_deployment'),
    annotations('kube_deployment'),
    labels('kube_deployment'),
  ],
});

/** A number of pods given as such or as a percentage of `replicas`; undefined when one is unset or it is neither. */
function podCount(
  amount: CountOrPercent | undefined,
  replicas: number | null | undefined,
  round: (count: number) => number,
): number | undefined {
  if (typeof replicas !== 'number') return undefined;
  if (typeof amount === 'number') return amount;
  const percent = /^(\d{1,10})%$/.exec(amount ?? '');
  return percent ? round((Number(percent[1]) * replicas) / 100) : undefined;
}
