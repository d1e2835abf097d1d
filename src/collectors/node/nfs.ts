// /proc/net/rpc/nfs: requests of the NFS client. Absent if the nfs module is not loaded.
import { netPath } from '../../host/net-files.ts';
import { counter, type Family } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';
import { parseRpc, V2_METHODS, V3_METHODS, V4_CLIENT_METHODS } from './nfs-rpc.ts';

/** One number of a line, counted from 0. */
type Field = readonly [keyword: string, index: number, family: Family, ...labels: string[]];

const packets = counter('node_nfs_packets_total', 'Packets sent and received.', ['protocol']);
const requests = counter('node_nfs_requests_total', 'Requests by procedure and version of NFS.', ['method', 'proto']);

const fields: readonly Field[] = [
  ['net', 1, packets, 'udp'],
  ['net', 2, packets, 'tcp'],
  ['net', 3, counter('node_nfs_connections_total', 'TCP connections established.')],
  ['rpc', 0, counter('node_nfs_rpcs_total', 'RPCs made.')],
  ['rpc', 1, counter('node_nfs_rpc_retransmissions_total', 'RPCs retransmitted.')],
  ['rpc', 2, counter('node_nfs_rpc_authentication_refreshes_total', 'Credential refreshes.')],
];

const methods = [
  ['proc2', '2', V2_METHODS],
  ['proc3', '3', V3_METHODS],
  ['proc4', '4', V4_CLIENT_METHODS],
] as const;

const KNOWN: ReadonlySet<string> = new Set(['net', 'rpc', 'proc2', 'proc3', 'proc4']);

/** Requests of the NFS client. */
export const nfs = defineCollector({
  name: 'nfs',
  enabled: true,
  summary: 'Requests of the NFS client, from `/proc/net/rpc/nfs`.',
  options: NO_OPTIONS,
  families: [...new Set(fields.map(([, , family]) => family)), requests],
  create({ host }) {
    const path = netPath(host, 'rpc/nfs');
    return (out) => {
      const lines = parseRpc(out, path, host.read(path));
      for (const keyword of lines.keys()) if (!KNOWN.has(keyword)) out.lose(path, `unknown line ${keyword}`);
      for (const [keyword, index, family, ...labels] of fields) {
        const value = lines.get(keyword)?.[index];
        if (value !== undefined) out.add(family, value, ...labels);
      }
      for (const [keyword, version, names] of methods) {
        const counts = lines.get(keyword) ?? [];
        for (const [index, method] of names.entries()) {
          const value = counts[index];
          if (value !== undefined) out.add(requests, value, method, version);
        }
      }
    };
  },
});
