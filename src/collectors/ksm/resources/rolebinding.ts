import type { KubeObject } from '../../../kube/object.ts';
import { annotations, clusterWide, created, info, labels, namespaced, resourceVersion } from '../common.ts';
import { defineResource, type KubeFamily } from '../resource.ts';

interface RoleBinding extends KubeObject {
  readonly roleRef?: { readonly kind?: string; readonly name?: string } | null;
}

const families = (prefix: string): readonly KubeFamily<RoleBinding>[] => [
  annotations(prefix),
  labels(prefix, 'ALPHA'),
  info(
    `${prefix}_info`,
    'ALPHA',
    'The role granted by the binding.',
    ['roleref_kind', 'roleref_name'],
    ({ roleRef }) => [roleRef?.kind, roleRef?.name],
  ),
  created(prefix, 'ALPHA'),
  resourceVersion(prefix),
];

/** RoleBindings: the role that each grants, not the subjects. */
export const rolebindings = defineResource({
  name: 'rolebindings',
  kind: 'RoleBinding',
  apiVersion: 'rbac.authorization.k8s.io/v1',
  namespaced: true,
  enabled: false,
  identity: namespaced('rolebinding'),
  families: families('kube_rolebinding'),
});

/** ClusterRoleBindings: the role that each grants, not the subjects. */
export const clusterrolebindings = defineResource({
  name: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
  apiVersion: 'rbac.authorization.k8s.io/v1',
  namespaced: false,
  enabled: false,
  identity: clusterWide('clusterrolebinding'),
  families: families('kube_clusterrolebinding'),
});
