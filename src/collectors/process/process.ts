import type { CgroupPlace } from '../../host/cgroup-path.ts';
import { COUNTER, Counters } from './counters.ts';
import type { ProcessGroup } from './group.ts';
import { FIELD, type Stat } from './parse.ts';
import type { HotPaths } from './proc-files.ts';

/** `PF_KTHREAD` of include/linux/sched.h. */
const KERNEL_THREAD = 0x00200000;
const ZOMBIE = 'Z'.charCodeAt(0);
const DEAD = 'X'.charCodeAt(0);

/** Shared empty defaults for threads and denied files, as an empty Map takes 200 bytes. */
const NO_THREADS: ReadonlyMap<number, ThreadRecord> = new Map();
const NOTHING: ReadonlySet<string> = new Set();

/** How a process was assigned to its group: not examined yet, by its own match, by its parent, or not at all. */
type Membership = 'new' | 'matched' | 'inherited' | 'none';

/** A process between cycles. It is identified by pid and start time, since pids are reused. */
export class Process {
  readonly pid: number;
  readonly startTicks: number;
  /** Whether it started after our first scan: then its counters count in full, else only their growth from now on. */
  readonly isNewborn: boolean;
  readonly isKernelThread: boolean;
  readonly counters = new Counters();

  commHash = 0;
  parentPid = 0;
  /** Character code of the state's letter. */
  state = 0;
  threads = 0;
  virtualBytes = 0;
  residentPages = 0;
  swappedBytes = Number.NaN;
  /** Room in its table of open files; at least their number. */
  fileSlots = 0;
  openFiles = Number.NaN;
  openFilesLimit = Number.NaN;
  pssBytes = Number.NaN;
  swapPssBytes = Number.NaN;
  /** CPU time in the previous cycle, while the busiest are tracked. */
  ticksBefore = Number.NaN;

  membership: Membership = 'new';
  /** The name of its group, before splitting by pod; undefined if it is in none. */
  groupName: string | undefined;
  group: ProcessGroup | undefined;
  /** The container in which it runs. */
  place: CgroupPlace | undefined;
  /** Cycles in which the names of its container were not known. */
  unnamedCycles = 0;
  netNamespace: string | undefined;
  /** The kernel functions in which its threads wait; one without per-thread data. */
  wchans: readonly string[] = [];
  /** By thread id; read only when due. */
  threadRecords = NO_THREADS;
  /** Context switches of all threads but the first, including those that have ended. */
  otherVoluntarySwitches = 0;
  otherNonvoluntarySwitches = 0;

  /** The last cycle in which it was seen. */
  cycle = 0;
  /** When its attributes and its slow files are due, in milliseconds since 1970. */
  refreshAt = 0;
  slowAt = 0;
  /** Its schedstat; undefined while it has several threads, or if the kernel does not count. */
  lastRun: string | undefined;
  /** Whether its schedstat was the same in two cycles. */
  hasRested: boolean = false;
  paths: HotPaths | undefined;
  /** Denied files; retried at the next refresh. */
  denied = NOTHING;

  constructor(pid: number, stat: Stat, isNewborn: boolean) {
    this.pid = pid;
    this.startTicks = stat.fields[FIELD.startTicks];
    this.isNewborn = isNewborn;
    this.isKernelThread = (stat.fields[FIELD.flags] & KERNEL_THREAD) !== 0;
  }

  /** A process that has exited and waits for its parent: only its entry remains. */
  get isZombie(): boolean {
    return this.state === ZOMBIE || this.state === DEAD;
  }

  /** Records that a file may not be read. */
  deny(file: string): void {
    this.denied = new Set(this.denied).add(file);
  }

  /** Lets all files be tried again, also if it has not run. */
  allowAll(): void {
    this.denied = NOTHING;
    this.hasRested = false;
  }

  /** Removes it from its group and assigns it to the one with this name, if any. Its past usage remains counted. */
  moveTo(groupName: string | undefined): void {
    if (groupName === this.groupName) return;
    this.groupName = groupName;
    this.group = undefined;
    this.unnamedCycles = 0;
  }

  /** Applies the values of stat. */
  update({ state, fields }: Stat): void {
    this.state = state;
    this.parentPid = fields[FIELD.ppid];
    this.threads = fields[FIELD.threads];
    this.virtualBytes = fields[FIELD.virtualBytes];
    this.residentPages = fields[FIELD.residentPages];
    countStat(this.counters, fields);
  }
}

/** The state of a thread between two reads. */
export interface ThreadRecord {
  readonly voluntary: number;
  readonly nonvoluntary: number;
  /** Only with the option `threads`. */
  detail: ThreadDetail | undefined;
}

/** A thread between cycles, for metrics by its name. */
export interface ThreadDetail {
  readonly startTicks: number;
  readonly counters: Counters;
  commHash: number;
  name: string;
  /** Character code of the state's letter. */
  state: number;
}

/** Applies the counters of a stat file. */
export function countStat({ now }: Counters, fields: Stat['fields']): void {
  now[COUNTER.userTicks] = fields[FIELD.userTicks];
  now[COUNTER.systemTicks] = fields[FIELD.systemTicks];
  now[COUNTER.majorFaults] = fields[FIELD.majorFaults];
  now[COUNTER.minorFaults] = fields[FIELD.minorFaults];
}
