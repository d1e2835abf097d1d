import type { KubeObject } from '../../../kube/object.ts';
import { annotations, created, info, type List, labels, namespaced, resourceVersion, series } from '../common.ts';
import { defineResource, type LabelValue } from '../resource.ts';

interface Ingress extends KubeObject {
  readonly spec?: {
    readonly ingressClassName?: string | null;
    readonly rules?: List<{ readonly host?: string; readonly http?: { readonly paths?: List<Path> } | null }>;
    readonly tls?: List<{ readonly hosts?: List<string>; readonly secretName?: string }>;
  } | null;
}

interface Path {
  readonly path?: string;
  readonly pathType?: string | null;
  readonly backend?: Backend | null;
}

interface Backend {
  readonly service?: { readonly name?: string; readonly port?: { readonly number?: number } | null } | null;
  readonly resource?: { readonly apiGroup?: string | null; readonly kind?: string; readonly name?: string } | null;
}

/** Specified the class of an ingress before the field existed, and still takes precedence over it. */
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

/** Ingresses: their class, and the backend of each path. */
export const ingresses = defineResource<Ingress>({
  name: 'ingresses',
  kind: 'Ingress',
  apiVersion: 'networking.k8s.io/v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('ingress'),
  families: [
    info(
      'kube_ingress_info',
      'STABLE',
      'The class of the ingress; _default when unset.',
      ['ingressclass'],
      ({ metadata, spec }) => [metadata?.annotations?.[CLASS_ANNOTATION] ?? spec?.ingressClassName ?? '_default'],
    ),
    annotations('kube_ingress'),
    labels('kube_ingress'),
    created('kube_ingress'),
    resourceVersion('kube_ingress'),
    series(
      'kube_ingress_path',
      'STABLE',
      'Paths of the ingress, with the backend service or resource of each; service_port is 0 for a named port.',
      ['host', 'path', 'path_type'],
      ({ spec }, emit) => {
        for (const { host, http } of spec?.rules ?? []) {
          for (const { path, pathType, backend } of http?.paths ?? []) {
            emit(1, host, path, pathType, ...backendLabels(backend ?? {}));
          }
        }
      },
      { extraLabels: ['service_name', 'service_port', 'resource_api_group', 'resource_kind', 'resource_name'] },
    ),
    series(
      'kube_ingress_tls',
      'STABLE',
      'Hosts with TLS, and the secret with the certificate.',
      ['tls_host', 'secret'],
      ({ spec }, emit) => {
        for (const { hosts, secretName } of spec?.tls ?? []) {
          for (const host of hosts ?? []) emit(1, host, secretName);
        }
      },
    ),
  ],
});

/** Label names and values of a backend. A service port may be given by name; its number is then reported as 0. */
function backendLabels({ service, resource }: Backend): readonly LabelValue[] {
  if (service) return ['service_name', service.name, 'service_port', String(service.port?.number ?? 0)];
  return ['resource_api_group', resource?.apiGroup, 'resource_kind', resource?.kind, 'resource_name', resource?.name];
}
