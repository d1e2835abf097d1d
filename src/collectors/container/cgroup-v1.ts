// One cgroup in the trees of v1's controllers: Documentation/admin-guide/cgroup-v1/. A controller that is not mounted
// has no tree; older kernels lack some of the files.
import type { Host } from '../../host/host.ts';
import { eachLine, oneLine } from '../../host/lines.ts';
import { decimal, integer } from '../../host/numbers.ts';
import { CgroupFiles } from './cgroup-files.ts';
import type { Hierarchy } from './hierarchy.ts';
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

/** USER_HZ: what cpuacct.stat counts in, 100 on every Linux that Node runs on. */
const TICKS = 100;
const NANOSECONDS = 1e9;

/**
 * The files that count I/O, in the order in which cAdvisor tries them: of the scheduler BFQ, of CFQ before Linux 5.0,
 * of the throttling layer, which sees all devices. `_recursive` ones count what is below the cgroup too.
 */
const IO_FILES = [
  { serviced: 'blkio.bfq.io_serviced_recursive', bytes: 'blkio.bfq.io_service_bytes_recursive' },
  { serviced: 'blkio.io_serviced_recursive', bytes: 'blkio.io_service_bytes_recursive' },
  { serviced: 'blkio.throttle.io_serviced_recursive', bytes: 'blkio.throttle.io_service_bytes_recursive' },
  { serviced: 'blkio.throttle.io_serviced', bytes: 'blkio.throttle.io_service_bytes' },
] as const;

/** Where this file is, what comes after it has nothing more. */
const THROTTLE = IO_FILES[2];

/** Those whose files are read. */
const CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio'];

/** Reads the files of cgroup v1. */
export class CgroupV1 implements CgroupReader {
  readonly #host: Host;
  readonly #files: CgroupFiles;
  readonly #trees: Hierarchy['controllers'];
  readonly #wanted: Wanted;
  /** The files that had I/O in some cgroup: all devices of a host have one scheduler, and the others stay empty. */
  #ioFiles: (typeof IO_FILES)[number] | undefined;

  constructor(host: Host, trees: Hierarchy['controllers'], wanted: Wanted) {
    this.#host = host;
    this.#files = new CgroupFiles(host);
    this.#trees = trees;
    this.#wanted = wanted;
  }

  read(id: string, { hasQuota }: Circumstances): Reading {
    const reading = new Reading();
    this.#files.takeMisses();
    this.#usage(this.#folder('cpuacct', id), reading);
    if (hasQuota) this.#bandwidth(this.#folder('cpu', id), reading);
    this.#memory(this.#folder('memory', id), reading);
    reading.devices = this.#devices(this.#folder('blkio', id));
    if (this.#wanted.all) reading.threads = this.#files.value(this.#folder('pids', id), 'pids.current', limit);
    reading.misses = this.#files.takeMisses();
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

  /** With the controller there is a file for every cgroup: where it is not, the cgroup is gone. */
  #usage(folder: string | undefined, reading: Reading): void {
    if (folder === undefined) return;
    const path = `${folder}/cpuacct.usage`;
    reading.cpuUsage = oneLine(path, this.#host.read(path).trimEnd(), integer) / NANOSECONDS;
    this.#files.stat(folder, 'cpuacct.stat', (stat) => {
      reading.cpuUser = scaled(keyed(stat, 'user'), TICKS);
      reading.cpuSystem = scaled(keyed(stat, 'system'), TICKS);
    });
  }

  #bandwidth(folder: string | undefined, reading: Reading): void {
    this.#files.stat(folder, 'cpu.stat', (stat) => {
      reading.periods = keyed(stat, 'nr_periods');
      reading.throttledPeriods = keyed(stat, 'nr_throttled');
      reading.throttledTime = scaled(keyed(stat, 'throttled_time'), NANOSECONDS);
      reading.burstPeriods = keyed(stat, 'nr_bursts');
      reading.burstTime = scaled(keyed(stat, 'burst_time'), NANOSECONDS);
    });
  }

  #memory(folder: string | undefined, reading: Reading): void {
    const { all } = this.#wanted;
    this.#files.stat(folder, 'memory.stat', (stat) => {
      // total_ counts what is below the cgroup too.
      reading.rss = keyed(stat, 'total_rss');
      reading.cache = keyed(stat, 'total_cache');
      reading.swap = keyed(stat, 'total_swap') ?? 0;
      reading.inactiveFile = keyed(stat, 'total_inactive_file');
      if (!all) return;
      reading.activeFile = keyed(stat, 'total_active_file');
      reading.mappedFile = keyed(stat, 'total_mapped_file');
      reading.pageFaults = keyed(stat, 'pgfault');
      reading.majorFaults = keyed(stat, 'pgmajfault');
    });
    reading.memory = this.#files.value(folder, 'memory.usage_in_bytes', limit);
    if (reading.memory !== undefined) reading.workingSet = Math.max(0, reading.memory - (reading.inactiveFile ?? 0));
    this.#files.stat(folder, 'memory.oom_control', (stat) => {
      reading.oomKills = keyed(stat, 'oom_kill');
    });
    if (!all) return;
    reading.peak = this.#files.value(folder, 'memory.max_usage_in_bytes', limit);
    reading.limitHits = this.#files.value(folder, 'memory.failcnt', limit);
    reading.kernel = this.#files.value(folder, 'memory.kmem.usage_in_bytes', limit);
  }

  #devices(folder: string | undefined): DeviceUse[] {
    if (folder === undefined) return [];
    for (const files of this.#ioFiles ? [this.#ioFiles] : IO_FILES) {
      const text = this.#files.text(folder, files.serviced);
      const serviced = parseOperations(`${folder}/${files.serviced}`, text ?? '');
      if (serviced.size > 0) {
        this.#ioFiles = files;
        const bytes = this.#files.text(folder, files.bytes) ?? '';
        return deviceUses(serviced, parseOperations(`${folder}/${files.bytes}`, bytes));
      }
      if (text !== undefined && files === THROTTLE) break;
    }
    return [];
  }
}

/** Counts by operation: Read, Write, Sync, Async, Discard, Total. */
type Operations = ReadonlyMap<string, number>;

/** The lines of a blkio file, `254:0 Read 123`, by device; the sum of all, `Total 123`, is left out. */
export function parseOperations(path: string, text: string): Map<string, Operations> {
  const devices = new Map<string, Map<string, number>>();
  eachLine(path, text, (line) => {
    const [device = '', operation = '', count] = line.trim().split(/\s+/);
    if (device === 'Total') return;
    const known = devices.get(device) ?? new Map<string, number>();
    devices.set(device, known.set(operation, decimal(count)));
  });
  return devices;
}

function deviceUses(serviced: ReadonlyMap<string, Operations>, bytes: ReadonlyMap<string, Operations>): DeviceUse[] {
  const uses: DeviceUse[] = [];
  for (const device of new Set([...bytes.keys(), ...serviced.keys()])) {
    const [major = '', minor = ''] = device.split(':');
    const own = bytes.get(device) ?? new Map<string, number>();
    uses.push({
      major,
      minor,
      bytes: own,
      readBytes: own.get('Read'),
      writeBytes: own.get('Write'),
      reads: serviced.get(device)?.get('Read'),
      writes: serviced.get(device)?.get('Write'),
    });
  }
  return uses;
}
