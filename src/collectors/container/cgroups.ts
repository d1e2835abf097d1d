import { Turns } from '../../base/turns.ts';
import { MissingFile } from '../../host/errors.ts';
import { NoData } from '../../metrics/outcome.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { escapeLabelValue } from '../../metrics/text/format.ts';
import type { World } from '../collector.ts';
import { BlockDevices } from './block-devices.ts';
import { CgroupChanges } from './changes.ts';
import { type Cgroup, Discovery } from './discovery.ts';
import { findHierarchy } from './hierarchy.ts';
import { NO_MACHINE_MEMORY, readMachineMemory } from './machine-memory.ts';
import { type NameSource, Naming } from './naming.ts';
import type { CgroupOptions } from './options.ts';
import type { MachineMemory } from './reading.ts';
import { RootFilesystems } from './root-filesystems.ts';
import { CgroupRow, type LastReading } from './row.ts';
import { Sampler } from './sampler.ts';
import {
  constantSeries,
  creationSeries,
  deviceOperations,
  deviceSeries,
  type FieldSeries,
  hugePageSeries,
  limitSeries,
  memorySeries,
  networkSeries,
  OPTIONAL,
  readingSeries,
  timeSeries,
} from './series.ts';

/** The cgroups of a host. Between cycles it keeps a row for each, with its labels and last reading. */
export class CgroupCollector {
  readonly #world: World;
  readonly #options: CgroupOptions;
  readonly #discovery: Discovery;
  readonly #sampler: Sampler;
  readonly #naming: Naming;
  readonly #devices: BlockDevices;
  readonly #filesystems: RootFilesystems;
  readonly #series: {
    readonly reading: typeof readingSeries;
    readonly limits: typeof limitSeries;
    readonly device: typeof deviceSeries;
    readonly times: typeof timeSeries;
  };
  readonly #rows = new Map<string, CgroupRow>();
  #made = 0;

  /** Throws NoData on a host without cgroups. */
  constructor(world: World, options: CgroupOptions, names: NameSource | undefined) {
    const { host } = world;
    const all = options.families === 'kubelet';
    const { fileDescriptors = all, sockets = all, keepOpen } = options;
    const extra = new Set(options.extra);
    const hierarchy = findHierarchy(host);
    const chosen = <Of>(series: readonly FieldSeries<Of>[]) =>
      all ? series : series.filter(({ isCommon }) => isCommon);
    this.#world = world;
    this.#options = options;
    const changes = new CgroupChanges(host, hierarchy);
    this.#discovery = new Discovery(host, hierarchy.tree, options.slices, changes);
    const wanted = { all, fileDescriptors, sockets, extra, keepOpen };
    this.#sampler = new Sampler(host, hierarchy, wanted, changes, () => this.#discovery.walk(() => {}));
    this.#naming = new Naming(host, names, options.sandboxImage);
    this.#devices = new BlockDevices(host);
    this.#filesystems = new RootFilesystems(host);
    this.#series = {
      // Families that are not requested are not read.
      reading: [
        ...(all ? readingSeries : readingSeries.filter(({ isCommon, field }) => isCommon || OPTIONAL.has(field))),
        ...(extra.has('memory') ? memorySeries : []),
      ],
      times: extra.has('creation') ? [...timeSeries, ...creationSeries] : timeSeries,
      limits: chosen(limitSeries),
      device: chosen(deviceSeries),
    };
  }

  async collect(out: Snapshot, signal: AbortSignal): Promise<void> {
    const turns = new Turns(signal);
    const at = Math.floor(this.#world.now() / 1000);
    this.#devices.begin();
    await this.#sampler.begin(this.#machine(out), this.#rows.values(), turns);
    const lose = (folder: string, cause: unknown) => out.lose(folder, cause);
    let found = 0;
    for (const cgroup of this.#discovery.walk(lose)) {
      if (turns.isOver) await turns.next();
      if (cgroup === undefined) continue;
      const known = this.#knownRow(cgroup);
      if (cgroup.kind === 'container' && known === undefined) await this.#sampler.expect(turns);
      const row = known ?? this.#newRow(cgroup);
      if (this.#visit(out, row, at)) {
        row.found = this.#sampler.cycle;
        this.#rows.set(cgroup.id, row);
        found++;
      } else if (known === undefined) row.leave();
    }
    // If there is no cgroup, the inaccessible folders are the reason.
    if (found === 0) throw out.errors[0] ?? new NoData(`no pods found below ${this.#world.host.paths.cgroup}`);
    for (const [id, row] of this.#rows) {
      if (row.found === this.#sampler.cycle) continue;
      this.#end(out, row);
      this.#rows.delete(id);
    }
    if (this.#devices.fault !== undefined) out.lose('names of block devices', this.#devices.fault);
    const root = this.#rows.get('/');
    if (root && this.#options.families === 'kubelet') await this.#addFilesystems(out, root);
  }

  /** Without it only the limits of the root are missing. */
  #machine(out: Snapshot): MachineMemory {
    try {
      return readMachineMemory(out, this.#world.host);
    } catch (cause) {
      out.lose('memory of the machine', cause);
      return NO_MACHINE_MEMORY;
    }
  }

  /** The row of a cgroup; undefined if it has none yet, or only that of an earlier cgroup of its name, which ends. */
  #knownRow({ id }: Cgroup): CgroupRow | undefined {
    const row = this.#rows.get(id);
    if (row === undefined) return undefined;
    const above = this.#rowAbove(id);
    if ((above === undefined || above === row.above) && this.#sampler.isSame(row)) return row;
    row.leave();
    this.#sampler.forget(row);
    this.#rows.delete(id);
    return undefined;
  }

  #newRow(cgroup: Cgroup): CgroupRow {
    return new CgroupRow(cgroup, this.#made++, this.#rowAbove(cgroup.id), this.#sampler.originOf(cgroup));
  }

  /** The row of the parent cgroup, if that has one in this cycle. */
  #rowAbove(id: string): CgroupRow | undefined {
    const above = this.#rows.get(id.slice(0, id.lastIndexOf('/')));
    return above?.found === this.#sampler.cycle ? above : undefined;
  }

  /** Reads one row and adds it, unless it waits for its name. False when its cgroup is gone. */
  #visit(out: Snapshot, row: CgroupRow, at: number): boolean {
    try {
      const reading = this.#sampler.read(row, out);
      const mayGo = this.#naming.settle(row);
      const interfaces = this.#sampler.interfaces(row, out);
      const seen = row.see(reading, interfaces, this.#sampler.cycle, at);
      if (mayGo) {
        this.#add(out, row, seen);
        this.#sampler.addConnections(out, row);
      }
    } catch (cause) {
      if (cause instanceof MissingFile) {
        this.#discovery.forget(row.cgroup.id);
        this.#sampler.forget(row);
        return false;
      }
      out.lose(row.cgroup.id, cause);
    }
    return true;
  }

  /**
   * A cgroup that has ended is reported once more with its last values: otherwise its usage since the last push would
   * be lost.
   */
  #end(out: Snapshot, row: CgroupRow): void {
    row.leave();
    this.#sampler.forget(row);
    if (row.seen === undefined) return;
    if (this.#naming.settle(row)) this.#add(out, row, row.seen);
  }

  #add(out: Snapshot, row: CgroupRow, { reading, interfaces = [], at }: LastReading): void {
    const { families } = this.#options;
    row.add(out, this.#series.reading, reading);
    if (row.limits) row.add(out, this.#series.limits, row.limits);
    row.add(out, this.#series.times, { started: floored(row.origin.started), lastSeen: at });
    for (const use of reading.devices) {
      const device = this.#devices.nameOf(use.major, use.minor);
      const subject = `,device="${escapeLabelValue(device)}"`;
      if (device !== '') row.addSubject(out, subject, this.#series.device, use);
      if (families !== 'kubelet') continue;
      for (const [operation, value] of use.bytes) {
        const tail = `,major="${use.major}",minor="${use.minor}",operation="${operation}"}`;
        row.addOne(out, { family: deviceOperations, tail, value }, subject);
      }
    }
    for (const pages of reading.hugePages) {
      row.addSubject(out, `,pagesize="${pages.size}"`, hugePageSeries, pages);
    }
    for (const one of interfaces) {
      row.addSubject(out, `,interface="${escapeLabelValue(one.name)}"`, networkSeries, one);
    }
    if (families === 'kubelet') for (const constant of constantSeries) row.addOne(out, constant);
  }

  async #addFilesystems(out: Snapshot, root: CgroupRow): Promise<void> {
    const counted = (root.seen?.reading.devices ?? []).map(({ major, minor }) => this.#devices.nameOf(major, minor));
    try {
      await this.#filesystems.add(out, root, new Set(counted));
    } catch (cause) {
      if (!(cause instanceof MissingFile)) out.lose('file systems', cause);
    }
  }
}

const floored = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : Math.floor(seconds);
