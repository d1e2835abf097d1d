// One cgroup in the trees of v1's controllers: Documentation/admin-guide/cgroup-v1/. A controller that is not mounted
// has no tree; older kernels lack some of the files.
import type { Host } from '../../host/host.ts';
import { integer } from '../../host/numbers.ts';
import { CgroupFiles } from './cgroup-files.ts';
import type { Hierarchy } from './hierarchy.ts';
import { hugePageSizes, hugePagesOfV1 } from './hugetlb.ts';
import { deviceUses, parseOperations } from './io-stat.ts';
import {
  amount,
  type CgroupReader,
  CgroupReading,
  type Circumstances,
  type DeviceUse,
  folderOf,
  Limits,
  limit,
  type MachineMemory,
  type ReadingOptions,
  scaled,
  workingSet,
} from './reading.ts';

/** USER_HZ: the unit of cpuacct.stat, 100 on every Linux that Node runs on. */
const TICKS = 100;
const NANOSECONDS = 1e9;

/**
 * The files that count I/O, in the order in which cAdvisor tries them: of the scheduler BFQ, of CFQ before Linux 5.0,
 * of the throttling layer, which sees all devices. `_recursive` ones include child cgroups.
 */
const IO_FILES = [
  { serviced: 'blkio.bfq.io_serviced_recursive', bytes: 'blkio.bfq.io_service_bytes_recursive' },
  { serviced: 'blkio.io_serviced_recursive', bytes: 'blkio.io_service_bytes_recursive' },
  { serviced: 'blkio.throttle.io_serviced_recursive', bytes: 'blkio.throttle.io_service_bytes_recursive' },
  { serviced: 'blkio.throttle.io_serviced', bytes: 'blkio.throttle.io_service_bytes' },
] as const;

/** If this file exists, the ones after it add nothing. */
const THROTTLE = IO_FILES[2];
/** Only devices with their scheduler are in these: another device, or the same with another scheduler, is not. */
const OF_SCHEDULERS: ReadonlySet<(typeof IO_FILES)[number]> = new Set(IO_FILES.slice(0, 2));

/** The controllers whose files are read. */
const CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio'];

/** Reads the files of cgroup v1. */
export class CgroupV1 implements CgroupReader {
  readonly #host: Host;
  readonly #files: CgroupFiles;
  readonly #trees: Hierarchy['controllers'];
  readonly #wanted: ReadingOptions;
  readonly #hugePageSizes: readonly string[];
  /** The files of the throttling layer, which sees all devices, once those, but none of a scheduler, showed I/O. */
  #ioFiles: (typeof IO_FILES)[number] | undefined;
  /** Whether files of a scheduler showed I/O: from then on each cgroup keeps its source, as sources count differently. */
  #hasSchedulers: boolean = false;

  constructor(host: Host, trees: Hierarchy['controllers'], wanted: ReadingOptions) {
    this.#host = host;
    this.#files = new CgroupFiles(host);
    this.#trees = trees;
    this.#wanted = wanted;
    this.#hugePageSizes = wanted.extra.has('hugetlb') ? hugePageSizes(host) : [];
  }

  /** Nothing is kept open: the files of a cgroup are in a tree for each controller. */
  begin(): void {}

  forget(): void {}

