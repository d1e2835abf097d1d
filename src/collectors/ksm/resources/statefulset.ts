import type { KubeObject } from '../../../kube/object.ts';
import {
  annotations,
  created,
  deletionTimestamp,
  generation,
  info,
  labels,
  namespaced,
  single,
  statusCounts,
} from '../common.ts';
import { defineResource } from '../resource.ts';

interface StatefulSet extends KubeObject {
  readonly spec?: {
    readonly replicas?: number | null;
    readonly ordinals?: { readonly start?: number } | null;
    readonly persistentVolumeClaimRetentionPolicy?: {
      readonly whenDeleted?: string;
      readonly whenScaled?: string;
    } | null;
  } | null;
  readonly status?: { readonly currentRevision?: string; readonly updateRevision?: string } | null;
}

/** StatefulSets: replicas, revisions, and retention of their volume claims. */
export const statefulsets = defineResource<StatefulSet>({
  name: 'statefulsets',
  kind: 'StatefulSet',
  apiVersion: 'apps/v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('statefulset'),
  families: [
    created('kube_statefulset'),
    ...statusCounts('kube_statefulset', [
      ['replicas', 'replicas', 'Pods of the set.'],
      ['replicas_available', 'availableReplicas', 'Pods that have been ready for at least minReadySeconds.'],
      ['replicas_current', 'currentReplicas', 'Pods of the current revision.'],
      ['replicas_ready', 'readyReplicas', 'Ready pods of the set.'],
      ['replicas_updated', 'updatedReplicas', 'Pods of the revision being rolled out.'],
      ['observed_generation', 'observedGeneration', 'The generation last observed by the controller.'],
    ]),
    single('kube_statefulset_replicas', 'STABLE', 'Desired number of pods.', ({ spec }) => spec?.replicas),
    single('kube_statefulset_ordinals_start', 'STABLE', 'Ordinal of the first pod.', ({ spec }) =>
      spec?.ordinals ? (spec.ordinals.start ?? 0) : undefined,
    ),
    generation('kube_statefulset'),
    info(
      'kube_statefulset_persistentvolumeclaim_retention_policy',
      'STABLE',
      'Retention policy of the volume claims when the set is deleted or scaled down.',
      ['when_deleted', 'when_scaled'],
      ({ spec }) => {
        const { whenDeleted, whenScaled } = spec?.persistentVolumeClaimRetentionPolicy ?? {};
        return whenDeleted || whenScaled ? [whenDeleted, whenScaled] : undefined;
      },
    ),
    annotations('kube_statefulset', 'STABLE'),
    labels('kube_statefulset'),
    info(
      'kube_statefulset_status_current_revision',
      'STABLE',
      'The revision of the pods not yet updated.',
      ['revision'],
      ({ status }) => [status?.currentRevision],
    ),
    info(
      'kube_statefulset_status_update_revision',
      'STABLE',
      'The revision being rolled out.',
      ['revision'],
      ({ status }) => [status?.updateRevision],
    ),
    deletionTimestamp('kube_statefulset', 'STABLE'),
  ],
});
