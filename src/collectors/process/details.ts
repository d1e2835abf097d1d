import { MalformedFile } from '../../host/errors.ts';
import { COUNTER, type Counters } from './counters.ts';
import type { ProcessLosses } from './losses.ts';
import { KEY } from './parse.ts';
import type { HotPaths, ProcFiles } from './proc-files.ts';
import type { Process } from './process.ts';

/** A process with more is counted rarely and in another thread. */
const MANY_FILES = 8192;

/** The schedstat of every process if the kernel does not count. */
const NOT_COUNTED = '0 0 0\n';

/** Reads the values that are not in stat. A denied file leaves NaN and is not retried before the next refresh. */
export class Details {
  readonly #files: ProcFiles;

  constructor(files: ProcFiles) {
    this.#files = files;
  }

  /**
   * Whether nothing in status and io can have changed since they were last read, except for memory in swap: the process
   * has not run, as its only thread has the same schedstat (nanoseconds on a CPU, nanoseconds of waiting for one, number
   * of times it got one) as in the two cycles before. Two, because the kernel counts a context switch a moment after the
   * nanoseconds, and because a thread that was started after stat was read may have ended before it is read again.
   * To be called once per cycle, before the files are read. schedstat takes a third of the time of status, and less than
   * io.
   */
  isResting(process: Process): boolean {
    const { lastRun, hasRested } = process;
    process.lastRun = process.threads === 1 ? this.#lastRun(process) : undefined;
    process.hasRested = process.lastRun !== undefined && process.lastRun === lastRun;
    return hasRested && process.hasRested;
  }

  #lastRun(process: Process): string | undefined {
    try {
      if (!this.#files.readAt(this.#pathsOf(process).schedstat)) return undefined;
    } catch {
      // Not a loss: all that it would save is read.
      return undefined;
    }
    const text = this.#files.text();
    return text === NOT_COUNTED ? undefined : text;
  }

  /** Memory in swap and context switches. */
  readStatus(process: Process, losses: ProcessLosses): void {
    const { counters } = process;
    const hasStatus = this.load(process, 'status', losses);
    // Kernel threads and zombies have no memory of their own, and no such line.
    process.swappedBytes = hasStatus ? (this.#files.number(KEY.swapKib) || 0) * 1024 : Number.NaN;
    if (hasStatus) {
      process.fileSlots = this.#files.number(KEY.fileSlots);
      const { voluntary, nonvoluntary } = this.switches();
      counters.now[COUNTER.voluntarySwitches] = voluntary + process.otherVoluntarySwitches;
      counters.now[COUNTER.nonvoluntarySwitches] = nonvoluntary + process.otherNonvoluntarySwitches;
      if (Number.isNaN(voluntary)) this.#distrust(process, 'status', losses);
    }
  }

  /** Bytes read from and written to storage. */
  readStorageUse(process: Process, losses: ProcessLosses): void {
    const { counters } = process;
    const hasIo = this.#loadAt(process, this.#pathsOf(process).io, 'io', losses);
    this.#countIo(counters, hasIo);
    if (hasIo && Number.isNaN(counters.now[COUNTER.readBytes])) this.#distrust(process, 'io', losses);
  }

  /** The number of open files, which can also change through another process with the same table of them. */
  readOpenFiles(process: Process, losses: ProcessLosses): void {
    const { denied } = process;
    if (process.isZombie) process.openFiles = 0;
    else if (denied.has('fd')) process.openFiles = Number.NaN;
    else if (!this.#countsLater(process)) {
      try {
        process.openFiles = this.#files.openFiles(this.#pathsOf(process).fd) ?? Number.NaN;
      } catch (cause) {
        process.openFiles = Number.NaN;
        deny(process, 'fd', losses, cause);
      }
    }
  }

  /** For a file that lacks a value that every kernel writes. */
  #distrust(process: Process, file: string, losses: ProcessLosses): void {
    const path = this.#files.path(`${process.pid}/${file}`);
    deny(process, file, losses, new MalformedFile(path, 1, 'expected lines of keys and numbers'));
  }

