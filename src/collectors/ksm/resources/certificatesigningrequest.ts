import type { KubeObject } from '../../../kube/object.ts';
import { annotations, type Condition, created, type List, labels, series, single } from '../common.ts';
import { defineResource } from '../resource.ts';

interface CertificateSigningRequest extends KubeObject {
  readonly spec?: { readonly signerName?: string } | null;
  readonly status?: { readonly certificate?: string | null; readonly conditions?: List<Condition> } | null;
}

const CONDITIONS = ['Approved', 'Denied', 'Failed'];

/** CertificateSigningRequests: their conditions, e.g. approved or denied. */
export const certificatesigningrequests = defineResource<CertificateSigningRequest>({
  name: 'certificatesigningrequests',
  kind: 'CertificateSigningRequest',
  apiVersion: 'certificates.k8s.io/v1',
  namespaced: false,
  enabled: true,
  identity: {
    labels: ['certificatesigningrequest', 'signer_name'],
    values: ({ metadata, spec }) => [metadata?.name ?? '', spec?.signerName ?? ''],
  },
  families: [
    annotations('kube_certificatesigningrequest'),
    labels('kube_certificatesigningrequest'),
    created('kube_certificatesigningrequest'),
    series(
      'kube_certificatesigningrequest_condition',
      'STABLE',
      'Number of conditions of the request, by type.',
      ['condition'],
      ({ status }, emit) => {
        for (const wanted of CONDITIONS) {
          const found = status?.conditions?.filter(({ type }) => type === wanted) ?? [];
          emit(found.length, wanted.toLowerCase());
        }
      },
    ),
    single(
      'kube_certificatesigningrequest_cert_length',
      'STABLE',
      'Length of the issued certificate in bytes; 0 before it is issued.',
      ({ status }) => Buffer.byteLength(status?.certificate ?? '', 'base64'),
    ),
  ],
});
