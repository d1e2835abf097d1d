import { isInteger, NotANumber } from '../../host/numbers.ts';
import { NO_LOSSES } from './cgroup-files.ts';
import type { Extra } from './options.ts';

/** The I/O of one cgroup on one block device. Values that the kernel does not report are undefined, here and below. */
export interface DeviceUse {
  readonly major: string;
  readonly minor: string;
  readonly bytes: ReadonlyMap<string, number>;
  readonly readBytes: number | undefined;
  readonly writeBytes: number | undefined;
  readonly reads: number | undefined;
  readonly writes: number | undefined;
  readonly costUsage?: number | undefined;
  readonly costWait?: number | undefined;
  readonly costIndebt?: number | undefined;
  readonly costIndelay?: number | undefined;
}

/** Huge pages of one size. Values that the kernel does not report are undefined. */
export interface HugePages {
  /** Such as `2MB`. */
  readonly size: string;
  readonly usage: number | undefined;
  readonly peak: number | undefined;
  readonly limitHits: number | undefined;
}

const NONE: readonly never[] = [];

/** One reading of a cgroup: seconds, bytes and counts. A class, so that all objects have the same shape. */
export class CgroupReading {
  cpuUsage: number | undefined = undefined;
  cpuUser: number | undefined = undefined;
  cpuSystem: number | undefined = undefined;
  periods: number | undefined = undefined;
  throttledPeriods: number | undefined = undefined;
  throttledTime: number | undefined = undefined;
  burstPeriods: number | undefined = undefined;
  burstTime: number | undefined = undefined;
  memory: number | undefined = undefined;
  workingSet: number | undefined = undefined;
  cache: number | undefined = undefined;
  rss: number | undefined = undefined;
  swap: number | undefined = undefined;
  mappedFile: number | undefined = undefined;
  activeFile: number | undefined = undefined;
  inactiveFile: number | undefined = undefined;
  kernel: number | undefined = undefined;
  peak: number | undefined = undefined;
  limitHits: number | undefined = undefined;
  pageFaults: number | undefined = undefined;
  majorFaults: number | undefined = undefined;
  oomKills: number | undefined = undefined;
  eventsHigh: number | undefined = undefined;
  eventsMax: number | undefined = undefined;
  fileDirty: number | undefined = undefined;
  fileWriteback: number | undefined = undefined;
  scannedPages: number | undefined = undefined;
  reclaimedPages: number | undefined = undefined;
  refaultsFile: number | undefined = undefined;
  refaultsAnon: number | undefined = undefined;
  cpuWaiting: number | undefined = undefined;
  cpuStalled: number | undefined = undefined;
  memoryWaiting: number | undefined = undefined;
  memoryStalled: number | undefined = undefined;
  ioWaiting: number | undefined = undefined;
  ioStalled: number | undefined = undefined;
  threads: number | undefined = undefined;
  processes: number | undefined = undefined;
  fileDescriptors: number | undefined = undefined;
  sockets: number | undefined = undefined;
  devices: readonly DeviceUse[] = NONE;
  hugePages: readonly HugePages[] = NONE;
  /** The content of the files, for comparison. */
  eventsText: string | undefined = undefined;
  ioText: string | undefined = undefined;
  /** Whether they are unchanged since the previous reading. */
  areEventsSame = false;
  isIoSame = false;
  /** Number of absent files. */
  misses = 0;
  /** What was unreadable or malformed; each only affects its own values. */
  losses = NO_LOSSES;

  /** Forgets everything, to be filled again: a new object for each cgroup and cycle would end up in V8's old space. */
  cleared(): this {
    this.cpuUsage =
      this.cpuUser =
      this.cpuSystem =
      this.periods =
      this.throttledPeriods =
      this.throttledTime =
        undefined;
    this.burstPeriods = this.burstTime = this.memory = this.workingSet = this.cache = this.rss = undefined;
    this.swap = this.mappedFile = this.activeFile = this.inactiveFile = this.kernel = this.peak = undefined;
    this.limitHits = this.pageFaults = this.majorFaults = this.oomKills = this.eventsHigh = this.eventsMax = undefined;
    this.fileDirty =
      this.fileWriteback =
      this.scannedPages =
      this.reclaimedPages =
      this.refaultsFile =
      this.refaultsAnon =
        undefined;
    this.cpuWaiting =
      this.cpuStalled =
      this.memoryWaiting =
      this.memoryStalled =
      this.ioWaiting =
      this.ioStalled =
        undefined;
    this.threads = this.processes = this.fileDescriptors = this.sockets = undefined;
    this.devices = NONE;
    this.hugePages = NONE;
    this.eventsText = this.ioText = undefined;
    this.areEventsSame = this.isIoSame = false;
    this.misses = 0;
    this.losses = NO_LOSSES;
    return this;
  }
}

