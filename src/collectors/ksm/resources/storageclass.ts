import type { KubeObject } from '../../../kube/object.ts';
import { annotations, clusterWide, created, info, labels } from '../common.ts';
import { defineResource } from '../resource.ts';

interface StorageClass extends KubeObject {
  readonly provisioner?: string;
  readonly reclaimPolicy?: string | null;
  readonly volumeBindingMode?: string | null;
}

/** StorageClasses: who makes their volumes, and how. */
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
      'What provisions volumes of the class, when, and what happens to them.',
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
