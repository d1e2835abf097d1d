import { Turns } from '../../base/turns.ts';
import { kernelUnits } from '../../host/auxv.ts';
import type { Host } from '../../host/host.ts';
import { KeptFiles } from '../../host/kept-files.ts';
import { readBootTime } from '../../host/kernel-stat.ts';
import { textOrLost } from '../../host/records.ts';
import { parseSwaps } from '../../host/swaps.ts';
import { OTHER } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import type { PodNames } from '../../pods/pod-names.ts';
import type { World } from '../collector.ts';
import { Classifier } from './classify.ts';
import { Details } from './details.ts';
import { addExpected } from './expected.ts';
import { EXTRA, F } from './families.ts';
import { type ProcessGroup, ProcessGroups } from './group.ts';
import { addGroup, type Units } from './group-series.ts';
import { ProcessLosses } from './losses.ts';
import type { ProcessOptions } from './options.ts';
import { addListeners, Ports } from './ports.ts';
import { ProcFiles } from './proc-files.ts';
import type { Process } from './process.ts';
import { type Cycle, isDue, ProcessTable, spread } from './process-table.ts';
import { Proportional } from './smaps.ts';
import { Threads } from './threads.ts';
import { Top } from './top.ts';

/** For how many cycles a process waits for the name of its container before it is reported without. */
const MAX_UNNAMED_CYCLES = 2;

/** The boot time, printed as whole seconds, varies while the clock is slewed; with it, all start times would. */
const LEAST_STEP_SECONDS = 2;

/**
 * The process collector on one host. The state it keeps between cycles lets the counters of groups outlive processes.
 */
export class ProcessCollector {
  readonly #world: World;
  readonly #options: ProcessOptions;
  readonly #units: Units = { ...kernelUnits(), bootTime: Number.NaN };
  readonly #containers: PodNames | undefined;
  readonly #classifier: Classifier;
  readonly #kept: KeptFiles<number>;
  readonly #table: ProcessTable;
  readonly #details: Details;
  readonly #threads: Threads;
  readonly #proportional: Proportional;
  readonly #ports: Ports;
  readonly #top: Top | undefined;
  readonly #groups: ProcessGroups;
  readonly #losses = new ProcessLosses();
  /** Whether the host has swap. */
  #hasSwap: boolean = true;
  /** Whether the memory in swap of a process may have changed without it running: with swap, and once after its end. */
  #mayHaveSwapped = true;
  /** When the boot time is due, in milliseconds since 1970. */
  #bootTimeAt = 0;
  #listErrors = 0;
  #partialErrors = 0;
  #overflow = 0;
  /** Names of the groups that have a non-zombie process. */
  readonly #living = new Set<string>();

