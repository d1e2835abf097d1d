import { statSync } from 'node:fs';
import type { Turns } from '../../base/turns.ts';
import { pathOfText } from '../../host/bytes.ts';
import { DeniedFile, MissingFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { type NetDevice, parseNetDev } from '../../host/net-dev.ts';
import { netPath } from '../../host/net-files.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { NO_LOSSES } from './cgroup-files.ts';
import { CgroupV1 } from './cgroup-v1.ts';
import { CgroupV2 } from './cgroup-v2.ts';
import type { CgroupChanges } from './changes.ts';
import { addConnections, type SocketKind } from './connections.ts';
import type { Cgroup } from './discovery.ts';
import type { Hierarchy } from './hierarchy.ts';
import { NO_MACHINE_MEMORY } from './machine-memory.ts';
import { isReported } from './network.ts';
import { ProcessFinder } from './process-finder.ts';
import { isPopulated, openFiles, openFilesLimit } from './processes.ts';
import { type CgroupReader, type CgroupReading, folderOf, type MachineMemory, type ReadingOptions } from './reading.ts';
import type { CgroupOrigin, CgroupRow } from './row.ts';

/**
 * Nothing indicates that a process was given another limit of open files, which hardly ever happens: in each cycle it is
 * read for one row in ten, and for each row whose first process is another one.
 */
const OPEN_FILES_EVERY = 10;

/** Cycles in which missing processes of a pod are not a loss. */
const PATIENCE = 2;

/** Reads all reported values of one cgroup. */
export class Sampler {
  readonly #host: Host;
  readonly #tree: string;
  readonly #version: Hierarchy['version'];
  readonly #wanted: ReadingOptions;
  readonly #reader: CgroupReader;
  readonly #processes: ProcessFinder;
  readonly #hierarchy: Hierarchy;
  readonly #changes: CgroupChanges;
  readonly #sockets: ReadonlySet<SocketKind>;
  #cycle = 0;
  /** New cgroups of this cycle, and of the one before, that lacked a controller. */
  #half = new Set<string>();
  #halfBefore: ReadonlySet<string> = this.#half;
  #machine = NO_MACHINE_MEMORY;

  /** `cgroups` returns all existing ones. */
  constructor(
    host: Host,
    hierarchy: Hierarchy,
    wanted: ReadingOptions,
    changes: CgroupChanges,
    cgroups: () => Iterable<Cgroup | undefined>,
  ) {
    const { version, tree, controllers } = hierarchy;
    this.#host = host;
    this.#hierarchy = hierarchy;
    this.#processes = new ProcessFinder(host, hierarchy, cgroups);
    this.#tree = tree;
    this.#version = version;
    this.#wanted = wanted;
    this.#sockets = new Set((['tcp', 'udp'] as const).filter((kind) => wanted.extra.has(kind)));
    this.#changes = changes;
    this.#reader = version === 2 ? new CgroupV2(host, tree, wanted) : new CgroupV1(host, controllers, wanted);
  }

  /** The number of this cycle. */
  get cycle(): number {
    return this.#cycle;
  }

  /** Begins a cycle; `rows` are those of the last one. */
  async begin(machine: MachineMemory, rows: Iterable<CgroupRow>, turns: Turns): Promise<void> {
    this.#cycle++;
    this.#reader.begin();
    this.#changes.begin();
    this.#halfBefore = this.#half;
    this.#half = new Set();
    this.#machine = machine;
    const { all, fileDescriptors, sockets } = this.#wanted;
    let isNeeded = all || fileDescriptors || sockets;
    for (const row of rows) {
      if (row.network === undefined || this.#processes.isAlive(row.network)) continue;
      row.network = undefined;
      isNeeded = true;
    }
    await this.#processes.begin(isNeeded, turns);
  }

  /** To be called before a new container is read. */
  async expect(turns: Turns): Promise<void> {
    await this.#processes.expect(turns);
  }

  /** To be called for a row whose cgroup is gone. */
  forget({ cgroup: { id } }: CgroupRow): void {
    this.#reader.forget(id);
    this.#changes.forget(id);
  }

  /** Whether the cgroup of a row is still the one that it was created for, and no later one of that name. */
  isSame({ cgroup: { id }, origin: { inode } }: CgroupRow): boolean {
    if (this.#changes.isCurrent(id)) return true;
    this.#changes.watch(id);
    const now = this.#host.inode(folderOf(this.#tree, id));
    return now === undefined || now === inode;
  }

  /** What identifies a cgroup that has no row yet, and its creation time. */
  originOf({ id }: Cgroup): CgroupOrigin {
    // First, so that its end is noticed if it is replaced from now on.
    this.#changes.watch(id);
    return { inode: this.#host.inode(folderOf(this.#tree, id)), started: this.#started(id) };
  }

  /** Cgroups have no such attribute, but their folder has a time. */
  #started(id: string): number | undefined {
    const folder = folderOf(this.#tree, id);
    // The folder's own time changes when child cgroups are created, that of a file in it does not.
    const file = this.#version === 2 ? 'cgroup.events' : 'cgroup.clone_children';
    const times = [folder, `${folder}/${file}`].flatMap((path) => {
      try {
        const stat = statSync(pathOfText(path), { throwIfNoEntry: false });
        return stat === undefined ? [] : [stat.mtimeMs / 1000];
      } catch {
        // The error shows when its files are read.
        return [];
      }
    });
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /**
   * Reads a row's cgroup; what can only have changed with an event, such as its limits, only after one. Throws
   * MissingFile for one that is gone.
   */
  read(row: CgroupRow, out: Snapshot): CgroupReading {
    const { id, kind } = row.cgroup;
    // The machine's memory is the limit of the root.
    const isWhole = kind === 'root' || row.limits === undefined || !this.#changes.isCurrent(id);
    const limits = isWhole ? this.#reader.limits(id, this.#machine) : row.limits;
    const reading = this.#reader.read(id, {
      machine: this.#machine,
      hasQuota: limits?.cpuQuota !== undefined,
      before: row.seen?.cycle === this.#cycle - 1 ? row.seen.reading : undefined,
      spent: row.spent,
      above: !isWhole && row.above?.seen?.cycle === this.#cycle ? row.above.seen.reading : undefined,
    });
    this.#mustBeThere(row, reading);
    if (this.#needsProcesses(row)) {
      out.attempt(`${id}: processes`, () => {
        const before = row.pid;
        this.#lookAtProcesses(row, reading, out);
        if (limits && this.#wanted.all) limits.openFiles = this.#openFilesLimit(row, before);
      });
    }
    for (const cause of reading.losses) out.lose(id, cause);
    for (const cause of limits?.losses ?? NO_LOSSES) out.lose(id, cause);
    row.limits = limits;
    if (isWhole && limits?.losses === NO_LOSSES) this.#changes.setCurrent(id);
    if (kind === 'root' && this.#version === 2) reading.threads ??= reading.processes;
    return reading;
  }

  /** The traffic of the network that a row represents; undefined if it represents none. */
  interfaces(row: CgroupRow, out: Snapshot): NetDevice[] | undefined {
    try {
      return this.#interfaces(row, out);
    } catch (cause) {
      out.lose(`${row.cgroup.id}: network`, cause);
      return undefined;
    }
  }

  /** Adds the sockets of the network that a row represents, if configured. */
  addConnections(out: Snapshot, row: CgroupRow): void {
    const kinds = this.#sockets;
    if (kinds.size === 0) return;
    const holder = row.cgroup.kind === 'root' ? undefined : networkHolder(row)?.network;
    const folder = holder && `${holder.folder}/net`;
    if (row.cgroup.kind === 'root') addConnections(out, this.#host, row, netPath(this.#host), kinds);
    else if (folder !== undefined) addConnections(out, this.#host, row, folder, kinds);
  }

  #interfaces(row: CgroupRow, out: Snapshot): NetDevice[] | undefined {
    if (row.cgroup.kind === 'root') return this.#netDev(netPath(this.#host, 'dev'), row, out);
    const holder = networkHolder(row);
    if (holder === undefined) return undefined;
    holder.network ??= this.#processes.oneIn(holder.cgroup);
    const path = holder.network && `${holder.network.folder}/net/dev`;
    const interfaces = path === undefined ? undefined : this.#netDev(path, row, out);
    if (interfaces !== undefined) {
      holder.unread = 0;
      return interfaces;
    }
    holder.network = undefined;
    // It may have ended just now, or be about to start.
    if (++holder.unread > PATIENCE && isPopulated(this.#host, this.#hierarchy, holder.cgroup.id)) {
      const { procfs } = this.#host.paths;
      throw new Error(`no process of the pod is visible in ${procfs}; possibly mounted with hidepid`);
    }
    return undefined;
  }

  /**
   * A cgroup that is created or removed while it is read yields partial data: its controllers come and go one by one,
   * so files that were present before are missing, or whole folders. If that persists, it is reported from the next
   * cycle on.
   */
  #mustBeThere({ seen, cgroup: { id } }: CgroupRow, { misses }: CgroupReading): void {
    if (misses <= (seen?.reading.misses ?? 0)) return;
    if (seen === undefined) {
      if (this.#reader.isWhole(id)) return;
      this.#half.add(id);
      if (this.#halfBefore.has(id)) return;
    }
    throw new MissingFile(folderOf(this.#tree, id));
  }

  /** Overwrites the devices of the last reading, instead of leaving a third of a megabyte of garbage a minute. */
  #netDev(path: string, { cgroup, seen }: CgroupRow, out: Snapshot): NetDevice[] | undefined {
    const text = this.#host.readLinesIfExists(path);
    if (text === undefined) return undefined;
    const losses = { lose: (_: string, cause: unknown) => out.lose(`${cgroup.id}: network`, cause) };
    return parseNetDev(losses, path, text, isReported, seen?.interfaces);
  }

  #openFilesLimit({ pid, serial, limits }: CgroupRow, pidBefore: string | undefined): number | undefined {
    if (pid === undefined) return undefined;
    const isDue = pid !== pidBefore || this.#cycle % OPEN_FILES_EVERY === serial % OPEN_FILES_EVERY;
    return isDue ? openFilesLimit(this.#host, pid) : limits?.openFiles;
  }

  #needsProcesses({ cgroup, isNamed }: CgroupRow): boolean {
    const { all, fileDescriptors, sockets } = this.#wanted;
    return all || fileDescriptors || sockets || (cgroup.kind === 'container' && !isNamed);
  }

  #lookAtProcesses(row: CgroupRow, reading: CgroupReading, out: Snapshot): void {
    const { all, fileDescriptors, sockets } = this.#wanted;
    const { cgroup } = row;
    const pids = this.#processes.idsIn(cgroup.id);
    row.pid = cgroup.kind === 'container' ? this.#processes.oneIn(cgroup)?.pid : pids?.[0];
    if (all) reading.processes = pids?.length;
    if (pids === undefined || (!fileDescriptors && !sockets)) return;
    try {
      const open = openFiles(this.#host, pids, sockets);
      if (fileDescriptors) reading.fileDescriptors = open?.files;
      if (sockets) reading.sockets = open?.sockets;
    } catch (cause) {
      if (!(cause instanceof DeniedFile)) throw cause;
      // The same for all processes: one line is enough.
      if (!out.errors.some((error) => error.message.startsWith(OPEN_FILES))) out.lose(OPEN_FILES, cause);
    }
  }
}

const OPEN_FILES = 'open files';

/** A pod's network is reported on the row of its sandbox, or, if the runtime creates none, on the pod's own. */
function networkHolder(row: CgroupRow): CgroupRow | undefined {
  if (row.isSandbox) return row;
  if (row.cgroup.kind !== 'pod') return undefined;
  const { containers } = row;
  return containers.every(({ isNamed, isSandbox }) => isNamed && !isSandbox) ? containers[0] : undefined;
}
