// Which processes a cgroup holds, by the ids in the mounted procfs: cgroups(7), pid_namespaces(7).
import { basename } from 'node:path';
import type { Turns } from '../../base/turns.ts';
import { readableAttribute } from '../../host/attributes.ts';
import { classifyCgroupPath } from '../../host/cgroup-path.ts';
import type { Host } from '../../host/host.ts';
import { Namespaces } from '../../host/namespaces.ts';
import type { Cgroup } from './discovery.ts';
import type { Hierarchy } from './hierarchy.ts';
import { processIds } from './processes.ts';
import { folderOf } from './reading.ts';

/** A process that represents its container. */
export interface ContainerProcess {
  /** Its id in the mounted procfs. */
  readonly pid: string;
  /** Its folder there. */
  readonly folder: string;
  /** The inode of its folder there, which a later process of the same id does not have. */
  readonly inode: number;
}

/** The result of a scan of procfs. */
interface Table {
  /** By path of the cgroup, below the root of its tree. */
  readonly byPath: ReadonlyMap<string, readonly string[]>;
  /** By id of the container, those of cgroups below the container's own among them. */
  readonly byContainer: ReadonlyMap<string, readonly string[]>;
  /** Whether the paths are those below the root; without it, only containers are known. */
  readonly isExact: boolean;
}

/** A scan without a result is not repeated for up to this many cycles. */
const LONGEST_PAUSE = 8;
/** Cycles in which the agent's own container is searched for: it may not run in one. */
const SEARCHES = 3;
const PID = /^\d+$/;

/**
 * Finds processes. `cgroup.procs` has ids of the reader's PID namespace: read in another namespace than that of the
 * mounted procfs, as in a pod without hostPID, the file is empty (v1) or has zeros (v2). Then `/proc/<pid>/cgroup`,
 * which is open to everyone, says where each process is. That is one file per process, so it is only read if a cgroup
 * is new or a process has exited.
 */
export class ProcessFinder {
  readonly #host: Host;
  readonly #tree: string;
  readonly #cgroups: () => Iterable<Cgroup | undefined>;
  /** How the line of `/proc/<pid>/cgroup` is found that has the path in this tree. */
  readonly #isLine: (id: string, controllers: string) => boolean;
  /** Whether `cgroup.procs` has the ids of the mounted procfs. */
  readonly #isShared: boolean;
  #table: Table | undefined;
  /** Number of processes not found since the last cycle began. */
  #missed = 0;
  #pause = 0;
  #cyclesUntilScan = 0;
  /** What {@link #findOwnPath} found. */
  #ownPath: string | undefined;
  #searches = 0;

  /** `cgroups` returns all existing ones. */
  constructor(host: Host, { version, tree }: Hierarchy, cgroups: () => Iterable<Cgroup | undefined>) {
    this.#host = host;
    this.#cgroups = cgroups;
    this.#tree = tree;
    const [controller = ''] = basename(tree).split(',');
    this.#isLine = version === 2 ? (id) => id === '0' : (_, controllers) => controllers.split(',').includes(controller);
    this.#isShared = new Namespaces(host).isHosts('pid');
  }

  /**
   * Begins a cycle. Scans procfs if `isNeeded`, for example because a known process has exited, or if a process was not
   * found in the last cycle.
   */
  async begin(isNeeded: boolean, turns: Turns): Promise<void> {
    this.#table = undefined;
    if (!this.#isShared && this.#ownPath === undefined && this.#searches++ < SEARCHES)
      this.#ownPath = this.#findOwnPath();
    if (isNeeded && !this.#isShared) await this.expect(turns);
    else if (this.#missed > 0 && this.#cyclesUntilScan-- <= 0) {
      this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2 + 1);
      this.#cyclesUntilScan = this.#pause;
      await this.#scan(turns);
    }
    this.#missed = 0;
  }

  /** Makes sure that processes of new cgroups are known. */
  async expect(turns: Turns): Promise<void> {
    if (this.#isShared || this.#table !== undefined) return;
    this.#pause = 0;
    this.#cyclesUntilScan = 0;
    await this.#scan(turns);
  }

  /** The processes of a cgroup itself, without those of cgroups below it; undefined if unknown. */
  idsIn(id: string): readonly string[] | undefined {
    if (this.#isShared) return processIds(this.#host, folderOf(this.#tree, id));
    return this.#table?.isExact ? (this.#table.byPath.get(id) ?? []) : undefined;
  }

  /** A process of a container, the oldest that is known, also of a cgroup below it; undefined if none is found. */
  oneIn({ id, containerId }: Cgroup): ContainerProcess | undefined {
    const known = this.#table?.byContainer.get(containerId ?? '') ?? [];
    for (const pid of known.length > 0 || !this.#isShared ? known : (this.idsIn(id) ?? [])) {
      const folder = this.#host.proc(pid);
      const inode = this.#host.inode(folder);
      if (inode !== undefined) return { pid, folder, inode };
    }
    this.#missed++;
    return undefined;
  }

  /** Whether it is still running. */
  isAlive({ folder, inode }: ContainerProcess): boolean {
    return this.#host.inode(folder) === inode;
  }

  async #scan(turns: Turns): Promise<void> {
    const byPath = new Map<string, string[]>();
    const byContainer = new Map<string, string[]>();
    const add = (map: Map<string, string[]>, key: string, pid: string) => {
      const known = map.get(key);
      if (known === undefined) map.set(key, [pid]);
      else known.push(pid);
    };
    const pids = this.#host.list(this.#host.paths.procfs).filter((name) => PID.test(name));
    // The first process is in no container: seen from a cgroup namespace of our own, its path leads up.
    const isRelative = this.#pathOf('1')?.startsWith('/..') === true;
    for (const pid of pids.sort((one, other) => Number(one) - Number(other))) {
      if (turns.isOver) await turns.next();
      const shown = this.#pathOf(pid);
      if (shown === undefined) continue;
      const path = isRelative && this.#ownPath !== undefined ? resolve(this.#ownPath, shown) : shown;
      add(byPath, path, pid);
      const containerId = classifyCgroupPath(path)?.containerId;
      if (containerId !== undefined) add(byContainer, containerId, pid);
    }
    this.#table = { byPath, byContainer, isExact: !isRelative || this.#ownPath !== undefined };
  }

  /** The cgroup of a process as it is shown here; undefined if it has exited. */
  #pathOf(pid: string): string | undefined {
    const text = readableAttribute(this.#host, this.#host.proc(pid, 'cgroup'));
    for (const line of text?.split('\n') ?? []) {
      // 4:memory:/kubepods/besteffort/… or 0::/kubepods.slice/…
      const [id = '', controllers = ''] = line.split(':', 2);
      if (this.#isLine(id, controllers)) return line.slice(id.length + controllers.length + 2);
    }
    return undefined;
  }

  /**
   * The cgroup of this process, which is the one whose list has it; undefined if it is not in a container. In a cgroup
   * namespace of its own, all paths are shown relative to it: `/../../pod1/c`.
   */
  #findOwnPath(): string | undefined {
    const own = String(process.pid);
    for (const cgroup of this.#cgroups()) {
      if (cgroup?.kind !== 'container') continue;
      if (processIds(this.#host, folderOf(this.#tree, cgroup.id))?.includes(own)) return cgroup.id;
    }
    return undefined;
  }
}

/** The path that `relative`, such as `/../../pod1/c`, leads to from `base`. */
function resolve(base: string, relative: string): string {
  const segments = base.split('/').filter((segment) => segment !== '');
  for (const segment of relative.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}
