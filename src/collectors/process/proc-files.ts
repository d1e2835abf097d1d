// Synchronous reads below /proc/<pid> into one reused buffer: the cost of the bare system calls, a third of promises.
// The kernel produces all files here as one record, so that one read returns the whole file.

import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { READ_AT_ONCE } from '../../base/files.ts';
import { numberAfter } from '../../host/byte-numbers.ts';
import { textOfBytes } from '../../host/bytes.ts';
import { fileError, MissingFile } from '../../host/errors.ts';
import type { KeptFiles } from '../../host/kept-files.ts';
import { softLimit } from '../../host/limits.ts';
import { detached } from './parse.ts';

/** status of a process in thousands of groups takes some 10 KiB; everything else is smaller. */
const BUFFER_BYTES = 64 * 1024;
/** Some 7,000 sockets. */
const MAX_ROWS_BYTES = 1024 * 1024;

/** Paths built once for each process: rebuilding them takes a tenth of a cycle. */
export interface HotPaths {
  readonly io: string;
  readonly fd: string;
  readonly schedstat: string;
}

/** The files of processes. The first `length` bytes of `bytes` hold the last file read. */
export class ProcFiles {
  readonly bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  length = 0;
  readonly #root: string;
  readonly #kept: KeptFiles<number>;
  /** Whether the size of a process's fd folder is the number of its entries: from Linux 6.2 on; before it is 0. */
  readonly fdSizeIsCount: boolean;

  /** `root` is procfs. */
  constructor(root: string, kept: KeptFiles<number>) {
    this.#root = root;
    this.#kept = kept;
    this.fdSizeIsCount = fdSizeIsCount(root);
  }

  /** The paths of a process's files that are read in every cycle. */
  hotPaths(pid: number): HotPaths {
    const path = (name: string) => detached(this.path(`${pid}/${name}`));
    return { io: path('io'), fd: path('fd'), schedstat: path('schedstat') };
  }

  /** Path of a file below procfs. */
  path(name: string): string {
    return `${this.#root}/${name}`;
  }

  /** Reads a file below procfs, at most `maxBytes` of it; as {@link readAt}. */
  read(name: string, maxBytes = BUFFER_BYTES): boolean {
    return this.readAt(this.path(name), maxBytes);
  }

  /** Reads the file at `path`; false if it is absent. Throws DeniedFile or UnreadableFile. */
  readAt(path: string, maxBytes = BUFFER_BYTES): boolean {
    this.length = 0;
    let fd: number | undefined;
    try {
      fd = openSync(path, READ_AT_ONCE);
      this.length = readSync(fd, this.bytes, 0, maxBytes, null);
      return true;
    } catch (cause) {
      return absent(path, cause);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /**
   * Reads the stat file of a process, and keeps it open if the process is already known and the limit allows. False if
   * the process does not exist. Throws DeniedFile or UnreadableFile.
   */
  readStat(pid: number, isKnown: boolean): boolean {
    return this.#readKept(this.#kept.get(pid), pid) || (isKnown && this.#openKept(pid)) || this.read(`${pid}/stat`);
  }

  /** Releases a process that is gone. */
  forget(pid: number): void {
    this.#kept.close(pid);
  }

  #openKept(pid: number): boolean {
    try {
      return this.#readKept(this.#kept.open(pid, `${this.#root}/${pid}/stat`), pid);
    } catch {
      return false;
    }
  }

  /**
   * Whether a cached file still returns data; it does not if its process has exited, even if another one has its pid.
   */
  #readKept(fd: number | undefined, pid: number): boolean {
    if (fd === undefined) return false;
    try {
      this.length = readSync(fd, this.bytes, 0, BUFFER_BYTES, 0);
      if (this.length > 0) return true;
    } catch {
      // The error shows when it is reopened.
    }
    this.#kept.close(pid);
    return false;
  }

  /**
   * Reads a file of many records, which the kernel returns in pages: line by line, without the first, until `take` has
   * enough and returns false. Returns false if the file is absent. Throws DeniedFile or UnreadableFile.
   */
  readRows(name: string, take: (line: string) => boolean): boolean {
    const path = `${this.#root}/${name}`;
    let fd: number | undefined;
    try {
      fd = openSync(path, READ_AT_ONCE);
      let rest = '';
      for (let total = 0, isHeader = true; total < MAX_ROWS_BYTES; ) {
        const length = readSync(fd, this.bytes, 0, BUFFER_BYTES, null);
        total += length;
        const lines = (rest + this.bytes.toString('latin1', 0, length)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines.slice(isHeader ? 1 : 0)) if (!take(line)) return true;
        isHeader &&= lines.length === 0;
        if (length === 0) break;
      }
      return true;
    } catch (cause) {
      return absent(path, cause);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** The number after `key` in what was read, like {@link numberAfter}. */
  number(key: Buffer): number {
    return numberAfter(this.bytes, this.length, key);
  }

  /** The soft limit of open files in what was read, the limits of a process, as {@link softLimit} returns it. */
  openFilesLimit(pid: number): number | undefined {
    return softLimit(this.path(`${pid}/limits`), this.bytes, this.length, 'openFiles');
  }

  /** The data read, as text; bytes that are not UTF-8 are preserved as in textOfBytes. */
  text(): string {
    return textOfBytes(this.bytes.subarray(0, this.length));
  }

  /** Target of a link; undefined if it is absent. Throws DeniedFile or UnreadableFile. */
  link(name: string): string | undefined {
    const path = `${this.#root}/${name}`;
    try {
      return readlinkSync(path);
    } catch (cause) {
      absent(path, cause);
      return undefined;
    }
  }

  /** Names in a folder; empty if it is absent. Throws DeniedFile or UnreadableFile. */
  list(name: string): string[] {
    const path = `${this.#root}/${name}`;
    try {
      return readdirSync(path);
    } catch (cause) {
      absent(path, cause);
      return [];
    }
  }

  /** The number of entries of an fd folder; undefined if it is absent. Throws DeniedFile or UnreadableFile. */
  openFiles(path: string): number | undefined {
    try {
      return this.fdSizeIsCount ? statSync(path, { throwIfNoEntry: false })?.size : readdirSync(path).length;
    } catch (cause) {
      absent(path, cause);
      return undefined;
    }
  }

  /** The same by counting in another thread: the kernel takes almost a microsecond per file. */
  async countOpenFiles(path: string): Promise<number | undefined> {
    try {
      return (await readdir(path)).length;
    } catch (cause) {
      absent(path, cause);
      return undefined;
    }
  }
}

function fdSizeIsCount(root: string): boolean {
  try {
    // The list has one more: the folder itself, while it is open.
    return Math.abs(readdirSync(`${root}/self/fd`).length - statSync(`${root}/self/fd`).size) <= 1;
  } catch {
    return false;
  }
}

/** False for the error of an absent file; throws the matching class for any other. */
function absent(path: string, cause: unknown): false {
  // Between open and read a process can end (ESRCH); a zombie's fd folder can't be listed (ENOENT).
  const error = fileError(path, cause);
  if (error instanceof MissingFile) return false;
  throw error;
}