  read(id: string, { hasQuota, spent }: Circumstances): CgroupReading {
    const reading = spent?.cleared() ?? new CgroupReading();
    this.#files.takeMisses();
    this.#usage(this.#folder('cpuacct', id), reading);
    if (hasQuota) this.#bandwidth(this.#folder('cpu', id), reading);
    this.#memory(this.#folder('memory', id), reading);
    reading.devices = this.#devices(this.#folder('blkio', id));
    if (this.#wanted.extra.has('hugetlb')) {
      reading.hugePages = hugePagesOfV1(this.#files, this.#folder('hugetlb', id), this.#hugePageSizes);
    }
    if (this.#wanted.all) reading.threads = this.#files.value(this.#folder('pids', id), 'pids.current', amount);
    reading.misses = this.#files.takeMisses();
    reading.losses = this.#files.takeLosses();
    return reading;
  }

  limits(id: string, machine: MachineMemory): Limits {
    const cpu = this.#folder('cpu', id);
    const memory = this.#folder('memory', id);
    const limits = new Limits();
    limits.cpuPeriod = this.#files.value(cpu, 'cpu.cfs_period_us', integer);
    const quota = this.#files.value(cpu, 'cpu.cfs_quota_us', integer);
    limits.cpuQuota = quota === undefined || quota < 0 ? undefined : quota;
    limits.cpuShares = this.#files.value(cpu, 'cpu.shares', integer);
    limits.memory = id === '/' ? machine.totalBytes : this.#files.value(memory, 'memory.limit_in_bytes', limit);
    if (this.#wanted.all) {
      limits.swap = this.#files.value(memory, 'memory.memsw.limit_in_bytes', limit);
      limits.reservation = this.#files.value(memory, 'memory.soft_limit_in_bytes', limit);
      limits.threads = this.#files.value(this.#folder('pids', id), 'pids.max', limit);
    }
    limits.losses = this.#files.takeLosses();
    return limits;
  }

  isWhole(id: string): boolean {
    return CONTROLLERS.every((controller) => {
      const folder = this.#folder(controller, id);
      return folder === undefined || this.#host.exists(folder);
    });
  }

  #folder(controller: string, id: string): string | undefined {
    const tree = this.#trees.get(controller);
    return tree === undefined ? undefined : folderOf(tree, id);
  }

  /** With the controller, every cgroup has this file: if it is absent, the cgroup is gone. */
  #usage(folder: string | undefined, reading: CgroupReading): void {
    if (folder === undefined) return;
    const files = this.#files;
    const usage = files.value(folder, 'cpuacct.usage', amount);
    if (usage === undefined) files.mustExist(folder, 'cpuacct.usage');
    reading.cpuUsage = scaled(usage, NANOSECONDS);
    if (!files.open(folder, 'cpuacct.stat')) return;
    reading.cpuUser = scaled(files.count('user'), TICKS);
    reading.cpuSystem = scaled(files.count('system'), TICKS);
  }

  #bandwidth(folder: string | undefined, reading: CgroupReading): void {
    const files = this.#files;
    if (!files.open(folder, 'cpu.stat')) return;
    reading.periods = files.count('nr_periods');
    reading.throttledPeriods = files.count('nr_throttled');
    reading.throttledTime = scaled(files.count('throttled_time'), NANOSECONDS);
    reading.burstPeriods = files.count('nr_bursts');
    reading.burstTime = scaled(files.count('burst_time'), NANOSECONDS);
  }

  #memory(folder: string | undefined, reading: CgroupReading): void {
    const files = this.#files;
    const { all } = this.#wanted;
    if (files.open(folder, 'memory.stat')) {
      // total_ includes child cgroups.
      reading.rss = files.must(files.level('total_rss'), 'total_rss');
      reading.cache = files.must(files.level('total_cache'), 'total_cache');
      // Without swap accounting there is no such line.
      reading.swap = files.level('total_swap') ?? (files.has('total_swap') ? undefined : 0);
      reading.inactiveFile = files.must(files.level('total_inactive_file'), 'total_inactive_file');
      if (all) {
        reading.activeFile = files.level('total_active_file');
        reading.mappedFile = files.level('total_mapped_file');
        reading.pageFaults = files.count('pgfault');
        reading.majorFaults = files.count('pgmajfault');
      }
    }
    reading.memory = files.value(folder, 'memory.usage_in_bytes', amount);
    reading.workingSet = workingSet(reading);
    if (files.open(folder, 'memory.oom_control')) reading.oomKills = files.count('oom_kill');
    if (!all) return;
    reading.peak = files.value(folder, 'memory.max_usage_in_bytes', amount);
    reading.limitHits = files.value(folder, 'memory.failcnt', amount);
    reading.kernel = files.value(folder, 'memory.kmem.usage_in_bytes', amount);
  }

  #devices(folder: string | undefined): DeviceUse[] {
    if (folder === undefined) return [];
    for (const files of this.#ioFiles ? [this.#ioFiles] : IO_FILES) {
      const text = this.#files.text(folder, files.serviced);
      const serviced = this.#operations(folder, files.serviced, text);
      if (serviced.size > 0) {
        if (OF_SCHEDULERS.has(files)) this.#hasSchedulers = true;
        else if (!this.#hasSchedulers) this.#ioFiles = files;
        return deviceUses(serviced, this.#operations(folder, files.bytes, this.#files.text(folder, files.bytes)));
      }
      if (text !== undefined && files === THROTTLE) break;
    }
    return [];
  }

  #operations(folder: string, file: string, text = '') {
    return parseOperations(`${folder}/${file}`, text, this.#files);
  }
}
