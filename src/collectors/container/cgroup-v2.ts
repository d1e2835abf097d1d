// One cgroup of the unified hierarchy: Documentation/admin-guide/cgroup-v2.rst. The root cgroup has fewer files than
// others; of a controller that is not enabled there are none.
import type { Host } from '../../host/host.ts';
import { eachLine } from '../../host/lines.ts';
import { readMounts } from '../../host/mounts.ts';
import { decimal } from '../../host/numbers.ts';
import { CgroupFiles, parsing } from './cgroup-files.ts';
import {
  type CgroupReader,
  type Circumstances,
  type DeviceUse,
  folderOf,
  keyed,
  Limits,
  limit,
  type MachineMemory,
  Reading,
  scaled,
  type Wanted,
} from './reading.ts';

const MICROSECONDS = 1e6;

/** Reads the files of cgroup v2. */
export class CgroupV2 implements CgroupReader {
  readonly #host: Host;
  readonly #files: CgroupFiles;
  readonly #tree: string;
  readonly #wanted: Wanted;
  /** Whether memory.events counts what happens below a cgroup too. */
  readonly #countsBelow: boolean;

  constructor(host: Host, tree: string, wanted: Wanted) {
    this.#host = host;
    this.#countsBelow = countsBelow(host);
    this.#files = new CgroupFiles(host);
    this.#tree = tree;
    this.#wanted = wanted;
  }

  /**
   * The counts of memory.events and io.stat are those of a cgroup and of all below it: where a pod's have not changed,
   * those of its containers have not, and are not read.
   */
  read(id: string, circumstances: Circumstances): Reading {
    const folder = folderOf(this.#tree, id);
    const reading = new Reading();
    this.#files.takeMisses();
    this.#cpu(folder, reading, circumstances.hasQuota);
    this.#memory(folder, reading, circumstances.machine);
    if (reading.rss !== undefined) this.#events(folder, reading, circumstances);
    this.#devices(folder, reading, circumstances);
    if (this.#wanted.all) {
      reading.threads = this.#files.value(folder, 'pids.current', limit);
      this.#pressure(folder, reading);
    }
    reading.misses = this.#files.takeMisses();
    return reading;
  }

  limits(id: string, machine: MachineMemory): Limits {
    const folder = folderOf(this.#tree, id);
    const limits = new Limits();
    if (id === '/') {
      limits.cpuPeriod = 0;
      limits.cpuShares = 0;
      limits.memory = machine.totalBytes;
      limits.swap = machine.swapTotalBytes;
      limits.reservation = 0;
      limits.threads = 0;
      return limits;
    }
    const bandwidth = this.#files.value(folder, 'cpu.max', parseCpuMax);
    limits.cpuPeriod = bandwidth?.period;
    limits.cpuQuota = bandwidth?.quota;
    limits.cpuShares = this.#files.value(folder, 'cpu.weight', sharesOfWeight);
    limits.memory = this.#files.value(folder, 'memory.max', limit);
    if (this.#wanted.all) {
      limits.swap = this.#files.value(folder, 'memory.swap.max', limit);
      limits.reservation = this.#files.value(folder, 'memory.min', limit);
      limits.threads = this.#files.value(folder, 'pids.max', limit);
    }
    return limits;
  }

  isWhole(id: string): boolean {
    return this.#host.exists(folderOf(this.#tree, id));
  }

  /** Every cgroup has a cpu.stat, with or without the controller: where it is not, the cgroup is gone. */
  #cpu(folder: string, reading: Reading, hasQuota: boolean): void {
    this.#files.mustStat(folder, 'cpu.stat', (stat) => {
      const usage = keyed(stat, 'usage_usec');
      if (usage === undefined) throw new Error('expected a line usage_usec');
      reading.cpuUsage = usage / MICROSECONDS;
      reading.cpuUser = scaled(keyed(stat, 'user_usec'), MICROSECONDS);
      reading.cpuSystem = scaled(keyed(stat, 'system_usec'), MICROSECONDS);
      if (!hasQuota) return;
      reading.periods = keyed(stat, 'nr_periods');
      reading.throttledPeriods = keyed(stat, 'nr_throttled');
      reading.throttledTime = scaled(keyed(stat, 'throttled_usec'), MICROSECONDS);
      reading.burstPeriods = keyed(stat, 'nr_bursts');
      reading.burstTime = scaled(keyed(stat, 'burst_usec'), MICROSECONDS);
    });
  }

  #memory(folder: string, reading: Reading, machine: MachineMemory): void {
    this.#files.stat(folder, 'memory.stat', (stat) => {
      reading.rss = keyed(stat, 'anon');
      reading.cache = keyed(stat, 'file');
      reading.inactiveFile = keyed(stat, 'inactive_file');
      if (!this.#wanted.all) return;
      reading.activeFile = keyed(stat, 'active_file');
      reading.mappedFile = keyed(stat, 'file_mapped');
      reading.kernel = keyed(stat, 'kernel');
      reading.pageFaults = keyed(stat, 'pgfault');
      reading.majorFaults = keyed(stat, 'pgmajfault');
    });
    // No controller, no memory.
    if (reading.rss === undefined) return;
    // The root has no memory.current: cAdvisor takes the two large parts for the whole.
    const isRoot = folder === this.#tree;
    reading.memory = isRoot ? reading.rss + (reading.cache ?? 0) : this.#files.value(folder, 'memory.current', limit);
    if (reading.memory !== undefined) reading.workingSet = Math.max(0, reading.memory - (reading.inactiveFile ?? 0));
    if (machine.swapTotalBytes === 0) reading.swap = 0;
    else if (isRoot) reading.swap = machine.swapTotalBytes - machine.swapFreeBytes;
    else reading.swap = this.#files.value(folder, 'memory.swap.current', limit);
    if (this.#wanted.all) reading.peak = this.#files.value(folder, 'memory.peak', limit);
  }

  #events(folder: string, reading: Reading, { before, above }: Circumstances): void {
    const known = before?.eventsText;
    const isQuiet = known !== undefined && above?.areEventsSame === true && this.#countsBelow;
    const text = isQuiet ? known : this.#files.text(folder, 'memory.events');
    reading.eventsText = text;
    if (text === undefined) return;
    if (before !== undefined && text === known) {
      reading.areEventsSame = true;
      reading.oomKills = before.oomKills;
      reading.limitHits = before.limitHits;
      return;
    }
    parsing(`${folder}/memory.events`, () => {
      reading.oomKills = keyed(text, 'oom_kill');
      reading.limitHits = keyed(text, 'max');
    });
  }

  #devices(folder: string, reading: Reading, { before, above }: Circumstances): void {
    const known = before?.ioText;
    const text = known !== undefined && above?.isIoSame === true ? known : this.#files.text(folder, 'io.stat');
    reading.ioText = text;
    if (text === undefined) return;
    reading.isIoSame = text === known;
    reading.devices = before !== undefined && text === known ? before.devices : parseIoStat(`${folder}/io.stat`, text);
  }

  /** There without PSI too, but then it can't be read. */
  #pressure(folder: string, reading: Reading): void {
    const totals = (resource: string) => {
      const path = `${folder}/${resource}.pressure`;
      const text = this.#host.attribute(path);
      return text === undefined ? undefined : parsePressure(path, text);
    };
    const cpu = totals('cpu');
    reading.cpuWaiting = cpu?.some;
    reading.cpuStalled = cpu?.full;
    const memory = totals('memory');
    reading.memoryWaiting = memory?.some;
    reading.memoryStalled = memory?.full;
    const io = totals('io');
    reading.ioWaiting = io?.some;
    reading.ioStalled = io?.full;
  }
}

