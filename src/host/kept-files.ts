import { closeSync, openSync, readFileSync } from 'node:fs';
import { READ_AT_ONCE } from '../base/files.ts';
import { IdleTimer } from '../base/idle-timer.ts';
import { pathOfText } from './bytes.ts';
import { softLimit } from './limits.ts';

/**
 * After this long without a scan, as after a reload or with infrequent pushes, keeping files open does not pay: all are
 * closed.
 */
const IDLE_MS = 60_000;

const OWN_LIMITS = '/proc/self/limits';

/** Our share of the open file limit of this process; connections also need some. */
const PART = 0.25;

/**
 * Files of the kernel that stay open between cycles: opening, reading and closing one takes three times as long as
 * rereading it from the start. Each costs 4.4 KiB of kernel memory, for the page in which the text is produced.
 */
export class KeptFiles<Key> {
  readonly #fds = new Map<Key, number>();
  readonly #limit: number;
  readonly #idle = new IdleTimer(IDLE_MS, () => this.#closeAll());

  /** Keeps at most `most` files, and with its `others` no more than a quarter of what this process may have open. */
  constructor(most: number, others = 0) {
    this.#limit = Math.min(most, Math.floor((openFilesLimit() * PART) / (others + 1)));
  }

  /** Number of open files. */
  get size(): number {
    return this.#fds.size;
  }

  /** The descriptor under a key. It belongs to the process or folder for which it was opened, not to a later one of that name. */
  get(key: Key): number | undefined {
    return this.#fds.get(key);
  }

  /**
   * Opens the file at `path` and keeps it open, if the limit allows; otherwise undefined. Throws the errors of node:fs.
   */
  open(key: Key, path: string): number | undefined {
    if (this.#fds.size >= this.#limit) return undefined;
    const fd = openSync(pathOfText(path), READ_AT_ONCE);
    this.#fds.set(key, fd);
    // Otherwise a scan of more than a minute would leave files open forever.
    if (!this.#idle.isRunning) this.touch();
    return fd;
  }

  /** Closes the file of what has ended. */
  close(key: Key): void {
    const fd = this.#fds.get(key);
    if (fd === undefined) return;
    this.#fds.delete(key);
    closeSync(fd);
  }

  /** To be called when a scan begins. */
  touch(): void {
    this.#idle.touch();
  }

  #closeAll(): void {
    for (const key of [...this.#fds.keys()]) this.close(key);
  }
}

/** Maximum number of open files of this process, which Node has raised to the hard limit. 0 if it can't be read. */
function openFilesLimit(): number {
  try {
    const bytes = readFileSync(OWN_LIMITS);
    return softLimit(OWN_LIMITS, bytes, bytes.length, 'openFiles') ?? 0;
  } catch {
    return 0;
  }
}
