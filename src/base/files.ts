import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, statSync } from 'node:fs';
import { errorCode, errorText } from './error-text.ts';

/**
 * How foreign files are opened: a pipe or a device without a peer returns immediately instead of blocking the process.
 * Kernel files and regular files are not affected.
 */
export const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK;

/** Requirements for reading a file. */
interface ReadLimits {
  readonly maxBytes: number;
  /** A folder without symbolic links in its path, below which the file must be after resolving links. */
  readonly below?: string;
}

/** A regular file. */
interface ReadFile {
  readonly content: Buffer;
  readonly mtimeMs: number;
}

/**
 * Reads a complete regular file. Throws the errors of node:fs, and an Error without the path if it is not a regular
 * file, is too large, or is outside the folder.
 */
export function readRegular(path: string, { maxBytes, below }: ReadLimits): ReadFile {
  const fd = openSync(path, READ_AT_ONCE);
  try {
    // Checked on the open file, which can no longer be replaced.
    const status = fstatSync(fd);
    if (!status.isFile()) throw new Error('not a regular file');
    const isOutside = below !== undefined && !readlinkSync(`/proc/self/fd/${fd}`).startsWith(`${below}/`);
    if (isOutside) throw new Error('a link that points outside its folder');
    if (status.size > maxBytes) throw new Error(`larger than ${maxBytes} bytes`);
    // Kernel files have no size, and others may grow in the meantime.
    const parts: Buffer[] = [];
    for (let total = 0; ; ) {
      const part = Buffer.allocUnsafe(Math.min(maxBytes - total, Math.max(status.size - total, 0) || CHUNK) + 1);
      const read = readSync(fd, part, 0, part.length, null);
      if (read === 0) return { content: Buffer.concat(parts), mtimeMs: status.mtimeMs };
      total += read;
      if (total > maxBytes) throw new Error(`larger than ${maxBytes} bytes`);
      parts.push(part.subarray(0, read));
    }
  } finally {
    closeSync(fd);
  }
}

const CHUNK = 16 * 1024;

/** A regular file as UTF-8 text; throws as {@link readRegular} does. */
export const readText = (path: string, maxBytes: number): string =>
  readRegular(path, { maxBytes }).content.toString('utf8');

/** Changes when the file at `path` changes or is replaced; empty if it can't be found, which reading it reports. */
export function fileStamp(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs}/${size}/${ino}`;
  } catch {
    return '';
  }
}

/**
 * A short reason why a file could not be read: the errno name of an error of node:fs, or the message of an error thrown
 * here.
 */
export const whyUnread = (cause: unknown): string => errorCode(cause) ?? errorText(cause);
