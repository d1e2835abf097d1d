import type { KubeObject } from '../../../kube/object.ts';
import { clusterWide, created, flag, info, series, single } from '../common.ts';
import { mapLabels } from '../label-names.ts';
import { defineResource, type TextMap } from '../resource.ts';

interface VolumeAttachment extends KubeObject {
  readonly spec?: {
    readonly attacher?: string;
    readonly nodeName?: string;
    readonly source?: { readonly persistentVolumeName?: string | null } | null;
  } | null;
  readonly status?: { readonly attached?: boolean; readonly attachmentMetadata?: TextMap } | null;
}

/** VolumeAttachments: which volume is attached to which node. */
export const volumeattachments = defineResource<VolumeAttachment>({
  name: 'volumeattachments',
  kind: 'VolumeAttachment',
  apiVersion: 'storage.k8s.io/v1',
  namespaced: false,
  enabled: true,
  identity: clusterWide('volumeattachment'),
  families: [
    // Unlike all other label families of kube-state-metrics, this one does not require an allowlist.
    series(
      'kube_volumeattachment_labels',
      'ALPHA',
      'Labels of the object, as labels of this series.',
      [],
      ({ metadata }, emit) => emit(1, ...mapLabels('label', metadata?.labels)),
      { extraLabels: ['label_*'] },
    ),
    info(
      'kube_volumeattachment_info',
      'ALPHA',
      'The driver that attaches the volume, and the node.',
      ['attacher', 'node'],
      ({ spec }) => [spec?.attacher, spec?.nodeName],
    ),
    created('kube_volumeattachment', 'ALPHA'),
    info(
      'kube_volumeattachment_spec_source_persistentvolume',
      'ALPHA',
      'The attached volume.',
      ['volumename'],
      ({ spec }) => (spec?.source?.persistentVolumeName ? [spec.source.persistentVolumeName] : undefined),
    ),
    single('kube_volumeattachment_status_attached', 'ALPHA', 'Whether the volume is attached.', ({ status }) =>
      flag(status?.attached),
    ),
    series(
      'kube_volumeattachment_status_attachment_metadata',
      'ALPHA',
      'Attachment metadata reported by the driver, as labels of this series.',
      [],
      ({ status }, emit) => emit(1, ...mapLabels('metadata', status?.attachmentMetadata)),
      { extraLabels: ['metadata_*'] },
    ),
  ],
});
