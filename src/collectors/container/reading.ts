import { NotANumber } from '../../host/numbers.ts';
import { NO_LOSSES } from './cgroup-files.ts';
import type { Extra } from './options.ts';

/** What one cgroup did with one block device. Undefined is what its kernel does not tell, here and below. */
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

/** Huge pages of one size. Undefined is what the kernel does not tell. */
export interface HugePages {
  /** Such as `2MB`. */
  readonly size: string;
  readonly usage: number | undefined;
  readonly peak: number | undefined;
  readonly limitHits: number | undefined;
}

/** One look at a cgroup: seconds, bytes and counts. A class, so that all have one shape. */
export class Reading {
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
  devices: readonly DeviceUse[] = [];
  hugePages: readonly HugePages[] = [];
  /** The files as they were, to be compared with. */
  eventsText: string | undefined = undefined;
  ioText: string | undefined = undefined;
  /** Whether they are as they were at the look before. */
  areEventsSame = false;
  isIoSame = false;
  /** How many files were looked for that are not there. */
  misses = 0;
  /** What could not be read or understood, each at the cost of its own values. */
  losses = NO_LOSSES;
}

/** What a cgroup may use, which hardly ever changes. 0 is no limit. */
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
  /** What could not be read or understood. */
  losses = NO_LOSSES;
}

/** What is read beyond the common series. */
export interface Wanted {
  /** All that a kubelet tells. */
  readonly all: boolean;
  readonly fileDescriptors: boolean;
  readonly sockets: boolean;
  readonly extra: ReadonlySet<Extra>;
}

/** The memory of the machine, which limits the root cgroup. */
export interface MachineMemory {
  /** Undefined is what can't be told, here and below. */
  readonly totalBytes: number | undefined;
  readonly swapTotalBytes: number | undefined;
  readonly swapFreeBytes: number | undefined;
}

/** What is known when a cgroup is read. */
export interface Circumstances {
  readonly machine: MachineMemory;
  /** Whether the CPU time is limited: without a quota its counters are there too, at 0. */
  readonly hasQuota: boolean;
  /** The look at the same cgroup in the cycle before. */
  readonly before?: Reading | undefined;
  /** The look, of this cycle, at the cgroup above it. */
  readonly above?: Reading | undefined;
}

/** Reads cgroups by their id, in one version of the hierarchy. */
export interface CgroupReader {
  /** Throws MissingFile for a cgroup that is not there any more. */
  read(id: string, circumstances: Circumstances): Reading;
  limits(id: string, machine: MachineMemory): Limits;
  /** Whether all its folders are there; one that is being made or removed has only some. */
  isWhole(id: string): boolean;
}

/** The folder of a cgroup in a tree. */
export const folderOf = (tree: string, id: string): string => (id === '/' ? tree : tree + id);

const UNLIMITED = 2 ** 62;

/** No number of the kernel has more digits. */
const WHOLE = /^-?\d{1,20}$/;

/** A limit in bytes or tasks: `max`, and what v1 prints for none, nearly 2^63, is 0. Throws NotANumber. */
export function limit(text: string): number {
  if (text === 'max') return 0;
  if (!WHOLE.test(text)) throw new NotANumber(text);
  const value = Number(text);
  return value > UNLIMITED || value < 0 ? 0 : value;
}

/** How much of something is in use: never more than what a limit can be. Throws NotANumber. */
export function amount(text: string): number {
  const value = WHOLE.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0 && value <= UNLIMITED)) throw new NotANumber(text);
  return value;
}

/** `numerator / denominator` where the first is known. */
export const scaled = (numerator: number | undefined, denominator: number): number | undefined =>
  numerator === undefined ? undefined : numerator / denominator;

/** Memory without the file cache that can be dropped at once; undefined when either is unknown. */
export const workingSet = ({ memory, inactiveFile }: Reading): number | undefined =>
  memory === undefined || inactiveFile === undefined ? undefined : Math.max(0, memory - inactiveFile);
