import type { KubeObject } from '../../../kube/object.ts';
import { annotations, clusterWide, created, info, labels } from '../common.ts';
import { defineResource } from '../resource.ts';

interface StorageClass extends KubeObject {
  readonly provisioner?: string;
  readonly reclaimPolicy?: string | null;
  readonly volumeBindingMode?: string | null;
}

/** StorageClasses: provisioner and settings of their volumes. */
export const storageclasses = defineResource<StorageClass>({
  name: 'storageclasses',
  kind: 'StorageClass',
  apiVersion: 'storage.k8s.io/v1',
  namespaced: false,
  enabled: true,
  identity: clusterWide('storageclass'),
  families: [
    info(
      'kube_storageclass_info',
      'STABLE',
      'Provisioner, reclaim policy and volume binding mode of the class.',
      ['provisioner', 'reclaim_policy', 'volume_binding_mode'],
      ({ provisioner, reclaimPolicy, volumeBindingMode }) => [
        provisioner,
        reclaimPolicy ?? 'Delete',
        volumeBindingMode ?? 'Immediate',
      ],
    ),
    created('kube_storageclass'),
    annotations('kube_storageclass'),
    labels('kube_storageclass'),
  ],
});
