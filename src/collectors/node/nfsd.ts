// /proc/net/rpc/nfsd: requests to the NFS server. Absent if the nfsd module is not loaded.
import { netPath } from '../../host/net-files.ts';
import { counter, gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';
import { addRpc, type RpcField, type RpcMethods, V2_METHODS, V3_METHODS, V4_OPERATIONS } from './nfs-rpc.ts';

const packets = counter('node_nfsd_packets_total', 'Packets received.', ['proto']);
const errors = counter('node_nfsd_rpc_errors_total', 'RPCs rejected, by reason.', ['error']);
const requests = counter('node_nfsd_requests_total', 'Requests by procedure and version of NFS.', ['method', 'proto']);

const fields: readonly RpcField[] = [
  ['rc', 0, counter('node_nfsd_reply_cache_hits_total', 'Retransmitted requests answered from the reply cache.')],
  ['rc', 1, counter('node_nfsd_reply_cache_misses_total', 'Requests whose reply was added to the reply cache.')],
  ['rc', 2, counter('node_nfsd_reply_cache_nocache_total', 'Requests whose reply need not be cached.')],
  ['fh', 0, counter('node_nfsd_file_handles_stale_total', 'Requests with a stale file handle.')],
  ['io', 0, counter('node_nfsd_disk_bytes_read_total', 'Bytes read by clients.')],
  ['io', 1, counter('node_nfsd_disk_bytes_written_total', 'Bytes written by clients.')],
  ['th', 0, gauge('node_nfsd_server_threads', 'Threads of the server.')],
  ['ra', 0, gauge('node_nfsd_read_ahead_cache_size_blocks', 'Size of the read-ahead cache, in entries.')],
  ['ra', 11, counter('node_nfsd_read_ahead_cache_not_found_total', 'Read-ahead cache misses.')],
  ['net', 1, packets, 'udp'],
  ['net', 2, packets, 'tcp'],
  ['net', 3, counter('node_nfsd_connections_total', 'TCP connections accepted.')],
  ['rpc', 0, counter('node_nfsd_server_rpcs_total', 'RPCs served.')],
  ['rpc', 2, errors, 'fmt'],
  ['rpc', 3, errors, 'auth'],
  ['rpc', 4, errors, 'cInt'],
  ['wdeleg_getattr', 0, requests, 'WdelegGetattr', '4'],
];

const methods: readonly RpcMethods[] = [
  ['proc2', '2', 1, V2_METHODS.slice(1)],
  ['proc3', '3', 1, V3_METHODS.slice(1)],
  ['proc4ops', '4', 3, V4_OPERATIONS],
];

const known: ReadonlySet<string> = new Set([...fields, ...methods].map(([keyword]) => keyword)).add('proc4');

/** Requests to the NFS server. */
export const nfsd = defineCollector({
  name: 'nfsd',
  enabled: true,
  summary: 'Requests, caches, threads and traffic of the NFS server, from `/proc/net/rpc/nfsd`.',
  options: NO_OPTIONS,
  families: [...new Set(fields.map(([, , family]) => family))],
  create({ host }) {
    const path = netPath(host, 'rpc/nfsd');
    return (out) => addRpc(out, path, host.read(path), { fields, methods, requests, known });
  },
});
