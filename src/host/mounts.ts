import { DeniedFile, MissingFile } from './errors.ts';
import { isFirstHidden, mustShowFirst } from './first-process.ts';
import type { Host } from './host.ts';
import { eachLine, eachRecord, type Losses } from './lines.ts';

/** One line of proc_pid_mountinfo(5). */
export interface Mount {
  readonly major: string;
  readonly minor: string;
  /** The mount source: a device, an export, or a word such as `tmpfs`. */
  readonly device: string;
  /** Where it is mounted, as seen by the host; the kernel's escapes for newline, backslash and `#` are preserved. */
  readonly mountPoint: string;
  /** Whether its line has a path below the host's root as mounted here. */
  readonly isBelowRoot: boolean;
  /** Its path as seen by the agent, without escapes. */
  readonly path: string;
  readonly fsType: string;
  readonly options: readonly string[];
  /** Options of the file system, which all its mounts share. */
  readonly superOptions: readonly string[];
}

/**
 * The mounts of the host's first process, each after those it covers. If that process is hidden (`hidepid`), those of
 * this process; in a pod, only those below the mounted root of the host. With `lost`, a malformed line is recorded
 * there and skipped. Throws MissingFile, DeniedFile, UnreadableFile, WrongNamespace if no mount of the host is visible,
 * and MalformedFile without `lost`.
 */
export function readMounts(host: Host, lost?: Losses): Mount[] {
  const { rootfs } = host.paths;
  const read = (path: string) => parseMountinfo(path, host.read(path), rootfs, lost);
  try {
    return read(host.proc('1/mountinfo'));
  } catch (cause) {
    if (!(cause instanceof MissingFile || cause instanceof DeniedFile)) throw cause;
    const own = read(host.proc('self/mountinfo'));
    if (!isFirstHidden(host)) return own;
    const hosts = own.filter(({ isBelowRoot }) => isBelowRoot);
    if (rootfs === '/' || hosts.length === 0) mustShowFirst(host, 'its list of mounts');
    return hosts;
  }
}

/**
 * The mounts of a mountinfo file on a host whose root is mounted at `rootfs`. With `lost`, a malformed line is recorded
 * there and skipped; else throws MalformedFile.
 */
export function parseMountinfo(path: string, text: string, rootfs = '/', lost?: Losses): Mount[] {
  const mounts: Mount[] = [];
  const root = rootfs.replace(/\/+$/, '');
  const take = (line: string) => {
    // 36 35 98:0 /root /mount/point options [optional fields] - type source superoptions
    const fields = line.split(' ');
    const [, , numbers = '', , point = '', options = ''] = fields;
    const separator = fields.indexOf('-', 6);
    const [fsType, device, superOptions] = fields.slice(separator + 1);
    if (separator === -1 || fsType === undefined || device === undefined || superOptions === undefined) {
      throw new Error('expected a mount with type, source and options after "-"');
    }
    const [major = '', minor = ''] = numbers.split(':');
    // In a container that shares the mounts of the host, the host's own lie below its root.
    const isBelow = point === root || point.startsWith(`${root}/`);
    const mountPoint = inClear(isBelow ? point.slice(root.length) || '/' : point, BLANK_ESCAPE);
    mounts.push({
      major,
      minor,
      device,
      mountPoint,
      isBelowRoot: isBelow,
      path: `${root}${inClear(mountPoint, ANY_ESCAPE)}`,
      fsType,
      options: options.split(','),
      superOptions: superOptions.split(','),
    });
  };
  if (lost) eachRecord(lost, path, text, take);
  else eachLine(path, text, take);
  return mounts;
}

const ANY_ESCAPE = /\\([0-7]{3})/g;
/** Escapes that node_exporter's labels show decoded. */
const BLANK_ESCAPE = /\\(040|011)/g;

/** A mount point as the kernel's other files print it, with its blanks unescaped as in {@link Mount.mountPoint}. */
export const clearBlanks = (point: string): string => inClear(point, BLANK_ESCAPE);

const inClear = (text: string, escapes: RegExp): string =>
  text.includes('\\') ? text.replace(escapes, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))) : text;

/** Whether the mount is read-only: the mount or its file system is set so, or the kernel made it so after an error. */
export const isReadOnly = ({ options, superOptions }: Mount): boolean =>
  options.includes('ro') || superOptions.includes('ro') || superOptions.includes('emergency_ro');

/** Types whose files come from another machine or from another process, so that a call may block forever. */
const REMOTE_TYPES = new Set(
  [
    ['nfs', 'nfs4', 'cifs', 'smb3', 'smbfs', 'afs', 'coda', 'ncpfs', '9p', 'virtiofs', 'vboxsf', 'fuse', 'fuseblk'],
    ['ceph', 'glusterfs', 'lustre', 'beegfs', 'gpfs', 'orangefs', 'pvfs2', 'panfs', 'wekafs', 'gfs2', 'ocfs2', 'acfs'],
    // Not remote itself, but accessing it triggers the automounter, whose mount may be remote.
    ['autofs'],
  ].flat(),
);

/** Returns which of `mounts` may block callers: remote mounts, and mounts below a remote one. */
export function blockingMounts(mounts: readonly Mount[]): (mount: Mount) => boolean {
  const isRemote = ({ fsType }: Mount) => REMOTE_TYPES.has(fsType) || fsType.startsWith('fuse.');
  const roots = mounts.filter(isRemote).map(({ path }) => `${path}/`);
  return (mount) => isRemote(mount) || roots.some((root) => mount.path.startsWith(root));
}
