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

/** StatefulSets: replicas, revisions, and what happens to their volume claims. */
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
      ['replicas_available', 'availableReplicas', 'Pods that have been ready long enough.'],
      ['replicas_current', 'currentReplicas', 'Pods of the current revision.'],
      ['replicas_ready', 'readyReplicas', 'Ready pods of the set.'],
      ['replicas_updated', 'updatedReplicas', 'Pods of the revision that is rolled out.'],
      ['observed_generation', 'observedGeneration', 'The generation that the controller acted on last.'],
    ]),
    single('kube_statefulset_replicas', 'STABLE', 'Pods that are wanted.', ({ spec }) => spec?.replicas),
    single('kube_statefulset_ordinals_start', 'STABLE', 'Number of the first pod.', ({ spec }) =>
      spec?.ordinals ? (spec.ordinals.start ?? 0) : undefined,
    ),
    generation('kube_statefulset'),
    info(
      'kube_statefulset_persistentvolumeclaim_retention_policy',
      'STABLE',
      'What happens to the volume claims when the set is deleted or scaled down.',
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
      'The revision of the pods that are not updated yet.',
      ['revision'],
      ({ status }) => [status?.currentRevision],
    ),
    info(
      'kube_statefulset_status_update_revision',
      'STABLE',
      'The revision that is rolled out.',
      ['revision'],
      ({ status }) => [status?.updateRevision],
    ),
    deletionTimestamp('kube_statefulset', 'STABLE'),
  ],
});
