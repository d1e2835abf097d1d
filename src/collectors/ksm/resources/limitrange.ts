import type { KubeObject } from '../../../kube/object.ts';
import { milliQuantity } from '../../../kube/quantity.ts';
import { created, type List, namespaced, series } from '../common.ts';
import { defineResource } from '../resource.ts';
import type { Amounts } from '../resource-units.ts';

const CONSTRAINTS = ['min', 'max', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;

interface Limit extends Readonly<Partial<Record<(typeof CONSTRAINTS)[number], Amounts>>> {
  readonly type?: string;
}

interface LimitRange extends KubeObject {
  readonly spec?: { readonly limits?: List<Limit> } | null;
}

/** LimitRanges: bounds and defaults for the resources of containers, pods and claims. */
export const limitranges = defineResource<LimitRange>({
  name: 'limitranges',
  kind: 'LimitRange',
  apiVersion: 'v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('limitrange'),
  families: [
    series(
      'kube_limitrange',
      'STABLE',
      'Limits and defaults, by resource and by the type they apply to.',
      ['resource', 'type', 'constraint'],
      ({ spec }, emit) => {
        for (const limit of spec?.limits ?? []) {
          for (const constraint of CONSTRAINTS) {
            for (const [resource, quantity] of Object.entries(limit[constraint] ?? {})) {
              const amount = milliQuantity(quantity);
              if (amount !== undefined) emit(amount, resource, limit.type, constraint);
            }
          }
        }
      },
    ),
    created('kube_limitrange'),
  ],
});
