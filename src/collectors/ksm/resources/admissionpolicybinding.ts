import type { KubeObject } from '../../../kube/object.ts';
import { created, info, type List, namespaced, series } from '../common.ts';
import { defineResource, type KubeFamily } from '../resource.ts';

interface AdmissionPolicyBinding extends KubeObject {
  readonly spec?: {
    readonly policyName?: string;
    readonly paramRef?: {
      readonly name?: string;
      readonly namespace?: string;
      readonly parameterNotFoundAction?: string | null;
    } | null;
    readonly validationActions?: List<string>;
  } | null;
}

const families = (prefix: string): readonly KubeFamily<AdmissionPolicyBinding>[] => [
  info(
    `${prefix}_info`,
    'ALPHA',
    'The bound policy and its parameters.',
    ['policy_name', 'param_name', 'param_namespace', 'param_not_found_action'],
    ({ spec }) => {
      const { name, namespace, parameterNotFoundAction } = spec?.paramRef ?? {};
      return [spec?.policyName, name, namespace, parameterNotFoundAction];
    },
  ),
  created(prefix, 'ALPHA'),
];

/** MutatingAdmissionPolicyBindings. Their series have a namespace label although they have no namespace. */
export const mutatingadmissionpolicybindings = defineResource({
  name: 'mutatingadmissionpolicybindings',
  kind: 'MutatingAdmissionPolicyBinding',
  apiVersion: 'admissionregistration.k8s.io/v1',
  namespaced: false,
  enabled: true,
  identity: namespaced('mutatingadmissionpolicybinding'),
  families: families('kube_mutatingadmissionpolicybinding'),
});

/** ValidatingAdmissionPolicyBindings, with a namespace label as well. */
export const validatingadmissionpolicybindings = defineResource<AdmissionPolicyBinding>({
  name: 'validatingadmissionpolicybindings',
  kind: 'ValidatingAdmissionPolicyBinding',
  apiVersion: 'admissionregistration.k8s.io/v1',
  namespaced: false,
  enabled: true,
  identity: namespaced('validatingadmissionpolicybinding'),
  families: [
    ...families('kube_validatingadmissionpolicybinding'),
    series(
      'kube_validatingadmissionpolicybinding_validation_action',
      'ALPHA',
      'Actions taken when a validation fails.',
      ['action'],
      ({ spec }, emit) => {
        for (const action of spec?.validationActions ?? []) emit(1, action);
      },
    ),
  ],
});