/** The limits of a cgroup, which hardly ever change. 0 is no limit. */
export class Limits {
  cpuPeriod: number | undefined = undefined;
  /** Undefined without a quota. */
  cpuQuota: number | undefined = undefined;
  cpuShares: number | undefined = undefined;
  memory: number | undefined = undefined;
  swap: number | undefined = undefined;
  reservation: number | undefined = undefined;
  threads: number | undefined = undefined;
  openFiles: number | undefined = undefined;
  /** What was unreadable or malformed. */
  losses = NO_LOSSES;
}

/** Values read beyond the common series. */
export interface ReadingOptions {
  /** Everything that a kubelet reports. */
  readonly all: boolean;
  readonly fileDescriptors: boolean;
  readonly sockets: boolean;
  readonly extra: ReadonlySet<Extra>;
  /** Maximum number of files kept open between cycles. */
  readonly keepOpen: number;
}

/** The memory of the machine, which limits the root cgroup. */
export interface MachineMemory {
  /** Unknown values are undefined, here and below. */
  readonly totalBytes: number | undefined;
  readonly swapTotalBytes: number | undefined;
  readonly swapFreeBytes: number | undefined;
}

/** The context in which a cgroup is read. */
export interface Circumstances {
  readonly machine: MachineMemory;
  /** Whether the CPU time is limited: without a quota its counters are present too, at 0. */
  readonly hasQuota: boolean;
  /** The reading of the same cgroup in the previous cycle. */
  readonly before?: CgroupReading | undefined;
  /** The reading of its parent cgroup in this cycle. */
  readonly above?: CgroupReading | undefined;
  /** An earlier reading that nothing refers to any more, to be filled again. */
  readonly spent?: CgroupReading | undefined;
}

/** Reads cgroups by their id, in one version of the hierarchy. */
export interface CgroupReader {
  /** Throws MissingFile for a cgroup that no longer exists. */
  read(id: string, circumstances: Circumstances): CgroupReading;
  /** To be called when a cycle begins. */
  begin(): void;
  /** To be called for a cgroup that is gone. */
  forget(id: string): void;
  limits(id: string, machine: MachineMemory): Limits;
  /** Whether all its folders exist; one that is being created or removed has only some. */
  isWhole(id: string): boolean;
}

/** The folder of a cgroup in a tree. */
export const folderOf = (tree: string, id: string): string => (id === '/' ? tree : tree + id);

const UNLIMITED = 2 ** 62;

/** Maximum number of digits of a kernel number. */
const MOST_DIGITS = 20;

/** NaN for anything but a number of the kernel. */
function whole(text: string): number {
  const digits = text.startsWith('-') ? text.length - 1 : text.length;
  return digits <= MOST_DIGITS && isInteger(text) ? Number(text) : Number.NaN;
}

/** A limit in bytes or tasks: `max`, and the value of v1 for none, nearly 2^63, become 0. Throws NotANumber. */
export function limit(text: string): number {
  if (text === 'max') return 0;
  const value = whole(text);
  if (Number.isNaN(value)) throw new NotANumber(text);
  return value > UNLIMITED || value < 0 ? 0 : value;
}

/** An amount in use: never more than the highest possible limit. Throws NotANumber. */
export function amount(text: string): number {
  const value = whole(text);
  if (!(value >= 0 && value <= UNLIMITED)) throw new NotANumber(text);
  return value;
}

/** `numerator / denominator` where the first is known. */
export const scaled = (numerator: number | undefined, denominator: number): number | undefined =>
  numerator === undefined ? undefined : numerator / denominator;

/** Memory without the file cache that can be dropped immediately; undefined if either is unknown. */
export const workingSet = ({ memory, inactiveFile }: CgroupReading): number | undefined =>
  memory === undefined || inactiveFile === undefined ? undefined : Math.max(0, memory - inactiveFile);
