import { readdir } from 'node:fs/promises';
import type { Turns } from '../../base/turns.ts';
import { fileError } from '../../host/errors.ts';
import type { Classifier } from './classify.ts';
import type { ProcessLosses } from './losses.ts';
import type { ProcessOptions } from './options.ts';
import { FIELD, Stat } from './parse.ts';
import type { ProcFiles } from './proc-files.ts';
import { Process } from './process.ts';

/** One cycle's circumstances. */
export interface Cycle {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly turns: Turns;
  readonly losses: ProcessLosses;
}

/** All processes of the host by pid, as of the last scan. */
export class ProcessTable {
  readonly processes = new Map<number, Process>();
  /** Processes that were skipped because of the limit. */
  skipped = 0;
  /** Processes whose stat could not be read, ever. */
  unreadable = 0;
  readonly #files: ProcFiles;
  readonly #classifier: Classifier;
  readonly #options: ProcessOptions;
  readonly #stat = new Stat();
  #cycle = 0;
  /** The latest start time in the first scan. Processes that start later are new; needs no clock. */
  #latestInFirstScan = Number.POSITIVE_INFINITY;

  constructor(files: ProcFiles, classifier: Classifier, options: ProcessOptions) {
    this.#files = files;
    this.#classifier = classifier;
    this.#options = options;
  }

  /**
   * Scans all processes: drops those that have exited, and assigns new ones to groups. Throws if the list cannot be
   * read.
   */
  async scan(cycle: Cycle): Promise<void> {
    const { turns } = cycle;
    this.#cycle++;
    this.skipped = 0;
    // With many processes the list alone takes some milliseconds, so it is read in another thread.
    const root = this.#files.path('');
    const names = await readdir(root).catch((cause: unknown) => Promise.reject(fileError(root, cause)));
    // Known processes come first: new ones get the rest of the limit.
    const unknown: number[] = [];
    for (const name of names) {
      const pid = Number(name);
      if (this.processes.has(pid)) this.#see(pid, cycle);
      else if (pid > 0) unknown.push(pid);
      if (turns.isOver) await turns.next();
    }
    for (const [pid, process] of this.processes) {
      if (process.cycle === this.#cycle) continue;
      this.processes.delete(pid);
      this.#files.forget(pid);
    }
    for (const pid of unknown) {
      if (this.processes.size < this.#options.maxProcesses) this.#see(pid, cycle);
      else this.skipped++;
      if (turns.isOver) await turns.next();
    }
    for (const process of this.processes.values()) {
      if (process.membership === 'new') this.#classifier.followParent(process, this.processes);
    }
    if (this.#latestInFirstScan === Number.POSITIVE_INFINITY) this.#latestInFirstScan = this.#latestStart();
  }

  #see(pid: number, { now, losses }: Cycle): void {
    let process = this.processes.get(pid);
    const stat = this.#stat;
    try {
      if (!this.#files.readStat(pid, process !== undefined)) return;
      stat.parse(this.#files.bytes, this.#files.length);
    } catch (cause) {
      this.unreadable++;
      losses.explain('stat', cause);
      losses.count('stat');
      // A known process must not be counted from zero again when it is readable the next time.
      if (process) process.cycle = this.#cycle;
      return;
    }
    const startTicks = stat.fields[FIELD.startTicks];
    if (process?.startTicks !== startTicks) {
      process = new Process(pid, stat, startTicks > this.#latestInFirstScan);
      this.processes.set(pid, process);
    }
    process.cycle = this.#cycle;
    process.update(stat);
    const { refreshInterval } = this.#options;
    if (process.commHash === stat.commHash && !isDue(now, process.refreshAt, refreshInterval)) return;
    const isFirst = process.refreshAt === 0;
    process.commHash = stat.commHash;
    process.refreshAt = now + refreshInterval * (isFirst ? spread(pid) : 1);
    process.allowAll();
    process.netNamespace = undefined;
    this.#classifier.match(process, stat.comm(this.#files.bytes), now, losses);
  }

  #latestStart(): number {
    let latest = 0;
    for (const { startTicks } of this.processes.values()) latest = Math.max(latest, startTicks);
    return latest;
  }
}

/** Whether what happens every `interval`, next at `at`, is due at `now`; also if the clock was set back since. */
export const isDue = (now: number, at: number, interval: number): boolean => now >= at || at - now > interval;

/** 0.5 to 1: prevents processes first seen together from being due together. */
export const spread = (pid: number): number => 0.5 + (pid % 101) / 202;
