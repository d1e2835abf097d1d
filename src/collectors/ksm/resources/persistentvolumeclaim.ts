import type { KubeObject } from '../../../kube/object.ts';
import { wholeQuantity } from '../../../kube/quantity.ts';
import {
  annotations,
  type Condition,
  created,
  deletionTimestamp,
  emitStates,
  info,
  type List,
  labels,
  namespaced,
  series,
  single,
  statusConditions,
} from '../common.ts';
import { defineResource } from '../resource.ts';
import type { Amounts } from '../resource-units.ts';

interface PersistentVolumeClaim extends KubeObject {
  readonly spec?: {
    readonly accessModes?: List<string>;
    readonly resources?: { readonly requests?: Amounts } | null;
    readonly storageClassName?: string | null;
    readonly volumeMode?: string | null;
    readonly volumeName?: string;
  } | null;
  readonly status?: { readonly phase?: string; readonly conditions?: List<Condition> } | null;
}

const PHASES = ['Lost', 'Bound', 'Pending'];
/** Annotation for the storage class from before the field existed; it still takes precedence over the field. */
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

/** PersistentVolumeClaims: requests and phase. */
export const persistentvolumeclaims = defineResource<PersistentVolumeClaim>({
  name: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  apiVersion: 'v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('persistentvolumeclaim'),
  families: [
    labels('kube_persistentvolumeclaim'),
    annotations('kube_persistentvolumeclaim'),
    info(
      'kube_persistentvolumeclaim_info',
      'STABLE',
      'Storage class, volume and volume mode of the claim.',
      ['storageclass', 'volumename', 'volumemode'],
      ({ metadata, spec }) => [
        metadata?.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName,
        spec?.volumeName,
        spec?.volumeMode,
      ],
    ),
    series(
      'kube_persistentvolumeclaim_status_phase',
      'STABLE',
      'Phase of the claim: 1 for the current one.',
      ['phase'],
      ({ status }, emit) => emitStates(emit, PHASES, status?.phase),
    ),
    single(
      'kube_persistentvolumeclaim_resource_requests_storage_bytes',
      'STABLE',
      'Storage requested by the claim.',
      ({ spec }) => wholeQuantity(spec?.resources?.requests?.storage),
    ),
    series(
      'kube_persistentvolumeclaim_access_mode',
      'STABLE',
      'Access modes requested by the claim.',
      ['access_mode'],
      ({ spec }, emit) => {
        for (const mode of spec?.accessModes ?? []) emit(1, mode);
      },
    ),
    statusConditions('kube_persistentvolumeclaim', 'ALPHA', ({ status }) => status?.conditions),
    created('kube_persistentvolumeclaim', 'ALPHA'),
    deletionTimestamp('kube_persistentvolumeclaim'),
  ],
});
