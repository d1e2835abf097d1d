import * as files from 'node:fs/promises';
import { monotonicMs } from '../../base/clock.ts';

/** The functions of node:fs/promises that the spool uses. */
export type DiskIo = Pick<typeof files, 'lstat' | 'mkdir' | 'open' | 'readdir' | 'rename' | 'unlink'>;

/**
 * An operation that the disk did not finish in time, or that was not started because an earlier one has not finished.
 */
export class DiskStalled extends Error {
  override readonly name = 'DiskStalled';
}

/** Timeout for writing or reading one batch on a busy disk. */
const DEADLINE_MS = 10_000;

/** Node's pool has four threads. The remaining ones do the process's other file work. */
const MAX_STUCK = 2;

let stuck = 0;

/**
 * Number of operations of this process that are past their deadline. Their threads can't be stopped, and process.exit()
 * never returns while one is blocked. The process must then be ended with a signal or an exec.
 */
export const stuckOperations = (): number => stuck;

interface Options {
  readonly deadlineMs?: number;
  readonly io?: DiskIo;
}

/** The disk of one spool. Every operation has a deadline. While one is past its deadline, no other starts. */
export class Disk {
  readonly #io: DiskIo;
  readonly #deadlineMs: number;
  /** Deadline of the last operation, on the monotonic clock. */
  #endAt = Number.POSITIVE_INFINITY;
  /** Re-arms the deadlines of the operations in progress. */
  readonly #running = new Set<() => void>();
  #late: Promise<void> | undefined;

  constructor({ deadlineMs = DEADLINE_MS, io = files }: Options = {}) {
    this.#io = io;
    this.#deadlineMs = deadlineMs;
  }

  /** Set while an operation is past its deadline; resolves when it has finished. */
  get stalled(): Promise<void> | undefined {
    return this.#late;
  }

  /** Limits all operations, including those in progress, to this time from now. */
  hurry(withinMs: number): void {
    this.#endAt = Math.min(this.#endAt, monotonicMs() + withinMs);
    for (const arm of this.#running) arm();
  }

  /** Runs `work`, described by `what`. Rejects with DiskStalled, or with the error of `work`. */
  async run<T>(what: string, work: (io: DiskIo) => Promise<T>): Promise<T> {
    if (this.#late) throw new DiskStalled(`${what}: the disk has not completed an earlier request`);
    if (stuck >= MAX_STUCK) throw new DiskStalled(`${what}: other disks of this process do not respond`);
    const started = monotonicMs();
    const done = work(this.#io);
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const expire = () => {
      stuck++;
      const end = () => {
        stuck--;
        this.#late = undefined;
      };
      this.#late = done.then(end, end);
      reject(new DiskStalled(`${what}: no response within ${Math.round(monotonicMs() - started)} ms`));
    };
    let timer: NodeJS.Timeout | undefined;
    const arm = () => {
      clearTimeout(timer);
      const endAt = Math.min(started + this.#deadlineMs, this.#endAt);
      timer = setTimeout(expire, Math.max(0, endAt - monotonicMs()));
    };
    arm();
    this.#running.add(arm);
    try {
      return await Promise.race([done, expired]);
    } finally {
      clearTimeout(timer);
      this.#running.delete(arm);
    }
  }
}
