import type { KubeObject } from '../../../kube/object.ts';
import {
  annotations,
  type Condition,
  clusterWide,
  created,
  deletionTimestamp,
  flag,
  info,
  type List,
  labels,
  series,
  single,
  statusConditions,
} from '../common.ts';
import { defineResource } from '../resource.ts';
import { type Amounts, emitAmounts } from '../resource-units.ts';

interface Node extends KubeObject {
  readonly spec?: {
    readonly podCIDR?: string;
    readonly podCIDRs?: List<string>;
    readonly providerID?: string;
    readonly taints?: List<{ readonly key?: string; readonly value?: string; readonly effect?: string }>;
    readonly unschedulable?: boolean;
  } | null;
  readonly status?: {
    readonly addresses?: List<{ readonly type?: string; readonly address?: string }>;
    readonly allocatable?: Amounts;
    readonly capacity?: Amounts;
    readonly conditions?: List<Condition>;
    readonly nodeInfo?: {
      readonly kernelVersion?: string;
      readonly osImage?: string;
      readonly containerRuntimeVersion?: string;
      readonly kubeletVersion?: string;
      readonly systemUUID?: string;
    } | null;
  } | null;
}

const ROLE_PREFIX = 'node-role.kubernetes.io/';

/** Nodes: software, status and resources. */
export const nodes = defineResource<Node>({
  name: 'nodes',
  kind: 'Node',
  apiVersion: 'v1',
  namespaced: false,
  enabled: true,
  identity: clusterWide('node'),
  families: [
    annotations('kube_node'),
    created('kube_node'),
    deletionTimestamp('kube_node'),
    info(
      'kube_node_info',
      'STABLE',
      'Software versions and addresses of the node.',
      [
        'kernel_version',
        'os_image',
        'container_runtime_version',
        'kubelet_version',
        'kubeproxy_version',
        'provider_id',
        'pod_cidr',
        'system_uuid',
        'internal_ip',
      ],
      ({ spec, status }) => [
        status?.nodeInfo?.kernelVersion,
        status?.nodeInfo?.osImage,
        status?.nodeInfo?.containerRuntimeVersion,
        status?.nodeInfo?.kubeletVersion,
        // The API no longer provides it; kube-state-metrics still has the label.
        'deprecated',
        spec?.providerID,
        spec?.podCIDR,
        status?.nodeInfo?.systemUUID,
        status?.addresses?.findLast(({ type }) => type === 'InternalIP')?.address,
      ],
    ),
    labels('kube_node'),
    series('kube_node_role', 'ALPHA', 'Roles of the node, from its labels.', ['role'], ({ metadata }, emit) => {
      for (const label of Object.keys(metadata?.labels ?? {})) {
        if (label.startsWith(ROLE_PREFIX)) emit(1, label.slice(ROLE_PREFIX.length));
      }
    }),
    series(
      'kube_node_spec_pod_cidrs',
      'ALPHA',
      'Address ranges (CIDRs) assigned to the pods of the node.',
      ['pod_cidr'],
      ({ spec }, emit) => {
        for (const cidr of spec?.podCIDRs ?? []) emit(1, cidr);
      },
    ),
    series('kube_node_spec_taint', 'STABLE', 'Taints of the node.', ['key', 'value', 'effect'], ({ spec }, emit) => {
      for (const { key, value, effect } of spec?.taints ?? []) emit(1, key, value, effect);
    }),
    single(
      'kube_node_spec_unschedulable',
      'STABLE',
      'Whether the node is cordoned: new pods are not scheduled to it.',
      ({ spec }) => flag(spec?.unschedulable),
    ),
    series(
      'kube_node_status_allocatable',
      'STABLE',
      'Resources of the node that are allocatable to pods.',
      ['resource', 'unit'],
      ({ status }, emit) => emitAmounts(emit, status?.allocatable, 'node'),
    ),
    series(
      'kube_node_status_capacity',
      'STABLE',
      'Capacity of the node, by resource.',
      ['resource', 'unit'],
      ({ status }, emit) => emitAmounts(emit, status?.capacity, 'node'),
    ),
    statusConditions('kube_node', 'STABLE', ({ status }) => status?.conditions),
    series('kube_node_status_addresses', 'ALPHA', 'Addresses of the node.', ['type', 'address'], ({ status }, emit) => {
      for (const { type, address } of status?.addresses ?? []) emit(1, type, address);
    }),
  ],
});