/** The shares of v1 that runtimes made the weight of, as cAdvisor counts back: not to the digit, for the scales differ. */
export function sharesOfWeight(text: string): number {
  const weight = decimal(text);
  return weight === 0 ? 0 : 2 + Math.floor(((weight - 1) * 262_142) / 9999);
}

/** cpu.max, `max 100000` or `10000 100000`, in microseconds. */
export function parseCpuMax(text: string): { quota: number | undefined; period: number } {
  const [quota = '', period = ''] = text.split(' ');
  return { quota: quota === 'max' ? undefined : decimal(quota), period: decimal(period) };
}

/** The lines of io.stat: `254:0 rbytes=1 wbytes=2 rios=3 …`; a device that did nothing has only its number. */
export function parseIoStat(path: string, text: string): DeviceUse[] {
  const devices: DeviceUse[] = [];
  eachLine(path, text, (line) => {
    const [device = '', ...pairs] = line.trim().split(' ');
    if (pairs.length === 0) return;
    const numbers = /^(\d+):(\d+)$/.exec(device);
    // Not found by its major number, a device is called (unknown).
    if (numbers === null) return;
    const [, major = '', minor = ''] = numbers;
    const values = new Map(pairs.map((pair) => pair.split('=') as [string, string]));
    const value = (key: string) => (values.has(key) ? decimal(values.get(key)) : undefined);
    const readBytes = value('rbytes');
    const writeBytes = value('wbytes');
    devices.push({
      major,
      minor,
      bytes: new Map([
        ['Read', readBytes ?? 0],
        ['Write', writeBytes ?? 0],
      ]),
      readBytes,
      writeBytes,
      reads: value('rios'),
      writes: value('wios'),
      costUsage: scaled(value('cost.usage'), MICROSECONDS),
      costWait: scaled(value('cost.wait'), MICROSECONDS),
      costIndebt: scaled(value('cost.indebt'), MICROSECONDS),
      costIndelay: scaled(value('cost.indelay'), MICROSECONDS),
    });
  });
  return devices;
}

/** The totals of a pressure file in seconds: `some` of the tasks waited, or `full`, all of them. */
export function parsePressure(path: string, text: string): { some: number | undefined; full: number | undefined } {
  const totals: Record<string, number> = {};
  eachLine(path, text, (line) => {
    const match = /^(some|full) .*\btotal=(\d+)$/.exec(line);
    if (match === null) throw new Error('expected "some" or "full" with a total');
    totals[match[1] as string] = Number(match[2]) / MICROSECONDS;
  });
  return { some: totals.some, full: totals.full };
}

/** Not with the mount option memory_localevents; where mounts can't be looked at, nothing is taken for granted. */
function countsBelow(host: Host): boolean {
  try {
    return readMounts(host).every(({ superOptions }) => !superOptions.includes('memory_localevents'));
  } catch {
    return false;
  }
}
