import type { KubeObject } from '../../../kube/object.ts';
import { annotations, created, info, type List, labels, namespaced, series } from '../common.ts';
import { defineResource } from '../resource.ts';

interface EndpointSlice extends KubeObject {
  readonly addressType?: string;
  readonly endpoints?: List<Endpoint>;
  readonly ports?: List<{ readonly name?: string | null; readonly protocol?: string; readonly port?: number | null }>;
}

interface Endpoint {
  readonly addresses?: List<string>;
  readonly conditions?: {
    readonly ready?: boolean | null;
    readonly serving?: boolean | null;
    readonly terminating?: boolean | null;
  } | null;
  readonly hostname?: string | null;
  readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string } | null;
  readonly nodeName?: string | null;
  readonly zone?: string | null;
  readonly hints?: { readonly forZones?: List<{ readonly name?: string }> } | null;
}

/** EndpointSlices: the addresses behind a service, at most some hundred in one slice. */
export const endpointslices = defineResource<EndpointSlice>({
  name: 'endpointslices',
  kind: 'EndpointSlice',
  apiVersion: 'discovery.k8s.io/v1',
  namespaced: true,
  enabled: true,
  identity: namespaced('endpointslice'),
  families: [
    info('kube_endpointslice_info', 'ALPHA', 'The address type of the slice.', ['addresstype'], ({ addressType }) => [
      addressType,
    ]),
    created('kube_endpointslice', 'ALPHA'),
    series(
      'kube_endpointslice_endpoints_hints',
      'ALPHA',
      'Zones that should use an endpoint.',
      ['address', 'for_zone'],
      ({ endpoints }, emit) => {
        for (const { addresses, hints } of endpoints ?? []) {
          const address = addresses?.[0];
          if (address === undefined) continue;
          for (const { name } of hints?.forZones ?? []) emit(1, address, name);
        }
      },
    ),
    series(
      'kube_endpointslice_endpoints',
      'ALPHA',
      'Addresses of the slice, with the state and target of each.',
      [
        'ready',
        'serving',
        'hostname',
        'terminating',
        'targetref_kind',
        'targetref_name',
        'targetref_namespace',
        'endpoint_nodename',
        'endpoint_zone',
        'address',
      ],
      ({ endpoints }, emit) => {
        for (const { addresses, conditions, hostname, targetRef, nodeName, zone } of endpoints ?? []) {
          const values = [
            conditions?.ready?.toString(),
            conditions?.serving?.toString(),
            hostname,
            conditions?.terminating?.toString(),
            targetRef?.kind,
            targetRef?.name,
            targetRef?.namespace,
            nodeName,
            zone,
          ];
          for (const address of addresses ?? []) emit(1, ...values, address);
        }
      },
    ),
    series(
      'kube_endpointslice_ports',
      'ALPHA',
      'Ports of all addresses of the slice.',
      ['port_name', 'port_protocol', 'port_number'],
      ({ ports }, emit) => {
        for (const { name, protocol, port } of ports ?? []) emit(1, name, protocol, port?.toString());
      },
    ),
    annotations('kube_endpointslice'),
    labels('kube_endpointslice', 'ALPHA'),
  ],
});
