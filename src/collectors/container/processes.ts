// The processes of a cgroup: cgroup.procs, and /proc/<pid> as in proc_pid(5).
import { readdirSync, readlinkSync } from 'node:fs';
import { errorCode } from '../../base/error-text.ts';
import { fileError, MissingFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { softLimit } from '../../host/limits.ts';
import type { Hierarchy } from './hierarchy.ts';
import { folderOf } from './reading.ts';

const MAX_LIMITS_BYTES = 16 * 1024;

/** The files that a process has open. */
interface OpenFiles {
  readonly files: number;
  readonly sockets: number;
}

/**
 * The processes of the cgroup in `folder`, without those of cgroups below it. In a threaded cgroup, where the kernel
 * has no list of processes (EOPNOTSUPP), its threads. Undefined if there is no list at all.
 */
export function processIds(host: Host, folder: string): string[] | undefined {
  const text = host.attribute(`${folder}/cgroup.procs`) ?? host.attribute(`${folder}/cgroup.threads`);
  if (text === undefined) return undefined;
  return text === '' ? [] : text.split('\n');
}

/**
 * Whether a cgroup, or one below it, has processes, by files that show this in any PID namespace. True if both are
 * absent: v2 has one of them for each cgroup but the root, v1 the other with the pids controller.
 */
export function isPopulated(host: Host, { version, tree, controllers }: Hierarchy, id: string): boolean {
  const pids = version === 2 ? undefined : controllers.get('pids');
  const count = pids && host.attribute(`${folderOf(pids, id)}/pids.current`);
  const events = version === 2 ? host.attribute(`${folderOf(tree, id)}/cgroup.events`) : undefined;
  return count !== '0' && events?.includes('populated 0') !== true;
}

/** Name of a process; undefined if it has exited. */
export const nameOfProcess = (host: Host, pid: string): string | undefined => host.attribute(host.proc(pid, 'comm'));

/** Soft limit of open files; -1 for none, undefined if the process has exited. Throws MalformedFile. */
export function openFilesLimit(host: Host, pid: string): number | undefined {
  const path = host.proc(pid, 'limits');
  const bytes = Buffer.from(host.readIfExists(path, MAX_LIMITS_BYTES, 'numbers') ?? '', 'latin1');
  const soft = softLimit(path, bytes, bytes.length, 'openFiles');
  return soft === Number.POSITIVE_INFINITY ? -1 : soft;
}

/**
 * Counts the open files of processes; sockets, for which each link has to be read, only on demand. Undefined if all
 * processes have exited in the meantime. Throws DeniedFile.
 */
export function openFiles(host: Host, pids: readonly string[], withSockets: boolean): OpenFiles | undefined {
  let files = 0;
  let sockets = 0;
  let alive = pids.length;
  for (const pid of pids) {
    const folder = host.proc(pid, 'fd');
    try {
      const names = readdirSync(folder);
      files += names.length;
      if (withSockets) for (const name of names) if (isSocket(`${folder}/${name}`)) sockets++;
    } catch (cause) {
      const error = fileError(folder, cause);
      if (!(error instanceof MissingFile)) throw error;
      alive--;
    }
  }
  return alive === 0 && pids.length > 0 ? undefined : { files, sockets };
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:');
  } catch (cause) {
    // Closed in the meantime.
    if (errorCode(cause) === 'ENOENT') return false;
    throw cause;
  }
}
