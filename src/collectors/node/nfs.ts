// /proc/net/rpc/nfs: requests of the NFS client. Absent if the nfs module is not loaded.
import { netPath } from '../../host/net-files.ts';
import { counter } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';
import { addRpc, type RpcField, type RpcMethods, V2_METHODS, V3_METHODS, V4_CLIENT_METHODS } from './nfs-rpc.ts';

const packets = counter('node_nfs_packets_total', 'Packets sent and received.', ['protocol']);
const requests = counter('node_nfs_requests_total', 'Requests by procedure and version of NFS.', ['method', 'proto']);

const fields: readonly RpcField[] = [
  ['net', 1, packets, 'udp'],
  ['net', 2, packets, 'tcp'],
  ['net', 3, counter('node_nfs_connections_total', 'TCP connections established.')],
  ['rpc', 0, counter('node_nfs_rpcs_total', 'RPCs made.')],
  ['rpc', 1, counter('node_nfs_rpc_retransmissions_total', 'RPCs retransmitted.')],
  ['rpc', 2, counter('node_nfs_rpc_authentication_refreshes_total', 'Credential refreshes.')],
];

const methods: readonly RpcMethods[] = [
  ['proc2', '2', 0, V2_METHODS],
  ['proc3', '3', 0, V3_METHODS],
  ['proc4', '4', 0, V4_CLIENT_METHODS],
];

const known: ReadonlySet<string> = new Set([...fields, ...methods].map(([keyword]) => keyword));

/** Requests of the NFS client. */
export const nfs = defineCollector({
  name: 'nfs',
  enabled: true,
  summary: 'Requests of the NFS client, from `/proc/net/rpc/nfs`.',
  options: NO_OPTIONS,
  families: [...new Set(fields.map(([, , family]) => family)), requests],
  create({ host }) {
    const path = netPath(host, 'rpc/nfs');
    return (out) => addRpc(out, path, host.read(path), { fields, methods, requests, known });
  },
});
