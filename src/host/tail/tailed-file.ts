import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { crc32 } from 'node:zlib';
import { errorCode } from '../../base/error-text.ts';
import { READ_AT_ONCE } from '../../base/files.ts';

/** The identity of a file across renames and restarts. */
interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
  /** Length of the compared beginning in bytes; 0 while it is shorter than {@link MIN_HEAD_BYTES}. */
  readonly headBytes: number;
  readonly headHash: number;
}

/** The saved state of a file. */
export interface FileState extends FileIdentity {
  readonly path: string;
  /** Offset of the first unread line. */
  readonly offset: number;
}

/** With less, too many files would look alike. */
const MIN_HEAD_BYTES = 64;
const HEAD_BYTES = 1024;

/** The device and inode as a key. */
export const inodeKey = ({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string => `${dev}:${ino}`;

/** A followed log file: the read position, and the identity of the file it applies to. */
export class TailedFile {
  readonly key: string;
  readonly dev: number;
  readonly ino: number;
  path: string;
  offset: number;
  /** Size of the file at the last check. */
  size = 0;
  /** Largest known size of its current content: unread bytes below it may be lost. */
  knownSize = 0;
  /** Whether the last check of its path showed a change. */
  hasNews: boolean = false;
  /** Whether the unread data is an incomplete line. */
  isWaiting: boolean = false;
  /** Size and times at the last check. */
  #lastStat = '';
  /** Whether the rest of an overlong line is being skipped. */
  isSkipping: boolean = false;
  /** When it last grew, milliseconds by the collector's clock. */
  grewAt: number;
  /** Whether it no longer matches a pattern: it is read until it stops growing. */
  isLeft: boolean = false;
  /** The number of the check in which it no longer did; 0 if that was before the start. */
  leftAt = 0;
  /** Until when it is not read, because it may be the copy of a file that is about to be truncated. */
  heldUntil = 0;
  #headBytes = 0;
  #headHash = 0;
  #fd: number | undefined;

  constructor(path: string, { dev, ino }: Pick<Stats, 'dev' | 'ino'>, offset: number, nowMs: number) {
    this.path = path;
    this.dev = dev;
    this.ino = ino;
    this.key = inodeKey({ dev, ino });
    this.offset = offset;
    this.grewAt = nowMs;
  }

  get isOpen(): boolean {
    return this.#fd !== undefined;
  }

  /** Known unread bytes. */
  get unreadBytes(): number {
    return Math.max(0, this.knownSize - this.offset);
  }

  /** Records the result of checking its path. */
  recordStat({ size, mtimeMs, ctimeMs }: Pick<Stats, 'size' | 'mtimeMs' | 'ctimeMs'>): void {
    const stat = `${size} ${mtimeMs} ${ctimeMs}`;
    this.hasNews = this.#lastStat !== '' && stat !== this.#lastStat;
    this.#lastStat = stat;
  }

  get state(): FileState {
    const { path, dev, ino, offset } = this;
    return { path, dev, ino, offset, headBytes: this.#headBytes, headHash: this.#headHash };
  }

  /** Restores the known identity of its beginning. */
  remember({ headBytes, headHash }: FileIdentity): void {
    this.#headBytes = headBytes;
    this.#headHash = headHash;
  }

  /** Opens it by its path or another; false if that now points to another file. Throws the errors of node:fs. */
  open(path: string = this.path): boolean {
    if (this.isOpen) return true;
    const fd = openSync(path, READ_AT_ONCE);
    if (inodeKey(fstatSync(fd)) !== this.key) {
      closeSync(fd);
      return false;
    }
    this.#fd = fd;
    return true;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  get #open(): number {
    if (this.#fd === undefined) throw new Error(`BUG: ${this.path} is not open`);
    return this.#fd;
  }

  /** The result of fstat; it must be open. */
  stat(): Stats {
    return fstatSync(this.#open);
  }

  /** Reads from `position`; it must be open. */
  read(target: Buffer, position: number): number {
    return readSync(this.#open, target, 0, target.length, position);
  }

  /**
   * Whether the file still begins as it did when it was first seen with enough bytes. Records the beginning if not done
   * yet.
   */
  hasSameHead(size: number): boolean {
    if (this.#headBytes === 0) {
      if (size < MIN_HEAD_BYTES) return true;
      const headBytes = Math.min(size, HEAD_BYTES);
      const hash = this.headHash(headBytes);
      if (hash !== undefined) this.remember({ ...this, headBytes, headHash: hash });
      return true;
    }
    return this.headHash(this.#headBytes) === this.#headHash;
  }

  /** The hash of its first bytes; undefined if it has fewer. */
  headHash(bytes: number): number | undefined {
    const head = Buffer.allocUnsafe(bytes);
    return this.read(head, 0) === bytes ? crc32(head) : undefined;
  }

  /** Starts over, because the file was truncated or overwritten. */
  restart(): void {
    this.offset = 0;
    this.knownSize = 0;
    this.isWaiting = false;
    this.isSkipping = false;
    this.#headBytes = 0;
  }
}

/** Opens a file by its path; false if that points to nothing or to another file. Throws the other errors of node:fs. */
export function openIfThere(file: TailedFile): boolean {
  try {
    return file.open();
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false;
    throw cause;
  }
}
