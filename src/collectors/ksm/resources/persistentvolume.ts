import type { KubeObject } from '../../../kube/object.ts';
import { wholeQuantity } from '../../../kube/quantity.ts';
import {
  annotations,
  clusterWide,
  created,
  deletionTimestamp,
  emitStates,
  info,
  type List,
  labels,
  series,
  single,
} from '../common.ts';
import { defineResource, type LabelValue } from '../resource.ts';
import type { Amounts } from '../resource-units.ts';

/** Where a volume stores its data; a volume has one of these. */
interface VolumeSource {
  readonly gcePersistentDisk?: { readonly pdName?: string } | null;
  readonly awsElasticBlockStore?: { readonly volumeID?: string } | null;
  readonly azureDisk?: { readonly diskName?: string } | null;
  readonly fc?: {
    readonly wwids?: List<string>;
    readonly lun?: number | null;
    readonly targetWWNs?: List<string>;
  } | null;
  readonly iscsi?: {
    readonly targetPortal?: string;
    readonly iqn?: string;
    readonly lun?: number;
    readonly initiatorName?: string | null;
  } | null;
  readonly nfs?: { readonly server?: string; readonly path?: string } | null;
  readonly csi?: {
    readonly driver?: string;
    readonly volumeHandle?: string;
    readonly volumeAttributes?: Readonly<Record<string, string>> | null;
  } | null;
  readonly local?: { readonly path?: string; readonly fsType?: string | null } | null;
  readonly hostPath?: { readonly path?: string; readonly type?: string | null } | null;
}

interface PersistentVolume extends KubeObject {
  readonly spec?:
    | (VolumeSource & {
        readonly accessModes?: List<string>;
        readonly capacity?: Amounts;
        readonly claimRef?: { readonly name?: string; readonly namespace?: string } | null;
        readonly persistentVolumeReclaimPolicy?: string;
        readonly storageClassName?: string;
        readonly volumeMode?: string | null;
      })
    | null;
  readonly status?: { readonly phase?: string } | null;
}

const PHASES = ['Pending', 'Available', 'Bound', 'Released', 'Failed'];

/** Labels of kube_persistentvolume_info between the storage class and the reclaim policy. */
const SOURCE_LABELS = [
  'gce_persistent_disk_name',
  'ebs_volume_id',
  'azure_disk_name',
  'fc_wwids',
  'fc_lun',
  'fc_target_wwns',
  'iscsi_target_portal',
  'iscsi_iqn',
  'iscsi_lun',
  'iscsi_initiator_name',
  'nfs_server',
  'nfs_path',
  'csi_driver',
  'csi_volume_handle',
  'local_path',
  'local_fs',
  'host_path',
  'host_path_type',
] as const;

type SourceLabels = Partial<Record<(typeof SOURCE_LABELS)[number], LabelValue>>;

/** PersistentVolumes: location, capacity and phase. */
export const persistentvolumes = defineResource<PersistentVolume>({
  name: 'persistentvolumes',
  kind: 'PersistentVolume',
  apiVersion: 'v1',
  namespaced: false,
  enabled: true,
  identity: clusterWide('persistentvolume'),
  families: [
    info(
      'kube_persistentvolume_claim_ref',
      'STABLE',
      'The claim bound to the volume.',
      ['name', 'claim_namespace'],
      ({ spec }) => (spec?.claimRef ? [spec.claimRef.name, spec.claimRef.namespace] : undefined),
    ),
    annotations('kube_persistentvolume'),
    labels('kube_persistentvolume'),
    series(
      'kube_persistentvolume_status_phase',
      'STABLE',
      'Phase of the volume: 1 for the current one.',
      ['phase'],
      ({ status }, emit) => emitStates(emit, PHASES, status?.phase),
    ),
    info(
      'kube_persistentvolume_info',
      'STABLE',
      'Storage location and reclaim policy of the volume.',
      ['storageclass', ...SOURCE_LABELS, 'reclaim_policy'],
      ({ spec }) => {
        const source = sourceLabels(spec ?? {});
        const values = SOURCE_LABELS.map((label) => source[label]);
        return [spec?.storageClassName, ...values, spec?.persistentVolumeReclaimPolicy];
      },
    ),
    single('kube_persistentvolume_capacity_bytes', 'STABLE', 'Capacity of the volume.', ({ spec }) =>
      spec?.capacity?.storage == null ? 0 : wholeQuantity(spec.capacity.storage),
    ),
    created('kube_persistentvolume', 'ALPHA'),
    deletionTimestamp('kube_persistentvolume'),
    series(
      'kube_persistentvolume_csi_attributes',
      'ALPHA',
      'Mount attributes of the CSI volume.',
      ['csi_mounter', 'csi_map_options'],
      ({ spec }, emit) => {
        const attributes = spec?.csi?.volumeAttributes;
        if (spec?.csi) emit(1, attributes?.mounter, attributes?.mapOptions);
      },
      { optIn: true },
    ),
    info(
      'kube_persistentvolume_volume_mode',
      'ALPHA',
      'Whether the volume is a file system or a block device.',
      ['volumemode'],
      ({ spec }) => [spec?.volumeMode ?? 'Filesystem'],
    ),
    series(
      'kube_persistentvolume_access_mode',
      'ALPHA',
      'Access modes of the volume.',
      ['access_mode'],
      ({ spec }, emit) => {
        for (const mode of spec?.accessModes ?? []) emit(1, mode);
      },
    ),
  ],
});

/** The labels of the first source present. */
function sourceLabels(source: VolumeSource): SourceLabels {
  const { gcePersistentDisk, awsElasticBlockStore, azureDisk, fc, iscsi, nfs, csi, local, hostPath } = source;
  if (gcePersistentDisk) return { gce_persistent_disk_name: gcePersistentDisk.pdName };
  if (awsElasticBlockStore) return { ebs_volume_id: awsElasticBlockStore.volumeID };
  if (azureDisk) return { azure_disk_name: azureDisk.diskName };
  if (fc) return { fc_wwids: fc.wwids?.join(), fc_lun: text(fc.lun), fc_target_wwns: fc.targetWWNs?.join() };
  if (iscsi) {
    return {
      iscsi_target_portal: iscsi.targetPortal,
      iscsi_iqn: iscsi.iqn,
      iscsi_lun: text(iscsi.lun ?? 0),
      iscsi_initiator_name: iscsi.initiatorName,
    };
  }
  if (nfs) return { nfs_server: nfs.server, nfs_path: nfs.path };
  if (csi) return { csi_driver: csi.driver, csi_volume_handle: csi.volumeHandle };
  if (local) return { local_path: local.path, local_fs: local.fsType };
  if (hostPath) return { host_path: hostPath.path, host_path_type: hostPath.type };
  return {};
}

const text = (number: number | null | undefined): LabelValue => (typeof number === 'number' ? String(number) : '');
