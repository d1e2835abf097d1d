import * as files from 'node:fs/promises';

/** The functions of node:fs/promises that the spool uses. */
export type Io = Pick<typeof files, 'lstat' | 'mkdir' | 'open' | 'readdir' | 'rename' | 'unlink'>;

/** An operation that the disk did not finish in time, or that was not begun because an earlier one has not ended. */
export class DiskStalled extends Error {
  override readonly name = 'DiskStalled';
}

/** How long one body may take to be written or read, on a disk that is busy. */
const DEADLINE_MS = 10_000;

/** Node's pool has four threads; those that are left do the process's other work with files. */
const MAX_STUCK = 2;

let stuck = 0;

/**
 * How many operations of this process are past their deadline. Their threads can't be ended, and as long as one waits
 * process.exit() never returns: whoever ends the process must then do it with a signal or an exec.
 */
export const stuckOperations = (): number => stuck;

interface Options {
  readonly deadlineMs?: number;
  readonly io?: Io;
}

/** The disk of one spool, of which every operation has a deadline. While one is past it no other begins. */
export class Disk {
  readonly #io: Io;
  readonly #deadlineMs: number;
  /** On the clock of performance.now(): when the last operation must have ended. */
  #endAt = Number.POSITIVE_INFINITY;
  /** Re-arms the deadlines of what is under way. */
  readonly #running = new Set<() => void>();
  #late: Promise<void> | undefined;

  constructor({ deadlineMs = DEADLINE_MS, io = files }: Options = {}) {
    this.#io = io;
    this.#deadlineMs = deadlineMs;
  }

  /** Whether an operation is past its deadline and has not ended; resolves when it has. */
  get stalled(): Promise<void> | undefined {
    return this.#late;
  }

  /** Gives all operations, also those under way, no longer than so long from now. */
  hurry(withinMs: number): void {
    this.#endAt = Math.min(this.#endAt, performance.now() + withinMs);
    for (const arm of this.#running) arm();
  }

  /** Does `work`, which is described by `what`. Rejects with DiskStalled, or as it does. */
  async run<T>(what: string, work: (io: Io) => Promise<T>): Promise<T> {
    if (this.#late) throw new DiskStalled(`${what}: the disk has not completed an earlier request`);
    if (stuck >= MAX_STUCK) throw new DiskStalled(`${what}: other disks of this process do not respond`);
    const started = performance.now();
    const done = work(this.#io);
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const expire = () => {
      stuck++;
      const end = () => {
        stuck--;
        this.#late = undefined;
      };
      this.#late = done.then(end, end);
      reject(new DiskStalled(`${what}: no response within ${Math.round(performance.now() - started)} ms`));
    };
    let timer: NodeJS.Timeout | undefined;
    const arm = () => {
      clearTimeout(timer);
      const endAt = Math.min(started + this.#deadlineMs, this.#endAt);
      timer = setTimeout(expire, Math.max(0, endAt - performance.now()));
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
