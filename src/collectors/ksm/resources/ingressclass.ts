import type { KubeObject } from '../../../kube/object.ts';
import { annotations, clusterWide, created, info, labels } from '../common.ts';
import { defineResource } from '../resource.ts';

interface IngressClass extends KubeObject {
  readonly spec?: { readonly controller?: string } | null;
}

/** IngressClasses: which controller serves them. */
export const ingressclasses = defineResource<IngressClass>({
  name: 'ingressclasses',
  kind: 'IngressClass',
  apiVersion: 'networking.k8s.io/v1',
  namespaced: false,
  enabled: false,
  identity: clusterWide('ingressclass'),
  families: [
    info('kube_ingressclass_info', 'ALPHA', 'The controller of the class.', ['controller'], ({ spec }) => [
      spec?.controller,
    ]),
    created('kube_ingressclass', 'ALPHA'),
    annotations('kube_ingressclass'),
    labels('kube_ingressclass', 'ALPHA'),
  ],
});
