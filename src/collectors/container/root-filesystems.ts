// The file systems of the host, as a kubelet reports them on the row of the root cgroup: proc_pid_mountinfo(5),
// statfs(2) and /proc/diskstats (Documentation/admin-guide/iostats.rst).
import { type DiskStats, parseDiskstats } from '../../host/diskstats.ts';
import type { Host } from '../../host/host.ts';
import { blockingMounts, type Mount, readMounts } from '../../host/mounts.ts';
import { BlockingSpace, localSpace } from '../../host/statfs.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { escapeLabelValue } from '../../metrics/text/format.ts';
import type { CgroupRow } from './row.ts';
import { CGROUP_LABELS, deviceSeries, type FieldSeries } from './series.ts';

/** Space of a file system, and the I/O of its disk, if it has its own. */
interface Filesystem {
  readonly usage?: number;
  readonly limit?: number;
  readonly inodesFree?: number;
  readonly inodes?: number;
  readonly disk?: DiskUse;
}

/** The fields of diskstats, in cAdvisor's units. */
interface DiskUse {
  readonly reads: number;
  readonly readsMerged: number;
  readonly sectorsRead: number;
  readonly readTime: number;
  readonly writes: number;
  readonly writesMerged: number;
  readonly sectorsWritten: number;
  readonly writeTime: number;
  readonly inFlight: number;
  readonly time: number;
  readonly weightedTime: number;
}

const LABELS = [...CGROUP_LABELS, 'device'];

const series = <Of>(family: Family, field: FieldSeries<Of>['field']): FieldSeries<Of> => ({
  family,
  field,
  tail: '}',
  isCommon: false,
});

const space: readonly FieldSeries<Filesystem>[] = [
  series(gauge('container_fs_usage_bytes', 'Bytes used, for the root cgroup only.', LABELS), 'usage'),
  series(gauge('container_fs_limit_bytes', 'Size, for the root cgroup only.', LABELS), 'limit'),
  series(gauge('container_fs_inodes_free', 'Free inodes, for the root cgroup only.', LABELS), 'inodesFree'),
  series(gauge('container_fs_inodes_total', 'Inodes, for the root cgroup only.', LABELS), 'inodes'),
];

const TOO_SMALL = 'a millionth of the true value, as cAdvisor treats milliseconds as nanoseconds';

const disk: readonly FieldSeries<DiskUse>[] = [
  series(counter('container_fs_sector_reads_total', 'Sectors of 512 bytes read from the disk.', LABELS), 'sectorsRead'),
  series(counter('container_fs_sector_writes_total', 'Sectors of 512 bytes written.', LABELS), 'sectorsWritten'),
  series(counter('container_fs_reads_merged_total', 'Reads merged with others.', LABELS), 'readsMerged'),
  series(counter('container_fs_writes_merged_total', 'Writes merged with others.', LABELS), 'writesMerged'),
  series(counter('container_fs_read_seconds_total', `Time of all reads: ${TOO_SMALL}.`, LABELS), 'readTime'),
  series(counter('container_fs_write_seconds_total', `Time of all writes: ${TOO_SMALL}.`, LABELS), 'writeTime'),
  series(gauge('container_fs_io_current', 'Requests in flight.', LABELS), 'inFlight'),
  series(counter('container_fs_io_time_seconds_total', `Time with I/O: ${TOO_SMALL}.`, LABELS), 'time'),
  series(
    counter('container_fs_io_time_weighted_seconds_total', `Time of all requests: ${TOO_SMALL}.`, LABELS),
    'weightedTime',
  ),
];

/** The root of v1 has no counts of its own for most disks. */
const requests: readonly FieldSeries<DiskUse>[] = deviceSeries.flatMap(({ family, field }) =>
  field === 'reads' || field === 'writes' ? [series<DiskUse>(family, field)] : [],
);

/** Families added by this file, in addition to those that all cgroups have. */
export const rootFilesystemFamilies = [...space, ...disk].map(({ family }) => family);

/**
 * Types that cAdvisor knows, in addition to those of `ext` and `nfs`; overlay, each of a container, is the same disk
 * again.
 */
const TYPES = new Set(['btrfs', 'tmpfs', 'xfs', 'zfs']);
const STATFS_DEADLINE_MS = 2000;

/** Adds the file systems to the row of the root cgroup. */
export class RootFilesystems {
  readonly #host: Host;
  readonly #blocking = new BlockingSpace(STATFS_DEADLINE_MS);

  constructor(host: Host) {
    this.#host = host;
  }

  /** `counted` are the devices whose reads and writes the row has already. */
  async add(out: Snapshot, row: CgroupRow, counted: ReadonlySet<string>): Promise<void> {
    const disks = this.#disks(out);
    const all = readMounts(this.#host);
    const mayBlock = blockingMounts(all);
    await Promise.all(
      [...deviceMounts(all)].map(async ([device, mount]) => {
        const answer = mayBlock(mount)
          ? await this.#blocking.ask(mount.path, `${mount.major}:${mount.minor}`)
          : localSpace(mount.path);
        const subject = `,device="${escapeLabelValue(device)}"`;
        if (!('error' in answer)) {
          const { sizeBytes, freeBytes, files, filesFree } = answer;
          const values = { usage: sizeBytes - freeBytes, limit: sizeBytes, inodesFree: filesFree, inodes: files };
          row.addSubject(out, subject, space, values);
        }
        const stats = disks.get(device);
        if (stats === undefined) return;
        row.addSubject(out, subject, disk, stats);
        if (!counted.has(device)) row.addSubject(out, subject, requests, stats);
      }),
    );
  }

  /** Read failures affect the values of disks, not of space. */
  #disks(out: Snapshot): ReadonlyMap<string, DiskUse> {
    const path = this.#host.proc('diskstats');
    try {
      const text = this.#host.readIfExists(path);
      return text === undefined ? new Map() : disksByName(parseDiskstats(out, path, text));
    } catch (cause) {
      out.lose('disks', cause);
      return new Map();
    }
  }
}

/** The first mount of each device; a tmpfs, which has none, goes by its mount point. */
function deviceMounts(mounts: readonly Mount[]): Map<string, Mount> {
  const devices = new Map<string, Mount>();
  for (const mount of mounts) {
    const { fsType, device, mountPoint } = mount;
    if (!TYPES.has(fsType) && !/^(?:ext|nfs)/.test(fsType)) continue;
    const name = fsType === 'tmpfs' ? mountPoint : device;
    if (!devices.has(name)) devices.set(name, mount);
  }
  return devices;
}

/** Milliseconds treated as nanoseconds. */
const MISTAKEN = 1e9;

/** Disks and partitions by name, `/dev/sda`. */
const disksByName = (disks: readonly DiskStats[]): Map<string, DiskUse> =>
  new Map(
    disks.map(({ device, readMs, writeMs, ioMs, weightedMs, ...counts }) => [
      `/dev/${device}`,
      {
        ...counts,
        readTime: readMs / MISTAKEN,
        writeTime: writeMs / MISTAKEN,
        time: ioMs / MISTAKEN,
        weightedTime: weightedMs / MISTAKEN,
      },
    ]),
  );
