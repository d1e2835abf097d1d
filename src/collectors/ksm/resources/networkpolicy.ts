import type { KubeObject } from '../../../kube/object.ts';
import { annotations, type List, labels, namespaced, single, unixSeconds, ZERO_TIME } from '../common.ts';
import { defineResource } from '../resource.ts';

interface NetworkPolicy extends KubeObject {
  readonly spec?: { readonly ingress?: List<object>; readonly egress?: List<object> } | null;
}

/** NetworkPolicies: their numbers of rules. */
export const networkpolicies = defineResource<NetworkPolicy>({
  name: 'networkpolicies',
  kind: 'NetworkPolicy',
  apiVersion: 'networking.k8s.io/v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('networkpolicy'),
  families: [
    single(
      'kube_networkpolicy_created',
      'ALPHA',
      'When the object was created, in seconds since 1970; the year 1 when unset.',
      ({ metadata }) => unixSeconds(metadata?.creationTimestamp) ?? ZERO_TIME,
    ),
    annotations('kube_networkpolicy'),
    labels('kube_networkpolicy', 'ALPHA'),
    single(
      'kube_networkpolicy_spec_ingress_rules',
      'ALPHA',
      'Number of rules for incoming traffic.',
      ({ spec }) => spec?.ingress?.length ?? 0,
    ),
    single(
      'kube_networkpolicy_spec_egress_rules',
      'ALPHA',
      'Number of rules for outgoing traffic.',
      ({ spec }) => spec?.egress?.length ?? 0,
    ),
  ],
});
