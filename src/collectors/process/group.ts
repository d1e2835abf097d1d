import { type Family, OTHER } from '../../metrics/family.ts';
import { labelBlock } from '../../metrics/text/format.ts';
import type { ContainerLabels } from '../../pods/pod-names.ts';
import { type Counters, Totals } from './counters.ts';
import { ThreadNames } from './thread-names.ts';

/** The values of the label `state`; the letters of the first four are R S D Z. */
export const STATES = ['Running', 'Sleeping', 'Waiting', 'Zombie', 'Other'] as const;
const STATE_LETTERS = [...'RSDZ'].map((letter) => letter.charCodeAt(0));

/** Maximum number of wait functions reported per group; a kernel has thousands. */
const MAX_WCHANS = 100;

/** A sum that skips unknown values; NaN while all are unknown. */
const plus = (sum: number, value: number): number =>
  Number.isNaN(value) ? sum : Number.isNaN(sum) ? value : sum + value;
const least = (known: number, value: number): number => (known <= value || Number.isNaN(value) ? known : value);
const most = (known: number, value: number): number => (known >= value || Number.isNaN(value) ? known : value);

/** The values of a process that a group sums up. Unreadable sizes and limits are NaN. */
interface ProcessValues {
  readonly counters: Counters;
  readonly isZombie: boolean;
  readonly isKernelThread: boolean;
  readonly startTicks: number;
  readonly threads: number;
  readonly residentPages: number;
  readonly virtualBytes: number;
  readonly swappedBytes: number;
  readonly openFiles: number;
  readonly openFilesLimit: number;
  readonly pssBytes: number;
  readonly swapPssBytes: number;
}

/** Processes that are reported together: counters accumulate, everything else is recomputed in each cycle. */
export class ProcessGroup {
  readonly name: string;
  readonly labelNames: readonly string[];
  readonly labelValues: readonly string[];
  readonly totals = new Totals();
  readonly threadNames = new ThreadNames((family, labels) => this.key(family, labels));

  processes = 0;
  threads = 0;
  residentPages = 0;
  virtualBytes = 0;
  // NaN while no process reports it.
  swappedBytes = Number.NaN;
  openFiles = Number.NaN;
  worstFdRatio = Number.NaN;
  openFilesLimit = Number.NaN;
  pssBytes = Number.NaN;
  swapPssBytes = Number.NaN;
  oldestStartTicks = Number.NaN;
  youngestStartTicks = Number.NaN;
  /** Processes whose proportional memory is not known, so that the sum would be too low. */
  withoutPss = 0;
  /** Numbers by {@link STATES}. */
  readonly states = [0, 0, 0, 0, 0];
  readonly wchans = new Map<string, number>();

  /** Since when it has had no process, in milliseconds since 1970. */
  emptySince: number | undefined;
  /** Series keys, in the order of the table of series. */
  keys: readonly string[] | undefined;

  /** `pod` contains the labels in addition to the group's name; empty ones are omitted. */
  constructor(name: string, pod: Partial<ContainerLabels>) {
    this.name = name;
    const labels = Object.entries(pod).filter(([, value]) => value !== '');
    this.labelNames = ['groupname', ...labels.map(([label]) => label)];
    this.labelValues = [name, ...labels.map(([, value]) => value)];
  }

  /** Forgets the processes, not the counters. */
  reset(): void {
    this.processes = this.withoutPss = this.threads = this.residentPages = this.virtualBytes = 0;
    this.swappedBytes = this.openFiles = this.worstFdRatio = this.openFilesLimit = Number.NaN;
    this.pssBytes = this.swapPssBytes = this.oldestStartTicks = this.youngestStartTicks = Number.NaN;
    this.states.fill(0);
    this.wchans.clear();
    this.threadNames.reset();
  }

  /** Adds a process in its current state, and its growth since it was last added to any group. */
  add(process: ProcessValues): void {
    this.totals.add(process.counters);
    this.processes++;
    this.threads += process.threads;
    this.residentPages += process.residentPages;
    this.virtualBytes += process.virtualBytes;
    this.swappedBytes = plus(this.swappedBytes, process.swappedBytes);
    this.openFiles = plus(this.openFiles, process.openFiles);
    this.worstFdRatio = most(this.worstFdRatio, process.openFiles / process.openFilesLimit);
    this.openFilesLimit = least(this.openFilesLimit, process.openFilesLimit);
    this.oldestStartTicks = least(this.oldestStartTicks, process.startTicks);
    this.youngestStartTicks = most(this.youngestStartTicks, process.startTicks);
    if (process.isZombie || process.isKernelThread) return;
    this.pssBytes = plus(this.pssBytes, process.pssBytes);
    this.swapPssBytes = plus(this.swapPssBytes, process.swapPssBytes);
    if (Number.isNaN(process.pssBytes)) this.withoutPss++;
  }

  /** Counts a process or thread in the state with this letter. */
  addState(letter: number): void {
    const index = STATE_LETTERS.indexOf(letter);
    const at = index === -1 ? STATES.length - 1 : index;
    this.states[at] = (this.states[at] ?? 0) + 1;
  }

  /** Counts a thread that waits in this kernel function. */
  addWchan(name: string): void {
    const key = this.wchans.has(name) || this.wchans.size < MAX_WCHANS ? name : OTHER;
    this.wchans.set(key, (this.wchans.get(key) ?? 0) + 1);
  }

  /** The series key of a family for this group, with further labels. */
  key(family: Family, more: Readonly<Record<string, string>> = {}): string {
    const names = [...this.labelNames, ...Object.keys(more)];
    return family.name + labelBlock(names, [...this.labelValues, ...Object.values(more)]);
  }
}

/** All groups, within a limit. */
export class ProcessGroups {
  readonly #groups = new Map<string, ProcessGroup>();
  readonly #limit: number;

  /** There may be one group more than `limit`: that for all others. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  [Symbol.iterator](): Iterator<ProcessGroup> {
    return this.#groups.values();
  }

  get size(): number {
    return this.#groups.size;
  }

  /** The group of this name and these labels, created within the limit; else `__other__`. */
  find(name: string, pod: Partial<ContainerLabels> = {}): ProcessGroup {
    const key = JSON.stringify([name, ...Object.values(pod)]);
    const known = this.#groups.get(key);
    if (known) return known;
    if (name !== OTHER && this.#groups.size >= this.#limit) return this.find(OTHER);
    const group = new ProcessGroup(name, pod);
    this.#groups.set(key, group);
    return group;
  }

  /** Forgets the processes of all groups, for a new cycle. */
  reset(): void {
    for (const group of this.#groups.values()) group.reset();
  }

  /** Drops groups that have had no process for longer than `milliseconds`; called when all processes are added. */
  expire(now: number, milliseconds: number): void {
    for (const [key, group] of this.#groups) {
      if (group.processes > 0) group.emptySince = undefined;
      else group.emptySince = Math.min(group.emptySince ?? now, now);
      if (group.emptySince !== undefined && now - group.emptySince > milliseconds) this.#groups.delete(key);
    }
  }
}
