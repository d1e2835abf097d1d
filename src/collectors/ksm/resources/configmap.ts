import { annotations, created, labels, namespaced, plainInfo, resourceVersion } from '../common.ts';
import { defineResource } from '../resource.ts';

/** ConfigMaps: existence and version, never their content. */
export const configmaps = defineResource({
  name: 'configmaps',
  kind: 'ConfigMap',
  apiVersion: 'v1',
  namespaced: true,
  enabled: false,
  metadataOnly: true,
  identity: namespaced('configmap'),
  families: [
    annotations('kube_configmap'),
    labels('kube_configmap'),
    plainInfo('kube_configmap'),
    created('kube_configmap'),
    resourceVersion('kube_configmap'),
  ],
});