  #pathsOf(process: Process): HotPaths {
    process.paths ??= this.#files.hotPaths(process.pid);
    return process.paths;
  }

  /** Whether it has enough open files that counting them takes milliseconds. */
  #countsLater({ fileSlots }: Process): boolean {
    return !this.#files.fdSizeIsCount && fileSlots > MANY_FILES;
  }

  /** The soft limit of open files, and their number where counting takes long. */
  async readLimits(process: Process, losses: ProcessLosses): Promise<void> {
    process.openFilesLimit = Number.NaN;
    if (this.load(process, 'limits', losses)) {
      try {
        process.openFilesLimit = this.#files.openFilesLimit(process.pid) ?? Number.NaN;
      } catch (cause) {
        deny(process, 'limits', losses, cause);
      }
    }
    if (!this.#countsLater(process) || process.denied.has('fd')) return;
    try {
      process.openFiles = (await this.#files.countOpenFiles(this.#pathsOf(process).fd)) ?? Number.NaN;
    } catch (cause) {
      deny(process, 'fd', losses, cause);
    }
  }

  /**
   * The kernel function in which the process, or each of its threads, waits; 0 if it is running or access is denied.
   */
  readWchan(process: Process, inDetail: boolean, losses: ProcessLosses): void {
    const tids = inDetail && process.threads > 1 ? [...process.threadRecords.keys()] : [];
    const files = tids.length === 0 ? ['wchan'] : tids.map((tid) => `task/${tid}/wchan`);
    process.wchans = files
      .map((file) => (this.load(process, file, losses, 'wchan') ? this.#files.text() : ''))
      .filter((name) => name !== '' && name !== '0');
  }

  /** Storage traffic of a thread; `folder` is `task/<tid>/`. */
  readIo(process: Process, folder: string, counters: Counters, losses: ProcessLosses): void {
    this.#countIo(counters, this.load(process, `${folder}io`, losses, 'io'));
  }

  #countIo({ now }: Counters, isRead: boolean): void {
    now[COUNTER.readBytes] = isRead ? this.#files.number(KEY.readBytes) : Number.NaN;
    now[COUNTER.writeBytes] = isRead ? this.#files.number(KEY.writeBytes) : Number.NaN;
  }

  /** Context switches in the status file that was read last. */
  switches(): { voluntary: number; nonvoluntary: number } {
    return {
      voluntary: this.#files.number(KEY.voluntarySwitches),
      nonvoluntary: this.#files.number(KEY.nonvoluntarySwitches),
    };
  }

  /** Reads a file of a process; false if it is absent or denied. `kind` names it, when `file` is one of many. */
  load(process: Process, file: string, losses: ProcessLosses, kind = file): boolean {
    return this.#loadAt(process, this.#files.path(`${process.pid}/${file}`), kind, losses);
  }

  /** As {@link unlessDenied}, without a closure: it runs for each process in each cycle. */
  #loadAt(process: Process, path: string, kind: string, losses: ProcessLosses): boolean {
    if (process.denied.has(kind)) return false;
    try {
      return this.#files.readAt(path);
    } catch (cause) {
      deny(process, kind, losses, cause);
      return false;
    }
  }
}

/** The result of `read`; undefined if the file is denied, now or since the last refresh. */
export function unlessDenied<Value>(process: Process, kind: string, losses: ProcessLosses, read: () => Value) {
  if (process.denied.has(kind)) return undefined;
  try {
    return read();
  } catch (cause) {
    deny(process, kind, losses, cause);
    return undefined;
  }
}

/** Records that a file can't be read, until the next refresh. */
export function deny(process: Process, kind: string, losses: ProcessLosses, cause: unknown): void {
  process.deny(kind);
  losses.explain(kind, cause);
}
