// /proc/1/mountstats: mounted NFS file systems, see mountstats-parse.ts. Nothing on hosts without NFS mounts.
import { zip } from '../../base/zip.ts';
import { DeniedFile, MissingFile } from '../../host/errors.ts';
import { mustShowFirst } from '../../host/first-process.ts';
import type { Host } from '../../host/host.ts';
import type { Losses } from '../../host/lines.ts';
import { clearBlanks, type Mount, parseMountinfo } from '../../host/mounts.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';
import { type NfsMount, parseMountstats } from './mountstats-parse.ts';

const MOUNT = ['export', 'protocol', 'mountaddr'];
const TRANSPORT = [...MOUNT, 'transport'];
const OPERATION = [...MOUNT, 'operation'];

const total = (name: string, help: string, labels: readonly string[]): Family =>
  counter(`node_mountstats_nfs_${name}_total`, help, labels);
const event = ([name = '', help = '']: readonly string[]): Family => total(`event_${name}`, help, MOUNT);

const info = gauge('node_mountstats_nfs_mountpoint_info', 'Always 1; a mount point of the export.', [
  ...MOUNT,
  'mountpoint',
]);
const age = total('age_seconds', 'Time since the export was mounted.', MOUNT);

/** By place in the line `bytes:`. */
const bytes: readonly Family[] = [
  total('read_bytes', 'Bytes read by applications without direct I/O.', MOUNT),
  total('write_bytes', 'Bytes written by applications without direct I/O.', MOUNT),
  total('direct_read_bytes', 'Bytes read by applications with direct I/O.', MOUNT),
  total('direct_write_bytes', 'Bytes written by applications with direct I/O.', MOUNT),
  total('total_read_bytes', 'Bytes read from the server.', MOUNT),
  total('total_write_bytes', 'Bytes written to the server.', MOUNT),
  total('read_pages', 'Pages read into the page cache.', MOUNT),
  total('write_pages', 'Pages written from the page cache.', MOUNT),
];

/** By place in the line `events:`; undefined for one that is not exported. */
const events: readonly (Family | undefined)[] = [
  ...[
    ['inode_revalidate', 'Cached attributes of inodes revalidated with the server.'],
    ['dnode_revalidate', 'Cached directory entries revalidated with the server.'],
    ['data_invalidate', 'Invalidations of the cached data of an inode.'],
    ['attribute_invalidate', 'Invalidations of the cached attributes of an inode.'],
    ['vfs_open', 'Files and directories opened.'],
    ['vfs_lookup', 'Names looked up in directories.'],
    ['vfs_access', 'Permission checks.'],
    ['vfs_update_page', 'Updates of cached pages, which may cause writes.'],
    ['vfs_read_page', 'Reads of a single page.'],
    ['vfs_read_pages', 'Reads of a group of pages.'],
    ['vfs_write_page', 'Writes of a single page.'],
    ['vfs_write_pages', 'Writes of a group of pages.'],
    ['vfs_getdents', 'Reads of directory entries.'],
    ['vfs_setattr', 'Changes to the attributes of inodes.'],
    ['vfs_flush', 'Flushes of pending writes to the server.'],
    ['vfs_fsync', 'Calls to fsync on files and directories.'],
    ['vfs_lock', 'Lock requests on files.'],
    ['vfs_file_release', 'Files closed and released.'],
  ].map(event),
  // Congestion waits, which node_exporter does not export either.
  undefined,
  ...[
    ['truncation', 'Truncations of files.'],
    ['write_extension', 'Writes beyond the end of a file.'],
    ['silly_rename', 'Files removed while open, and therefore renamed until they are closed.'],
    ['short_read', 'Reads for which the server returned less data than requested.'],
    ['short_write', 'Writes of which the server wrote less data than requested.'],
    ['jukebox_delay', 'Requests delayed because the server was not ready (EJUKEBOX, NFS4ERR_DELAY).'],
    ['pnfs_read', 'Reads through pNFS.'],
    ['pnfs_write', 'Writes through pNFS.'],
  ].map(event),
];

/** By place in the numbers of a line `xprt:`. */
const transports: readonly (readonly [index: number, family: Family])[] = [
  [1, total('transport_bind', 'Number of times the client bound to a new port.', TRANSPORT)],
  [2, total('transport_connect', 'Connections established to the server.', TRANSPORT)],
  [4, gauge('node_mountstats_nfs_transport_idle_time_seconds', 'Time since the last request.', TRANSPORT)],
  [5, total('transport_sends', 'Requests sent.', TRANSPORT)],
  [6, total('transport_receives', 'Replies received.', TRANSPORT)],
  [7, total('transport_bad_transaction_ids', 'Replies that match no outstanding request.', TRANSPORT)],
  [
    9,
    total('transport_backlog_queue', 'Sum of the lengths of the backlog queue, sampled at every request.', TRANSPORT),
  ],
  [10, gauge('node_mountstats_nfs_transport_maximum_rpc_slots', 'Peak number of concurrent requests.', TRANSPORT)],
  [
    11,
    total('transport_sending_queue', 'Sum of the lengths of the sending queue, sampled at every request.', TRANSPORT),
  ],
  [
    12,
    total('transport_pending_queue', 'Sum of the lengths of the pending queue, sampled at every request.', TRANSPORT),
  ],
];

