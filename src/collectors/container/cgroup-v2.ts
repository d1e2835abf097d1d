// One cgroup of the unified hierarchy: Documentation/admin-guide/cgroup-v2.rst. The root cgroup has fewer files than
// others; those of disabled controllers are absent.
import type { Host } from '../../host/host.ts';
import { readMounts } from '../../host/mounts.ts';
import { decimal } from '../../host/numbers.ts';
import { parsePressure } from '../../host/pressure.ts';
import { CgroupFiles } from './cgroup-files.ts';
import { hugePageSizes, hugePagesOfV2 } from './hugetlb.ts';
import { parseIoStat } from './io-stat.ts';
import { keptCgroupFiles } from './kept-cgroup-files.ts';
import {
  amount,
  type CgroupReader,
  CgroupReading,
  type Circumstances,
  folderOf,
  Limits,
  limit,
  type MachineMemory,
  type ReadingOptions,
  scaled,
  workingSet,
} from './reading.ts';

/** One division, as cAdvisor makes it. */
const MICROSECONDS = 1e6;

/** Cycles after which the mount options are read again, of which nothing reports a change: that takes half a millisecond. */
const OPTIONS_EVERY = 20;

/** Reads the files of cgroup v2. */
export class CgroupV2 implements CgroupReader {
  readonly #host: Host;
  readonly #files: CgroupFiles;
  readonly #tree: string;
  readonly #wanted: ReadingOptions;
  /** Whether memory.events includes child cgroups. */
  #countsBelow: boolean;
  /** The same, in the last cycle as well: else those in which it has not changed since may have missed something. */
  #countedBelow: boolean;
  #cycles = 0;
  readonly #hugePageSizes: readonly string[];

  constructor(host: Host, tree: string, wanted: ReadingOptions) {
    this.#host = host;
    this.#countsBelow = this.#countedBelow = countsBelow(host);
    this.#files = new CgroupFiles(host, wanted.keepOpen > 0 ? keptCgroupFiles(host, tree, wanted.keepOpen) : undefined);
    this.#tree = tree;
    this.#wanted = wanted;
    this.#hugePageSizes = wanted.extra.has('hugetlb') ? hugePageSizes(host) : [];
  }

  begin(): void {
    this.#files.begin();
    this.#countedBelow = this.#countsBelow;
    if (++this.#cycles % OPTIONS_EVERY === 0) this.#countsBelow = countsBelow(this.#host);
  }

  forget(id: string): void {
    this.#files.forget(folderOf(this.#tree, id));
  }

  /**
   * The counts of memory.events and io.stat include child cgroups: if a pod's have not changed, neither have those of
   * its containers, and these are not read.
   */
  read(id: string, circumstances: Circumstances): CgroupReading {
    const folder = folderOf(this.#tree, id);
    const reading = circumstances.spent?.cleared() ?? new CgroupReading();
    this.#files.takeMisses();
    this.#files.allowKeeping(circumstances.before !== undefined);
    this.#cpu(folder, reading, circumstances.hasQuota);
    this.#memory(folder, reading, circumstances.machine);
    this.#events(folder, reading, circumstances);
    this.#devices(folder, reading, circumstances);
    if (this.#wanted.extra.has('hugetlb')) reading.hugePages = hugePagesOfV2(this.#files, folder, this.#hugePageSizes);
    if (this.#wanted.all) {
      reading.threads = this.#files.value(folder, 'pids.current', amount);
      this.#pressure(folder, reading);
    }
    reading.misses = this.#files.takeMisses();
    reading.losses = this.#files.takeLosses();
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
    limits.losses = this.#files.takeLosses();
    return limits;
  }

  isWhole(id: string): boolean {
    return this.#host.exists(folderOf(this.#tree, id));
  }

  /** Every cgroup has a cpu.stat, with or without the controller: if it is absent, the cgroup is gone. */
  #cpu(folder: string, reading: CgroupReading, hasQuota: boolean): void {
    const files = this.#files;
    if (!files.open(folder, 'cpu.stat')) {
      files.mustExist(folder, 'cpu.stat');
      return;
    }
    reading.cpuUsage = scaled(files.must(files.count('usage_usec'), 'usage_usec'), MICROSECONDS);
    reading.cpuUser = scaled(files.count('user_usec'), MICROSECONDS);
    reading.cpuSystem = scaled(files.count('system_usec'), MICROSECONDS);
    if (!hasQuota) return;
    reading.periods = files.count('nr_periods');
    reading.throttledPeriods = files.count('nr_throttled');
    reading.throttledTime = scaled(files.count('throttled_usec'), MICROSECONDS);
    reading.burstPeriods = files.count('nr_bursts');
    reading.burstTime = scaled(files.count('burst_usec'), MICROSECONDS);
  }

  #memory(folder: string, reading: CgroupReading, machine: MachineMemory): void {
    const files = this.#files;
    const { all } = this.#wanted;
    const hasStat = files.open(folder, 'memory.stat');
    if (hasStat) {
      reading.rss = files.must(files.level('anon'), 'anon');
      reading.cache = files.must(files.level('file'), 'file');
      reading.inactiveFile = files.must(files.level('inactive_file'), 'inactive_file');
      if (all) {
        reading.activeFile = files.level('active_file');
        reading.mappedFile = files.level('file_mapped');
        reading.kernel = files.level('kernel');
        reading.pageFaults = files.count('pgfault');
        reading.majorFaults = files.count('pgmajfault');
      }
      if (this.#wanted.extra.has('memory')) this.#reclaim(reading);
    }
    // The root has no memory.current: cAdvisor takes the two large parts for the whole.
    const isRoot = folder === this.#tree;
    reading.memory = isRoot ? sum(reading.rss, reading.cache) : files.value(folder, 'memory.current', amount);
    // No controller, no memory.
    if (!hasStat && reading.memory === undefined) return;
    reading.workingSet = workingSet(reading);
    if (machine.swapTotalBytes === 0) reading.swap = 0;
    else if (isRoot) reading.swap = difference(machine.swapTotalBytes, machine.swapFreeBytes);
    else reading.swap = files.value(folder, 'memory.swap.current', amount);
    if (all) reading.peak = files.value(folder, 'memory.peak', amount);
  }

  /** From the open memory.stat. */
  #reclaim(reading: CgroupReading): void {
    const files = this.#files;
    reading.fileDirty = files.level('file_dirty');
    reading.fileWriteback = files.level('file_writeback');
    reading.scannedPages = files.count('pgscan');
    reading.reclaimedPages = files.count('pgsteal');
    reading.refaultsFile = files.count('workingset_refault_file');
    reading.refaultsAnon = files.count('workingset_refault_anon');
  }

  #events(folder: string, reading: CgroupReading, { before, above }: Circumstances): void {
    const files = this.#files;
    const known = before?.eventsText;
    const isQuiet = known !== undefined && above?.areEventsSame === true && this.#countsBelow && this.#countedBelow;
    const text = isQuiet ? known : files.text(folder, 'memory.events');
    if (text === undefined) return;
    if (before !== undefined && text === known) {
      // The same object as before: the new one would be garbage of the old space, which only full collections free.
      reading.eventsText = known;
      reading.areEventsSame = true;
      reading.oomKills = before.oomKills;
      reading.limitHits = before.limitHits;
      reading.eventsHigh = before.eventsHigh;
      reading.eventsMax = before.eventsMax;
      return;
    }
    if (!files.openText(`${folder}/memory.events`, text)) return;
    reading.oomKills = files.count('oom_kill');
    reading.limitHits = files.must(files.count('max'), 'max');
    reading.eventsMax = reading.limitHits;
    reading.eventsHigh = files.count('high');
    // Malformed content is parsed, and counted as a loss, again.
    if (!files.hasLosses) reading.eventsText = text;
  }

