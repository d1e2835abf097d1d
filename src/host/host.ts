import { closeSync, existsSync, openSync, readdirSync, readlinkSync, readSync, realpathSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../base/error-text.ts';
import { READ_AT_ONCE } from '../base/files.ts';
import { AbsentPaths } from './absent-paths.ts';
import { pathOfText, REPLACEMENT, textOfBytes } from './bytes.ts';
import { fileError, MissingFile, UnreadableFile } from './errors.ts';
import type { HostPaths } from './paths.ts';

/** No kernel file that we read exceeds this; /proc/interrupts of a 512-CPU machine takes 2 MiB. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const FIRST_BUFFER_BYTES = 64 * 1024;
/** The kernel returns a sysfs attribute in one page. */
const ATTRIBUTE_BYTES = 4096;

const READ_BITS = 0o444;

/** How a file is read: to its end, as short lines, as one record, or as one whose bytes are characters. */
type Kind = 'text' | 'lines' | 'record' | 'numbers';

/** The kernel fills a page with lines: after a shorter read, one of fewer than 512 bytes would have fitted as well. */
const LAST_PAGE_BYTES = 4096 - 512;

/** Errors that drivers return for an attribute without a current value: treated as no value, rather than an error. */
const NO_VALUE = new Set(['EINVAL', 'EOPNOTSUPP', 'ENOTSUP', 'EAGAIN', 'EBUSY', 'ENODATA', 'ENOMSG', 'ENETDOWN']);

/**
 * The host's files. Reads are synchronous and use one reused buffer: for /proc and /sys that is three times as fast as
 * promises, at the cost of the bare system calls (docs/decisions/0002). Files that may block (anything on a network
 * file system) must not be read through this.
 */
export class Host {
  readonly paths: HostPaths;
  readonly #absent = new AbsentPaths();
  #buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES);

  constructor(paths: HostPaths) {
    this.paths = paths;
  }

  /** Path of `name` below procfs. */
  proc(...name: readonly string[]): string {
    return join(this.paths.procfs, ...name);
  }

  /** Path of `name` below sysfs. */
  sys(...name: readonly string[]): string {
    return join(this.paths.sysfs, ...name);
  }

  /** The path at which `path` of the host's root file system is visible here. */
  root(path: string): string {
    return join(this.paths.rootfs, path);
  }

  /**
   * The whole file as text; bytes that are not UTF-8 are preserved (host/bytes.ts), also in paths. Throws MissingFile,
   * DeniedFile or UnreadableFile, also for a file over `maxBytes`.
   */
  read(path: string, maxBytes = MAX_FILE_BYTES, kind: Kind = 'text'): string {
    try {
      return this.#readAll(path, maxBytes, kind);
    } catch (cause) {
      throw this.#asFileError(path, cause);
    }
  }

  /**
   * Like {@link read}, for a file that the kernel produces as one record, whatever its length: those of cgroups except
   * lists of processes, and sysfs attributes. A read that does not fill the buffer returns all of it, so no second read
   * is needed to detect the end.
   */
  readRecord(path: string): string {
    return this.read(path, MAX_FILE_BYTES, 'record');
  }

  /** Like {@link readRecord}, for numbers and the kernel's own words: each byte is a character. */
  readNumbers(path: string): string {
    return this.read(path, MAX_FILE_BYTES, 'numbers');
  }

  /**
   * The current content of an open file, if the kernel produces it as required for {@link readNumbers}. Throws the
   * errors of node:fs.
   */
  readAgain(fd: number): string {
    return this.#readOpen(fd, `descriptor ${fd}`, MAX_FILE_BYTES, 'numbers', 0);
  }

  /** Like {@link read}, but undefined if the file is absent. */
  readIfExists(path: string, maxBytes = MAX_FILE_BYTES, kind: Kind = 'text'): string | undefined {
    if (this.#absent.isAbsent(path)) return undefined;
    try {
      return this.read(path, maxBytes, kind);
    } catch (cause) {
      if (cause instanceof MissingFile) return undefined;
      throw cause;
    }
  }

  /** Like {@link readIfExists}, for a file of the kernel whose lines all have fewer than 512 bytes. */
  readLinesIfExists(path: string): string | undefined {
    return this.readIfExists(path, MAX_FILE_BYTES, 'lines');
  }

  /**
   * A sysfs attribute without surrounding blanks; undefined if it is absent or the driver has no value for it. Throws
   * DeniedFile.
   */
  attribute(path: string): string | undefined {
    return this.rawAttribute(path)?.trim();
  }

  /** Like {@link attribute}, including surrounding blanks. */
  rawAttribute(path: string): string | undefined {
    if (this.#absent.isAbsent(path)) return undefined;
    try {
      return notNul(path, this.readRecord(path));
    } catch (cause) {
      if (cause instanceof MissingFile) return undefined;
      if (cause instanceof UnreadableFile && NO_VALUE.has(errorCode(cause.cause) ?? '')) return undefined;
      throw cause;
    }
  }

  /** Like {@link attribute}, but off the main thread: for drivers that sleep before they respond. */
  async attributeLater(path: string): Promise<string | undefined> {
    try {
      const file = await open(pathOfText(path), READ_AT_ONCE);
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(ATTRIBUTE_BYTES), 0, ATTRIBUTE_BYTES, null);
        return notNul(path, textOfBytes(buffer.subarray(0, bytesRead))).trim();
      } finally {
        await file.close();
      }
    } catch (cause) {
      if (cause instanceof UnreadableFile) throw cause;
      const error = fileError(path, cause);
      if (error instanceof MissingFile || NO_VALUE.has(errorCode(cause) ?? '')) return undefined;
      throw error;
    }
  }

  /** Whether a file or folder exists; for paths that are often absent, a failed read costs ten times as much. */
  exists(path: string): boolean {
    return existsSync(pathOfText(path));
  }

  /** Whether a path is a readable file; false for write-only attributes. */
  isReadable(path: string): boolean {
    try {
      const stat = statSync(pathOfText(path), { throwIfNoEntry: false });
      return stat?.isFile() === true && (stat.mode & READ_BITS) !== 0;
    } catch {
      return true;
    }
  }

  /** Number of hard links of a file or folder; undefined if it is absent. Throws DeniedFile or UnreadableFile. */
  links(path: string): number | undefined {
    try {
      return statSync(pathOfText(path), { throwIfNoEntry: false })?.nlink;
    } catch (cause) {
      const error = fileError(path, cause);
      if (error instanceof MissingFile) return undefined;
      throw error;
    }
  }

  /** Inode number of a file or folder; undefined if it is absent or hidden. */
  inode(path: string): number | undefined {
    try {
      return statSync(path, { throwIfNoEntry: false })?.ino;
    } catch {
      return undefined;
    }
  }

  /** Names in a folder, sorted by code point. Throws MissingFile, DeniedFile or UnreadableFile. */
  list(path: string): string[] {
    if (this.#absent.isAbsent(path)) throw new MissingFile(path);
    try {
      return this.#names(path).sort();
    } catch (cause) {
      throw this.#absent.note(path, fileError(path, cause));
    }
  }

  /** Names in a folder, sorted; empty if the folder is absent. */
  listIfExists(path: string): string[] {
    if (this.#absent.isAbsent(path)) return [];
    try {
      return this.list(path);
    } catch (cause) {
      if (cause instanceof MissingFile) return [];
      throw cause;
    }
  }

  /** Names of the folders in a folder, sorted, without links; empty if it is absent. */
  foldersIfExists(path: string): string[] {
    if (this.#absent.isAbsent(path)) return [];
    try {
      const entries = readdirSync(pathOfText(path), { withFileTypes: true });
      if (entries.some(({ name }) => name.includes(REPLACEMENT))) {
        const folders = readdirSync(pathOfText(path), { withFileTypes: true, encoding: 'buffer' });
        return folders
          .filter((entry) => entry.isDirectory())
          .map(({ name }) => textOfBytes(name))
          .sort();
      }
      return entries
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort();
    } catch (cause) {
      const error = this.#absent.note(path, fileError(path, cause));
      if (error instanceof MissingFile) return [];
      throw error;
    }
  }

  /** The target of a symbolic link as stored in the link; undefined if the link is absent. */
  link(path: string): string | undefined {
    try {
      return textOfBytes(readlinkSync(pathOfText(path), 'buffer'));
    } catch (cause) {
      const code = errorCode(cause);
      if (code === 'ENOENT' || code === 'EINVAL' || code === 'ENOTDIR') return undefined;
      throw fileError(path, cause);
    }
  }

  /** The path with symbolic links resolved; undefined if it does not resolve. */
  realPath(path: string): string | undefined {
    try {
      return realpathSync(pathOfText(path));
    } catch (cause) {
      const error = fileError(path, cause);
      if (error instanceof MissingFile) return undefined;
      throw error;
    }
  }

  #names(path: string): string[] {
    const names = readdirSync(pathOfText(path));
    // Names that are not UTF-8 have been replaced: list again as bytes.
    if (!names.some((name) => name.includes(REPLACEMENT))) return names;
    return readdirSync(pathOfText(path), 'buffer').map(textOfBytes);
  }

  /** Throws the original errors of node:fs. */
  #readAll(path: string, maxBytes: number, kind: Kind): string {
    const fd = openSync(pathOfText(path), READ_AT_ONCE);
    try {
      return this.#readOpen(fd, path, maxBytes, kind);
    } finally {
      closeSync(fd);
    }
  }

  #asFileError(path: string, cause: unknown): Error {
    return cause instanceof UnreadableFile ? cause : this.#absent.note(path, fileError(path, cause));
  }

  /** Kernel files have no size: read until the end, into a buffer that only grows. */
  #readOpen(fd: number, path: string, maxBytes: number, kind: Kind, start: number | null = null): string {
    let length = 0;
    for (;;) {
      const position = start === null ? null : start + length;
      const read = readSync(fd, this.#buffer, length, this.#buffer.length - length, position);
      length += read;
      if (length > maxBytes) {
        this.#buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES);
        throw new UnreadableFile(`${path} is larger than ${maxBytes} bytes`);
      }
      if (read === 0 || (length < this.#buffer.length && isLast(kind, read))) {
        if (kind === 'numbers') return this.#buffer.toString('latin1', 0, length);
        const text = this.#buffer.toString('utf8', 0, length);
        // A view of the buffer for each file would be garbage of every cycle.
        return text.includes(REPLACEMENT) ? textOfBytes(this.#buffer.subarray(0, length)) : text;
      }
      if (length === this.#buffer.length) {
        const larger = Buffer.allocUnsafeSlow(this.#buffer.length * 2);
        this.#buffer.copy(larger, 0, 0, length);
        this.#buffer = larger;
      }
    }
  }
}

/** A damaged file must not count as an empty word. */
function notNul(path: string, text: string): string {
  if (text.charCodeAt(0) === 0) throw new UnreadableFile(`${path} starts with NUL bytes`);
  return text;
}

/** Whether nothing can follow a read that did not fill its buffer. */
const isLast = (kind: Kind, read: number): boolean => kind !== 'text' && (kind !== 'lines' || read < LAST_PAGE_BYTES);
