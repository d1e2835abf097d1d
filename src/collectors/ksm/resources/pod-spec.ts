import { milliQuantity, wholeQuantity } from '../../../kube/quantity.ts';
import { flag, info, series, single } from '../common.ts';
import { mapLabels } from '../label-names.ts';
import type { Emit, KubeFamily } from '../resource.ts';
import type { Pod } from './pod-types.ts';

const VOLUME_LABELS = ['volume', 'persistentvolumeclaim', 'ephemeral'];

/** Families of the pod spec, other than its containers. */
export const specFamilies: readonly KubeFamily<Pod>[] = [
  info(
    'kube_pod_info',
    'STABLE',
    'Node, addresses and owner of the pod.',
    ['host_ip', 'pod_ip', 'node', 'created_by_kind', 'created_by_name', 'priority_class', 'host_network'],
    ({ metadata, spec, status }) => {
      const creator = metadata?.ownerReferences?.find(({ controller }) => controller);
      return [
        status?.hostIP,
        status?.podIP,
        spec?.nodeName,
        creator?.kind,
        creator?.name,
        spec?.priorityClassName,
        String(spec?.hostNetwork ?? false),
      ];
    },
  ),
  single(
    'kube_pod_overhead_cpu_cores',
    'ALPHA',
    'CPU overhead of the pod, from its runtime class, in cores.',
    ({ spec }) => milliQuantity(spec?.overhead?.cpu),
  ),
  single(
    'kube_pod_overhead_memory_bytes',
    'ALPHA',
    'Memory overhead of the pod, from its runtime class, in bytes.',
    ({ spec }) => wholeQuantity(spec?.overhead?.memory),
  ),
  series(
    'kube_pod_resourceclaim_info',
    'ALPHA',
    'Resource claims (devices) of the pod.',
    ['claim_name', 'resourceclaim_name', 'resourceclaim_template_name'],
    emitResourceClaims,
  ),
  info('kube_pod_restart_policy', 'STABLE', 'Restart policy of the pod.', ['type'], ({ spec }) => [
    spec?.restartPolicy,
  ]),
  info('kube_pod_runtimeclass_name_info', 'ALPHA', 'Runtime class of the pod.', ['runtimeclass_name'], ({ spec }) =>
    typeof spec?.runtimeClassName === 'string' ? [spec.runtimeClassName] : undefined,
  ),
  series(
    'kube_pod_spec_volumes_persistentvolumeclaims_info',
    'STABLE',
    'Volumes of the pod that use a persistent volume claim.',
    VOLUME_LABELS,
    (pod, emit) => {
      for (const { labels } of claimedVolumes(pod)) emit(1, ...labels);
    },
  ),
  series(
    'kube_pod_spec_volumes_persistentvolumeclaims_readonly',
    'STABLE',
    'Whether the persistent volume claim of the volume is mounted read-only.',
    VOLUME_LABELS,
    (pod, emit) => {
      for (const { labels, readOnly } of claimedVolumes(pod)) emit(flag(readOnly), ...labels);
    },
  ),
  series(
    'kube_pod_tolerations',
    'ALPHA',
    'Tolerations of the pod.',
    ['key', 'operator', 'value', 'effect', 'toleration_seconds'],
    ({ spec }, emit) => {
      for (const { key, operator, value, effect, tolerationSeconds } of spec?.tolerations ?? []) {
        emit(1, key, operator, value, effect, tolerationSeconds?.toString());
      }
    },
  ),
  series(
    'kube_pod_nodeselectors',
    'ALPHA',
    'Node selector of the pod.',
    [],
    ({ spec }, emit) => emit(1, ...mapLabels('nodeselector', spec?.nodeSelector)),
    { optIn: true, extraLabels: ['nodeselector_*'] },
  ),
  info('kube_pod_service_account', 'ALPHA', 'Service account of the pod.', ['service_account'], ({ spec }) => [
    spec?.serviceAccountName,
  ]),
  info('kube_pod_scheduler', 'ALPHA', 'Scheduler of the pod.', ['name'], ({ spec }) => [spec?.schedulerName]),
];

function emitResourceClaims({ spec, status }: Pod, emit: Emit): void {
  for (const { name, resourceClaimName, resourceClaimTemplateName } of spec?.resourceClaims ?? []) {
    if (typeof resourceClaimName === 'string') emit(1, name, resourceClaimName, '');
    else if (typeof resourceClaimTemplateName === 'string') {
      const made = status?.resourceClaimStatuses?.find((claim) => claim.name === name);
      emit(1, name, made?.resourceClaimName, resourceClaimTemplateName);
    }
  }
}

/** Volumes with a claim: an existing one, or one created for the pod and named after it. */
function claimedVolumes({ metadata, spec }: Pod) {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim: claim, ephemeral }) => {
    if (claim) return [{ labels: [name, claim.claimName, 'false'], readOnly: claim.readOnly }];
    if (ephemeral) return [{ labels: [name, `${metadata?.name}-${name}`, 'true'], readOnly: false }];
    return [];
  });
}
