import type { KubeObject } from '../../../kube/object.ts';
import { milliQuantity } from '../../../kube/quantity.ts';
import { annotations, created, labels, namespaced, series } from '../common.ts';
import { defineResource } from '../resource.ts';
import type { Amounts } from '../resource-units.ts';

const TYPES = ['hard', 'used'] as const;

interface ResourceQuota extends KubeObject {
  readonly status?: { readonly hard?: Amounts; readonly used?: Amounts } | null;
}

/** ResourceQuotas: limits and usage of a namespace. */
export const resourcequotas = defineResource<ResourceQuota>({
  name: 'resourcequotas',
  kind: 'ResourceQuota',
  apiVersion: 'v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('resourcequota'),
  families: [
    created('kube_resourcequota'),
    series(
      'kube_resourcequota',
      'STABLE',
      'Limit (hard) and usage (used) of the namespace, by resource.',
      ['resource', 'type'],
      ({ status }, emit) => {
        for (const type of TYPES) {
          for (const [resource, quantity] of Object.entries(status?.[type] ?? {})) {
            const amount = milliQuantity(quantity);
            if (amount !== undefined) emit(amount, resource, type);
          }
        }
      },
    ),
    annotations('kube_resourcequota'),
    labels('kube_resourcequota'),
  ],
});
