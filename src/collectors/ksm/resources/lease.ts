import type { KubeObject } from '../../../kube/object.ts';
import { owners, series, single, unixSeconds } from '../common.ts';
import { defineResource } from '../resource.ts';

interface Lease extends KubeObject {
  readonly spec?: { readonly holderIdentity?: string | null; readonly renewTime?: string | null } | null;
}

/** Leases: who holds them, and since when. */
export const leases = defineResource<Lease>({
  name: 'leases',
  kind: 'Lease',
  apiVersion: 'coordination.k8s.io/v1',
  namespaced: true,
  enabled: true,
  identity: {
    labels: ['lease', 'namespace'],
    values: ({ metadata }) => [metadata?.name ?? '', metadata?.namespace ?? ''],
  },
  families: [
    series(
      'kube_lease_owner',
      'ALPHA',
      'Owners and holder of the lease.',
      ['owner_kind', 'owner_name', 'lease_holder'],
      ({ metadata, spec }, emit) => {
        for (const { kind, name } of owners(metadata?.ownerReferences)) emit(1, kind, name, spec?.holderIdentity);
      },
    ),
    single(
      'kube_lease_renew_time',
      'ALPHA',
      'When the holder last renewed the lease, in seconds since 1970.',
      ({ spec }) => unixSeconds(spec?.renewTime),
    ),
  ],
});