  #devices(folder: string, reading: CgroupReading, { before, above }: Circumstances): void {
    const files = this.#files;
    const known = before?.ioText;
    const text = known !== undefined && above?.isIoSame === true ? known : files.text(folder, 'io.stat');
    if (text === undefined) return;
    if (before !== undefined && text === known) {
      reading.ioText = known;
      reading.isIoSame = true;
      reading.devices = before.devices;
      return;
    }
    reading.devices = files.attempt(() => parseIoStat(`${folder}/io.stat`, text, files)) ?? [];
    if (!files.hasLosses) reading.ioText = text;
  }

  /** Present without PSI too, but unreadable then. */
  #pressure(folder: string, reading: CgroupReading): void {
    const files = this.#files;
    const totals = (resource: string) => {
      const path = `${folder}/${resource}.pressure`;
      return files.attempt(() => {
        const text = this.#host.attribute(path);
        return text === undefined ? undefined : parsePressure(files, path, text);
      });
    };
    const cpu = totals('cpu');
    reading.cpuWaiting = scaled(cpu?.some, MICROSECONDS);
    reading.cpuStalled = scaled(cpu?.full, MICROSECONDS);
    const memory = totals('memory');
    reading.memoryWaiting = scaled(memory?.some, MICROSECONDS);
    reading.memoryStalled = scaled(memory?.full, MICROSECONDS);
    const io = totals('io');
    reading.ioWaiting = scaled(io?.some, MICROSECONDS);
    reading.ioStalled = scaled(io?.full, MICROSECONDS);
  }
}

/** The v1 shares from which the runtime computed the weight, with cAdvisor's inverse: inexact, as the scales differ. */
export function sharesOfWeight(text: string): number {
  const weight = decimal(text);
  return weight === 0 ? 0 : 2 + Math.floor(((weight - 1) * 262_142) / 9999);
}

/** cpu.max, `max 100000` or `10000 100000`, in microseconds. */
export function parseCpuMax(text: string): { quota: number | undefined; period: number } {
  const [quota = '', period = ''] = text.split(' ');
  return { quota: quota === 'max' ? undefined : decimal(quota), period: decimal(period) };
}

/** The sum; undefined if either is missing. */
const sum = (first: number | undefined, second: number | undefined): number | undefined =>
  first === undefined || second === undefined ? undefined : first + second;

const difference = (whole: number | undefined, part: number | undefined): number | undefined =>
  whole === undefined || part === undefined ? undefined : whole - part;

/** Not with the mount option memory_localevents; if mounts cannot be read, this is not assumed. */
function countsBelow(host: Host): boolean {
  try {
    return readMounts(host).every(({ superOptions }) => !superOptions.includes('memory_localevents'));
  } catch {
    return false;
  }
}