  /** Without `containers` no process has the labels of its pod. */
  constructor(world: World, options: ProcessOptions, containers?: PodNames) {
    this.#kept = new KeptFiles<number>(options.keepOpen);
    const files = new ProcFiles(world.host.paths.procfs, this.#kept);
    this.#world = world;
    this.#options = options;
    this.#containers = options.byPod ? containers : undefined;
    this.#classifier = new Classifier(world.host, files, options, this.#units);
    this.#table = new ProcessTable(files, this.#classifier, options);
    this.#details = new Details(files);
    this.#threads = new Threads(files, this.#details);
    this.#proportional = new Proportional(files, options.smapsPerCycle, options.smapsMaxRss / this.#units.pageBytes);
    this.#ports = new Ports(files, options.slowInterval);
    this.#top = options.topN > 0 ? new Top(options.topN) : undefined;
    this.#groups = new ProcessGroups(options.maxGroups);
  }

  /** Scans all processes and adds the groups. Must finish before it is called again. */
  async collect(out: Snapshot, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const cycle: Cycle = { now: this.#world.now(), turns: new Turns(signal), losses: this.#losses };
    const { processes } = this.#table;
    this.#kept.touch();
    const isBootTimeKnown = !Number.isNaN(this.#units.bootTime);
    if (!isBootTimeKnown) this.#learnBootTime(out, cycle.now);
    try {
      await this.#table.scan(cycle);
    } catch (cause) {
      if (!signal.aborted) this.#listErrors++;
      throw cause;
    }
    if (isBootTimeKnown && isDue(cycle.now, this.#bootTimeAt, this.#options.slowInterval)) {
      this.#learnBootTime(out, cycle.now);
    }
    const hadSwap = this.#hasSwap;
    this.#hasSwap = hasSwap(out, this.#world.host);
    this.#mayHaveSwapped = hadSwap || this.#hasSwap;
    if (this.#options.smaps) await this.#proportional.read(processes.values(), cycle);
    const listeners = this.#options.ports ? await this.#ports.listening(processes, cycle) : [];
    await this.#addToGroups(processes.values(), cycle);
    for (const group of this.#groups) {
      addGroup(out, group, this.#units, Math.floor(cycle.now / 1000));
      if (cycle.turns.isOver) await cycle.turns.next();
    }
    addListeners(out, listeners);
    addExpected(out, this.#classifier.matchers, this.#living, listeners, this.#ports.blind);
    this.#top?.addTo(out, cycle.now, this.#units);
    out.add(F.scrapeErrors, this.#listErrors);
    out.add(F.readErrors, this.#table.unreadable);
    out.add(F.partialErrors, this.#partialErrors);
    out.add(EXTRA.overflow, this.#overflow);
    out.add(EXTRA.skipped, this.#table.skipped);
    this.#losses.addTo(out, processes.size);
  }

  /** The kernel computes it from the clock: it moves when that is set. */
  #learnBootTime(out: Snapshot, now: number): void {
    const { bootTime } = this.#units;
    this.#bootTimeAt = now + this.#options.slowInterval;
    const read = readBootTime(out, this.#world.host) ?? bootTime;
    if (!(Math.abs(read - bootTime) < LEAST_STEP_SECONDS)) this.#units.bootTime = read;
    if (Number.isNaN(this.#units.bootTime) && this.#classifier.needsStartTime) {
      throw new Error(`the names of groups have {{.StartTime}}: ${out.errors.at(-1)?.message}`);
    }
  }

  async #addToGroups(processes: Iterable<Process>, cycle: Cycle): Promise<void> {
    this.#groups.reset();
    this.#living.clear();
    this.#overflow = 0;
    for (const process of processes) {
      if (process.groupName !== undefined) {
        // Most need no promise; each costs as much as half a system call.
        const more = this.#read(process, cycle);
        if (more) await more;
        process.counters.begin(process.isNewborn);
        if (!process.isZombie) this.#living.add(process.groupName);
        const group = this.#groupOf(process, process.groupName);
        if (group) this.#add(process, group);
      }
      for (const file of process.denied) cycle.losses.count(file);
      if (process.denied.size > 0) this.#partialErrors++;
      if (cycle.turns.isOver) await cycle.turns.next();
    }
    this.#groups.expire(cycle.now, this.#options.groupExpiry);
  }

  /** Reads the due files of a process; returns a promise if some of them are read later. */
  #read(process: Process, cycle: Cycle): Promise<void> | undefined {
    const { threads, slowInterval } = this.#options;
    const isSlowDue = isDue(cycle.now, process.slowAt, slowInterval);
    if (isSlowDue) process.slowAt = cycle.now + slowInterval * (process.slowAt === 0 ? spread(process.pid) : 1);
    if (isSlowDue || (threads && process.threads > 1)) return this.#readSlowly(process, isSlowDue, cycle);
    this.#readFast(process, cycle);
    return undefined;
  }

  async #readSlowly(process: Process, isSlowDue: boolean, cycle: Cycle): Promise<void> {
    if (process.threads > 1) await this.#threads.read(process, this.#options.threads, cycle);
    this.#readFast(process, cycle);
    if (isSlowDue) await this.#details.readLimits(process, cycle.losses);
  }

  #readFast(process: Process, { losses }: Cycle): void {
    const isResting = this.#details.isResting(process);
    if (!isResting || this.#mayHaveSwapped) this.#details.readStatus(process, losses);
    if (!isResting) this.#details.readStorageUse(process, losses);
    this.#details.readOpenFiles(process, losses);
    if (this.#options.wchan) this.#details.readWchan(process, this.#options.threads, losses);
  }

  /** The group of a process; undefined while the name of its container is unknown. */
  #groupOf(process: Process, name: string): ProcessGroup | undefined {
    const { containerId, podUid } = process.place ?? {};
    // The group limit may now allow its own group.
    if (process.group?.name !== name) process.group = undefined;
    if (!this.#containers || containerId === undefined || podUid === undefined) {
      process.group ??= this.#groups.find(name);
    } else if (process.group === undefined || process.unnamedCycles > 0) {
      const labels = this.#containers.lookup(containerId, podUid);
      process.unnamedCycles = labels ? 0 : process.unnamedCycles + 1;
      if (labels) process.group = this.#groups.find(name, labels);
      else if (process.unnamedCycles > MAX_UNNAMED_CYCLES) process.group = this.#groups.find(name);
    }
    return process.group;
  }

  #add(process: Process, group: ProcessGroup): void {
    group.add(process);
    if (group.name === OTHER && process.groupName !== OTHER) this.#overflow++;
    const details = this.#options.threads && process.threads > 1 ? process.threadRecords.values() : [];
    let hasThreads = false;
    for (const { detail } of details) {
      if (!detail) continue;
      hasThreads = true;
      group.addState(detail.state);
      group.threadNames.add(detail.name, detail.counters);
    }
    if (!hasThreads) group.addState(process.state);
    for (const wchan of process.wchans) group.addWchan(wchan);
    this.#top?.note(process);
  }
}

/** Whether the host has swap; true if that is unknown. */
function hasSwap(out: Snapshot, host: Host): boolean {
  const path = host.proc('swaps');
  const text = textOrLost(out, host, path);
  const devices = text === undefined ? undefined : out.attempt(path, () => parseSwaps(out, path, text));
  return devices?.length !== 0;
}
