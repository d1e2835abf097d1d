import type { KubeObject } from '../../../kube/object.ts';
import { annotations, created, type List, labels, namespaced, plainInfo, series } from '../common.ts';
import { defineResource } from '../resource.ts';

interface Endpoints extends KubeObject {
  readonly subsets?: List<{
    readonly addresses?: List<Address>;
    readonly notReadyAddresses?: List<Address>;
    readonly ports?: List<Port>;
  }>;
}

interface Address {
  readonly ip?: string;
}

interface Port {
  readonly name?: string;
  readonly protocol?: string;
  readonly port?: number;
}

/** Endpoints, the predecessor of EndpointSlices: each address of a service with each of its ports. */
export const endpoints = defineResource<Endpoints>({
  name: 'endpoints',
  kind: 'Endpoints',
  apiVersion: 'v1',
  namespaced: true,
  enabled: false,
  identity: namespaced('endpoint'),
  families: [
    plainInfo('kube_endpoint'),
    created('kube_endpoint'),
    annotations('kube_endpoint'),
    labels('kube_endpoint'),
    series(
      'kube_endpoint_address',
      'STABLE',
      'Addresses behind the service, with their ports.',
      ['port_protocol', 'port_number', 'port_name', 'ip', 'ready'],
      ({ subsets }, emit) => {
        for (const { addresses, notReadyAddresses, ports } of subsets ?? []) {
          for (const { protocol, port, name } of ports ?? []) {
            const number = String(port ?? 0);
            for (const { ip } of addresses ?? []) emit(1, protocol, number, name, ip, 'true');
            for (const { ip } of notReadyAddresses ?? []) emit(1, protocol, number, name, ip, 'false');
          }
        }
      },
    ),
    series(
      'kube_endpoint_ports',
      'STABLE',
      'Ports of the addresses; kube_endpoint_address includes them as well.',
      ['port_name', 'port_protocol', 'port_number'],
      ({ subsets }, emit) => {
        for (const { ports } of subsets ?? []) {
          for (const { name, protocol, port } of ports ?? []) emit(1, name, protocol, String(port ?? 0));
        }
      },
    ),
  ],
});
