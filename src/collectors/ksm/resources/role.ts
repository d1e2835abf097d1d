import { annotations, clusterWide, created, labels, namespaced, plainInfo, resourceVersion } from '../common.ts';
import { defineResource, type KubeFamily } from '../resource.ts';

const families = (prefix: string): readonly KubeFamily[] => [
  annotations(prefix),
  labels(prefix, 'ALPHA'),
  plainInfo(prefix, 'ALPHA'),
  created(prefix, 'ALPHA'),
  resourceVersion(prefix),
];

/** Roles: existence and version. */
export const roles = defineResource({
  name: 'roles',
  kind: 'Role',
  apiVersion: 'rbac.authorization.k8s.io/v1',
  namespaced: true,
  enabled: false,
  metadataOnly: true,
  identity: namespaced('role'),
  families: families('kube_role'),
});

/** ClusterRoles: existence and version. */
export const clusterroles = defineResource({
  name: 'clusterroles',
  kind: 'ClusterRole',
  apiVersion: 'rbac.authorization.k8s.io/v1',
  namespaced: false,
  enabled: false,
  metadataOnly: true,
  identity: clusterWide('clusterrole'),
  families: families('kube_clusterrole'),
});
