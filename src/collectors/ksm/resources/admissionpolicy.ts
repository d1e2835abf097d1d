import type { KubeObject } from '../../../kube/object.ts';
import { created, info, namespaced } from '../common.ts';
import { defineResource } from '../resource.ts';

interface AdmissionPolicy extends KubeObject {
  readonly spec?: {
    readonly paramKind?: { readonly apiVersion?: string; readonly kind?: string } | null;
    readonly failurePolicy?: string | null;
    readonly reinvocationPolicy?: string;
  } | null;
}

/** MutatingAdmissionPolicies. Their series have a namespace label although they have no namespace. */
export const mutatingadmissionpolicies = defineResource<AdmissionPolicy>({
  name: 'mutatingadmissionpolicies',
  kind: 'MutatingAdmissionPolicy',
  apiVersion: 'admissionregistration.k8s.io/v1',
  namespaced: false,
  enabled: true,
  identity: namespaced('mutatingadmissionpolicy'),
  families: [
    info(
      'kube_mutatingadmissionpolicy_info',
      'ALPHA',
      'Parameter kind, failure policy and reinvocation policy of the policy.',
      ['param_api_version', 'param_kind', 'failure_policy', 'reinvocation_policy'],
      ({ spec }) => [spec?.paramKind?.apiVersion, spec?.paramKind?.kind, spec?.failurePolicy, spec?.reinvocationPolicy],
    ),
    created('kube_mutatingadmissionpolicy', 'ALPHA'),
  ],
});

/** ValidatingAdmissionPolicies, with a namespace label as well. */
export const validatingadmissionpolicies = defineResource<AdmissionPolicy>({
  name: 'validatingadmissionpolicies',
  kind: 'ValidatingAdmissionPolicy',
  apiVersion: 'admissionregistration.k8s.io/v1',
  namespaced: false,
  enabled: true,
  identity: namespaced('validatingadmissionpolicy'),
  families: [
    info(
      'kube_validatingadmissionpolicy_info',
      'ALPHA',
      'Parameter kind and failure policy of the policy.',
      ['param_api_version', 'param_kind', 'failure_policy'],
      ({ spec }) => [spec?.paramKind?.apiVersion, spec?.paramKind?.kind, spec?.failurePolicy],
    ),
    created('kube_validatingadmissionpolicy', 'ALPHA'),
  ],
});
