// Space of the mounted file systems: proc_pid_mountinfo(5) and statfs(2). Present on every Linux host.
import * as z from 'zod';
import { duration, pattern } from '../../config/units.ts';
import { DeniedFile, WrongNamespace } from '../../host/errors.ts';
import { blockingMounts, isReadOnly, type Mount, readMounts } from '../../host/mounts.ts';
import { OwnMounts } from '../../host/own-mounts.ts';
import { BlockingSpace, localSpace, type Space, type SpaceAnswer } from '../../host/statfs.ts';
import { type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';
import { nameFilter } from './name-filter.ts';

const MOUNT = ['device', 'mountpoint', 'fstype', 'device_error'];
const deviceError = gauge('node_filesystem_device_error', 'Whether querying the file system failed.', MOUNT);
const readonly = gauge('node_filesystem_readonly', 'Whether the file system is read-only.', MOUNT);
const mountInfo = gauge('node_filesystem_mount_info', 'Always 1; the device numbers of the mount.', [
  'device',
  'major',
  'minor',
  'mountpoint',
]);
const spaceFamilies: readonly (readonly [keyof Space, Family])[] = [
  ['sizeBytes', gauge('node_filesystem_size_bytes', 'Size.', MOUNT)],
  ['freeBytes', gauge('node_filesystem_free_bytes', 'Free space, including blocks reserved for root.', MOUNT)],
  ['availableBytes', gauge('node_filesystem_avail_bytes', 'Free space available to unprivileged users.', MOUNT)],
  ['files', gauge('node_filesystem_files', 'Inodes; 0 if the file system has no fixed number.', MOUNT)],
  ['filesFree', gauge('node_filesystem_files_free', 'Free inodes.', MOUNT)],
];

const USUAL_MOUNT_POINTS =
  /^\/(dev|proc|run\/credentials\/.+|sys|var\/lib\/docker\/.+|var\/lib\/containers\/storage\/.+)($|\/)/;
const USUAL_FS_TYPES =
  /^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$/;

/** Mounts that a kubelet makes for a pod; its folder is not always /var/lib/kubelet. */
const OF_A_POD = /\/kubelet\/pods\//;
/** The words for EACCES in {@link SpaceAnswer}. */
const DENIED = 'permission denied';

const usual = (expression: RegExp) => `Default if neither is set: \`${expression.source}\`.`;

const options = z.strictObject({
  mountPointsInclude: pattern().optional().describe('Include only mount points that match.'),
  mountPointsExclude: pattern()
    .optional()
    .describe(`Exclude mount points that match. ${usual(USUAL_MOUNT_POINTS)}`),
  fsTypesInclude: pattern().optional().describe('Include only file system types that match.'),
  fsTypesExclude: pattern()
    .optional()
    .describe(`Exclude file system types that match. ${usual(USUAL_FS_TYPES)}`),
  mountTimeout: duration(10, 60_000)
    .prefault('5s')
    .describe('Timeout for network file systems; keep it below `push.deadline`.'),
});

/** Queries the space of the file system of a device at a path; may be slow, but always returns. */
type QuerySpace = (path: string, device: string) => Promise<SpaceAnswer>;

/** The collector with a replaceable query for file systems that may block, for tests of mounts that hang. */
export const filesystemWith = (blockingSpace: (deadlineMs: number) => QuerySpace) =>
  defineCollector({
    name: 'filesystem',
    enabled: true,
    summary:
      'Space and inodes of mounted file systems, from `/proc/1/mountinfo` and statfs(2). Memory mounted for pods (their ' +
      "secrets, tmpfs below the kubelet's `pods`) is included only when `mountPointsExclude` is set.",
    options,
    whenEmpty: 'no matching file systems are mounted',
    families: [...spaceFamilies.map(([, family]) => family), readonly, deviceError, mountInfo],
    create({ host }, settings) {
      const isWanted = mountFilter(settings);
      const ownMounts = new OwnMounts(host);
      const askBlocking = blockingSpace(settings.mountTimeout);
      return (out) => {
        const mounts = readMounts(host, out);
        const isReachable = ownMounts.refresh();
        const mayBlock = blockingMounts(mounts);
        const late: Promise<void>[] = [];
        for (const mount of lastOfEach(mounts.filter(isWanted))) {
          if (!isReachable(mount)) out.lose(LATER_MOUNTS, new WrongNamespace(`${mount.mountPoint} is not among them`));
          else if (!mayBlock(mount)) addMount(out, mount, localSpace(mount.path));
          else
            late.push(
              askBlocking(mount.path, `${mount.major}:${mount.minor}`).then((answer) => addMount(out, mount, answer)),
            );
        }
        return late.length > 0 ? Promise.all(late).then(() => {}) : undefined;
      };
    },
  });

/** Space of mounted file systems. */
export const filesystem = filesystemWith((deadlineMs) => {
  const space = new BlockingSpace(deadlineMs);
  return (path, device) => space.ask(path, device);
});

/** Without it, statfs(2) would report the file system below. */
const LATER_MOUNTS = 'file systems mounted after the agent has started';

function mountFilter(settings: z.output<typeof options>): (mount: Mount) => boolean {
  const { mountPointsInclude, mountPointsExclude, fsTypesInclude, fsTypesExclude } = settings;
  const points = { include: mountPointsInclude, exclude: mountPointsExclude };
  const isWantedPoint = nameFilter('filesystem.mountPoints', points, USUAL_MOUNT_POINTS);
  const types = { include: fsTypesInclude, exclude: fsTypesExclude };
  const isWantedType = nameFilter('filesystem.fsTypes', types, USUAL_FS_TYPES);
  return ({ fsType, mountPoint }) =>
    isWantedType(fsType) &&
    isWantedPoint(mountPoint) &&
    // One for each secret and token of each pod, which come and go with it and do not represent host storage.
    !(mountPointsExclude === undefined && fsType === 'tmpfs' && OF_A_POD.test(mountPoint));
}

/** One mount for each set of labels: only the last of several mounts on one point is reachable. */
const lastOfEach = (mounts: readonly Mount[]): Iterable<Mount> =>
  new Map(mounts.map((mount) => [[mount.device, mount.mountPoint, mount.fsType].join('\n'), mount])).values();

function addMount(out: Snapshot, mount: Mount, answer: SpaceAnswer): void {
  const error = 'error' in answer ? answer.error : '';
  if (error === DENIED && OF_A_POD.test(mount.mountPoint)) {
    out.lose('volumes of pods', new DeniedFile(mount.path));
    return;
  }
  const labels = [mount.device, mount.mountPoint, mount.fsType, error];
  out.add(deviceError, error ? 1 : 0, ...labels);
  out.add(readonly, isReadOnly(mount) ? 1 : 0, ...labels);
  if ('error' in answer) return;
  for (const [key, family] of spaceFamilies) out.add(family, answer[key], ...labels);
  out.add(mountInfo, 1, mount.device, mount.major, mount.minor, mount.mountPoint);
}
