import { closeSync, openSync, readFileSync } from 'node:fs';
import { READ_AT_ONCE } from '../../base/files.ts';
import { KEY, numberAfter } from './parse.ts';

/**
 * After this long without a scan, as after a reload or with infrequent pushes, keeping files open does not pay: all are
 * closed.
 */
const IDLE_MS = 60_000;

/** Our share of the open file limit of this process; connections need some, too. */
const PART = 0.25;

/**
 * Stat files of processes, open between cycles: the kernel takes three times as long to open, read and close one as to
 * read it again from the start. Each costs 4.4 KiB of the kernel's memory, for the page in which it makes the text.
 */
export class KeptStats {
  readonly #fds = new Map<number, number>();
  readonly #limit: number;
  #idle: NodeJS.Timeout | undefined;

  /** Keeps at most `most` files, and no more than a quarter of what this process may have open. */
  constructor(most: number) {
    this.#limit = Math.min(most, Math.floor(openFilesLimit() * PART));
  }

  /** How many are open. */
  get size(): number {
    return this.#fds.size;
  }

  /** The descriptor for a pid. It belongs to the process for which it was opened, not to a later one of that pid. */
  get(pid: number): number | undefined {
    return this.#fds.get(pid);
  }

  /** Opens the file at `path` and keeps it open, if the limit allows; else undefined. Throws the errors of node:fs. */
  open(pid: number, path: string): number | undefined {
    if (this.#fds.size >= this.#limit) return undefined;
    const fd = openSync(path, READ_AT_ONCE);
    this.#fds.set(pid, fd);
    // Otherwise a scan of more than a minute would leave files open forever.
    if (this.#idle === undefined) this.touch();
    return fd;
  }

  /** Closes the file of a process that has ended. */
  close(pid: number): void {
    const fd = this.#fds.get(pid);
    if (fd === undefined) return;
    this.#fds.delete(pid);
    closeSync(fd);
  }

  /** To be called when a scan of all processes begins. */
  touch(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#closeAll(), IDLE_MS).unref();
  }

  #closeAll(): void {
    this.#idle = undefined;
    for (const pid of [...this.#fds.keys()]) this.close(pid);
  }
}

/** How many files this process may have open; Node has raised that to the hard limit. 0 where that can't be read. */
function openFilesLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits');
    return numberAfter(limits, limits.length, KEY.openFilesLimit) || 0;
  } catch {
    return 0;
  }
}