/** By place in the line of an operation, with the factor to base units. */
const operations: readonly (readonly [family: Family, divisor: number])[] = [
  [total('operations_requests', 'Requests of the operation.', OPERATION), 1],
  [total('operations_transmissions', 'Requests transmitted, including retransmissions.', OPERATION), 1],
  [total('operations_major_timeouts', 'Requests that ended in a major timeout.', OPERATION), 1],
  [total('operations_sent_bytes', 'Bytes sent.', OPERATION), 1],
  [total('operations_received_bytes', 'Bytes received.', OPERATION), 1],
  [
    total('operations_queue_time_seconds', 'Time that requests waited in the queue before transmission.', OPERATION),
    1000,
  ],
  [total('operations_response_time_seconds', 'Time from transmission to reply (round-trip time).', OPERATION), 1000],
  [total('operations_request_time_seconds', 'Time from queueing to completion.', OPERATION), 1000],
];

/** NFS mounts. */
export const mountstats = defineCollector({
  name: 'mountstats',
  enabled: false,
  summary: 'Bytes, events, transports and operations of NFS mounts, from `/proc/1/mountstats`.',
  options: NO_OPTIONS,
  whenEmpty: 'no NFS file system is mounted',
  families: [
    info,
    age,
    ...bytes,
    ...events.filter((family) => family !== undefined),
    ...transports.map(([, family]) => family),
    ...operations.map(([family]) => family),
  ],
  create({ host }) {
    return (out) => {
      const { mounts, addressOf } = readMounts(out, host);
      if (mounts.length === 0) return;
      const shownMounts = new Set<string>();
      const shownPoints = new Set<string>();
      for (const mount of mounts) {
        const address = out.attempt(mount.mountPoint, () => addressOf(mount.mountPoint));
        if (address === undefined) continue;
        for (const { protocol } of mount.transports) {
          const labels = [mount.device, protocol, address];
          // Mounts of one export share their statistics; these are reported once, and all mount points are listed.
          if (isNew(shownPoints, [...labels, mount.mountPoint])) out.add(info, 1, ...labels, mount.mountPoint);
          if (isNew(shownMounts, labels)) addMount(out, mount, labels);
        }
      }
    };
  },
});

function isNew(seen: Set<string>, labels: readonly string[]): boolean {
  const size = seen.size;
  return seen.add(labels.join('\n')).size > size;
}

function addMount(out: Snapshot, mount: NfsMount, labels: readonly string[]): void {
  if (mount.age !== undefined) out.add(age, mount.age, ...labels);
  const addAll = (families: readonly (Family | undefined)[], counts: readonly number[]) => {
    for (const [index, count] of counts.entries()) {
      const family = families[index];
      if (family) out.add(family, count, ...labels);
    }
  };
  addAll(bytes, mount.bytes);
  addAll(events, mount.events);
  for (const [number, { counts }] of mount.transports.entries()) {
    // Statistics of version 1.0 end after the tenth number.
    for (const [index, family] of transports) {
      const value = counts[index];
      if (value !== undefined) out.add(family, value, ...labels, String(number));
    }
  }
  for (const { name, counts } of mount.operations) {
    for (const [[family, divisor], count] of zip(operations, counts)) {
      out.add(family, count / divisor, ...labels, name);
    }
  }
}

interface Mounts {
  readonly mounts: readonly NfsMount[];
  /** The server address of the mount; empty if it is not given. Throws without such a mount. */
  readonly addressOf: (mountPoint: string) => string;
}

/**
 * Those of the host's first process or, outside of a container, of this process if that is hidden. Throws
 * WrongNamespace.
 */
function readMounts(lost: Losses, host: Host): Mounts {
  try {
    return readMountsOf(lost, host, '1');
  } catch (cause) {
    if (!(cause instanceof MissingFile || cause instanceof DeniedFile)) throw cause;
    mustShowFirst(host, 'its list of mounts');
    return readMountsOf(lost, host, 'self');
  }
}

function readMountsOf(lost: Losses, host: Host, process: string): Mounts {
  const path = host.proc(process, 'mountstats');
  const mounts = parseMountstats(lost, path, host.read(path));
  if (mounts.length === 0) return { mounts, addressOf: () => '' };
  const infoPath = host.proc(process, 'mountinfo');
  const infos = new Map<string, Mount>();
  for (const info of parseMountinfo(infoPath, host.read(infoPath), '/', lost)) infos.set(info.mountPoint, info);
  const addressOf = (mountPoint: string) => {
    const info = infos.get(clearBlanks(mountPoint));
    if (info === undefined) throw new Error(`${infoPath} has no mount at ${mountPoint}`);
    return info.superOptions.find((option) => option.startsWith('addr='))?.slice('addr='.length) ?? '';
  };
  return { mounts, addressOf };
}
