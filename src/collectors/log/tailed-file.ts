import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { crc32 } from 'node:zlib';
import { READ_AT_ONCE } from '../../base/files.ts';

/** What makes a file the same one under another name, or over a restart. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
  /** Bytes at its beginning that were looked at; 0 while it is shorter than {@link MIN_HEAD_BYTES}. */
  readonly headBytes: number;
  readonly headHash: number;
}

/** What is remembered of a file in the state. */
export interface FileState extends FileIdentity {
  readonly path: string;
  /** Where the first line begins that was not read. */
  readonly offset: number;
}

/** With less, too many files would look alike. */
export const MIN_HEAD_BYTES = 64;
const HEAD_BYTES = 1024;

/** The device and inode as a key. */
export const keyOf = ({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string => `${dev}:${ino}`;

/** A log file that is followed: where in it reading goes on, and what it was when that was found out. */
export class TailedFile {
  readonly key: string;
  readonly dev: number;
  readonly ino: number;
  path: string;
  offset: number;
  /** Bytes of the file at the last look. */
  size = 0;
  /** Whether the rest of a line that is too long is being passed over. */
  isSkipping: boolean = false;
  /** When it last grew, milliseconds on the clock of the collector. */
  grewAt: number;
  /** Whether no pattern leads to it any more: it is read until it is quiet. */
  isLeft: boolean = false;
  /** Until when it is not read, because it may be the copy of a file that is about to be cut. */
  heldUntil = 0;
  #headBytes = 0;
  #headHash = 0;
  #fd: number | undefined;

  constructor(path: string, { dev, ino }: Pick<Stats, 'dev' | 'ino'>, offset: number, nowMs: number) {
    this.path = path;
    this.dev = dev;
    this.ino = ino;
    this.key = keyOf({ dev, ino });
    this.offset = offset;
    this.grewAt = nowMs;
  }

  get isOpen(): boolean {
    return this.#fd !== undefined;
  }

  get state(): FileState {
    const { path, dev, ino, offset } = this;
    return { path, dev, ino, offset, headBytes: this.#headBytes, headHash: this.#headHash };
  }

  /** Takes over what was known of its beginning. */
  remember({ headBytes, headHash }: FileIdentity): void {
    this.#headBytes = headBytes;
    this.#headHash = headHash;
  }

  /** Opens it; false when there is another file at its path by now. Throws the errors of node:fs. */
  open(): boolean {
    if (this.isOpen) return true;
    const fd = openSync(this.path, READ_AT_ONCE);
    if (keyOf(fstatSync(fd)) !== this.key) {
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

  /** What fstat says; it must be open. */
  stat(): Stats {
    return fstatSync(this.#open);
  }

  /** Reads from `position`; it must be open. */
  read(target: Buffer, position: number): number {
    return readSync(this.#open, target, 0, target.length, position);
  }

  /**
   * Whether the file still begins as it did when it was first seen with enough bytes. Takes note of the beginning when
   * that has not happened yet.
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

  /** The hash of its first bytes; undefined when it has not as many. */
  headHash(bytes: number): number | undefined {
    const head = Buffer.allocUnsafe(bytes);
    return this.read(head, 0) === bytes ? crc32(head) : undefined;
  }

  /** Begins anew, because the file was cut or written over. */
  restart(): void {
    this.offset = 0;
    this.isSkipping = false;
    this.#headBytes = 0;
  }
}
