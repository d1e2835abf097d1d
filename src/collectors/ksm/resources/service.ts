import type { KubeObject } from '../../../kube/object.ts';
import { annotations, created, deletionTimestamp, info, type List, labels, namespaced, series } from '../common.ts';
import { defineResource } from '../resource.ts';

interface Service extends KubeObject {
  readonly spec?: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly externalName?: string;
    readonly externalIPs?: List<string>;
    readonly externalTrafficPolicy?: string;
    readonly loadBalancerIP?: string;
  } | null;
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: List<{ readonly ip?: string; readonly hostname?: string }> } | null;
  } | null;
}

/** Services: their types and addresses. */
export const services = defineResource<Service>({
  name: 'services',
  kind: 'Service',
  apiVersion: 'v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('service', 'uid'),
  families: [
    info(
      'kube_service_info',
      'STABLE',
      'Addresses of the service, and its external traffic policy.',
      ['cluster_ip', 'external_name', 'load_balancer_ip', 'external_traffic_policy'],
      ({ spec }) => [spec?.clusterIP, spec?.externalName, spec?.loadBalancerIP, spec?.externalTrafficPolicy],
    ),
    created('kube_service'),
    info('kube_service_spec_type', 'STABLE', 'The type of the service.', ['type'], ({ spec }) => [spec?.type]),
    annotations('kube_service'),
    labels('kube_service'),
    series(
      'kube_service_spec_external_ip',
      'STABLE',
      'External addresses of the service.',
      ['external_ip'],
      ({ spec }, emit) => {
        for (const address of spec?.externalIPs ?? []) emit(1, address);
      },
    ),
    series(
      'kube_service_status_load_balancer_ingress',
      'STABLE',
      'Addresses of the load balancer.',
      ['ip', 'hostname'],
      ({ status }, emit) => {
        for (const { ip, hostname } of status?.loadBalancer?.ingress ?? []) emit(1, ip, hostname);
      },
    ),
    deletionTimestamp('kube_service'),
  ],
});
