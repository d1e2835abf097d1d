import { readdirSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../../base/error-text.ts';
import { filesMatching } from './glob.ts';
import { type FileState, keyOf, TailedFile } from './tailed-file.ts';

/** Events of the files of a set, for counting. */
export interface TailEvents {
  /** A path points to a new file. */
  rotated(path: string): void;
  /** A file was truncated or overwritten. */
  truncated(path: string): void;
  failed(path: string, cause: unknown): void;
}

export interface TailOptions {
  readonly paths: readonly string[];
  readonly exclude: (path: string) => boolean;
  /** Where to start in files present at the first start. */
  readonly start: 'end' | 'beginning';
  /** A file that has not grown for this long is closed, milliseconds. */
  readonly closeAfterMs: number;
}

/** How often patterns are expanded: in between, only known files are checked. */
const LIST_EVERY_MS = 10_000;
/** How long a file that was renamed is still read: writers have it open. */
const QUIET_MS = 10_000;
/** Maximum number of open files; others are opened when they have grown. */
const MAX_OPEN = 1000;
/** How long a file that looks like a copy waits for the original to be truncated. */
const HOLD_MS = 60_000;

/** The files of one entry of the configuration, followed through rotation by rename, by copy, and by removal. */
export class TailSet {
  readonly #options: TailOptions;
  readonly #events: TailEvents;
  readonly #files = new Map<string, TailedFile>();
  /** By path, the file that it points to. */
  readonly #paths = new Map<string, string>();
  /** The saved state, by device and inode; empty once all of it was processed. */
  #saved: Map<string, FileState> | undefined;
  #looks = 0;
  /** When the patterns are expanded next. */
  #listAt = 0;
  #listed: readonly string[] = [];

  constructor(options: TailOptions, events: TailEvents, saved: readonly FileState[] | undefined) {
    this.#options = options;
    this.#events = events;
    this.#saved = saved && new Map(saved.map((one) => [keyOf(one), one]));
  }

  /** Checks all files; returns those with unread data, the oldest names of one log first. */
  look(nowMs: number): TailedFile[] {
    const isFirst = this.#looks++ === 0;
    const known = this.#saved !== undefined;
    if (isFirst || nowMs >= this.#listAt || this.#listAt - nowMs > LIST_EVERY_MS) {
      this.#listed = this.#list();
      this.#listAt = nowMs + LIST_EVERY_MS;
    }
    const seen = new Set<string>();
    for (const path of this.#listed) {
      const stat = this.#stat(path);
      if (stat?.isFile() !== true) continue;
      const key = keyOf(stat);
      if (seen.has(key)) continue;
      seen.add(key);
      this.#see(path, key, stat, nowMs, isFirst && !known);
    }
    if (isFirst && known) this.#findRenamed(nowMs);
    for (const file of this.#files.values()) if (!seen.has(file.key)) file.isLeft = true;
    return this.#ready(nowMs);
  }

  /** Bytes not yet read. */
  get lagBytes(): number {
    let lag = 0;
    for (const { size, offset } of this.#files.values()) lag += Math.max(0, size - offset);
    return lag;
  }

  /** For the state file. */
  dump(): FileState[] {
    return [...this.#files.values()].map(({ state }) => state);
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
  }

  #list(): string[] {
    const { paths, exclude } = this.#options;
    const found = new Set<string>();
    for (const pattern of paths) {
      for (const path of filesMatching(pattern, (folder, cause) => this.#events.failed(folder, cause))) {
        if (!exclude(path)) found.add(path);
      }
    }
    return [...found];
  }

  #stat(path: string): Stats | undefined {
    try {
      return statSync(path, { throwIfNoEntry: false });
    } catch (cause) {
      this.#events.failed(path, cause);
      return undefined;
    }
  }

  #see(path: string, key: string, stat: Stats, nowMs: number, isAtStart: boolean): void {
    const before = this.#paths.get(path);
    let file = this.#files.get(key);
    const isNew = file === undefined;
    if (file === undefined) {
      file = new TailedFile(path, stat, this.#beginOf(stat, isAtStart), nowMs);
      const saved = this.#saved?.get(key);
      if (saved !== undefined) {
        file.remember(saved);
        file.offset = saved.offset;
      } else if (!isAtStart) file.heldUntil = nowMs + HOLD_MS;
      this.#files.set(key, file);
    }
    if (isNew && before !== undefined && before !== key) {
      this.#events.rotated(path);
      // The previous file may have been renamed to a name that a pattern matches.
      this.#listAt = 0;
    }
    this.#paths.set(path, key);
    file.path = path;
    file.isLeft = false;
    if (stat.size !== file.size) file.grewAt = nowMs;
    file.size = stat.size;
  }

  #beginOf(stat: Stats, isAtStart: boolean): number {
    return isAtStart && this.#options.start === 'end' ? stat.size : 0;
  }

  /**
   * Files renamed, while the agent was down, to a name that no pattern matches: their remaining lines are still to be
   * read.
   */
  #findRenamed(nowMs: number): void {
    for (const [key, saved] of this.#saved ?? []) {
      if (this.#files.has(key)) continue;
      for (const path of this.#siblings(saved.path)) {
        const stat = this.#stat(path);
        if (stat?.isFile() !== true || keyOf(stat) !== key) continue;
        const file = new TailedFile(path, stat, saved.offset, nowMs);
        file.remember(saved);
        file.size = stat.size;
        file.isLeft = true;
        this.#files.set(key, file);
        this.#events.rotated(saved.path);
        break;
      }
    }
    this.#saved?.clear();
  }

  /** Files in the folder of `path` whose names start with its name. */
  #siblings(path: string): string[] {
    try {
      const name = basename(path);
      const names = readdirSync(dirname(path)).filter((one) => one.startsWith(name) && one !== name);
      return names.map((one) => join(dirname(path), one));
    } catch {
      return [];
    }
  }

  #ready(nowMs: number): TailedFile[] {
    const ready: TailedFile[] = [];
    let open = 0;
    for (const file of this.#files.values()) {
      try {
        if (!this.#check(file, nowMs)) continue;
        const isHeld = file.heldUntil > nowMs && file.heldUntil - nowMs <= HOLD_MS;
        if (isHeld && this.#looksLikeCopy(file)) continue;
        file.heldUntil = 0;
        if (file.offset < file.size) ready.push(file);
        else if (file.isOpen && (nowMs - file.grewAt > this.#options.closeAfterMs || ++open > MAX_OPEN)) file.close();
      } catch (cause) {
        file.close();
        this.#events.failed(file.path, cause);
      }
    }
    // Older data comes first.
    return [...ready.filter(({ isLeft }) => isLeft), ...ready.filter(({ isLeft }) => !isLeft)];
  }

  /** Whether a new file has the same beginning as the file from whose name its own is derived. */
  #looksLikeCopy(file: TailedFile): boolean {
    const folder = dirname(file.path);
    const name = basename(file.path);
    for (let length = name.length - 1; length > 0; length--) {
      const original = this.#files.get(this.#paths.get(join(folder, name.slice(0, length))) ?? '');
      if (original === undefined) continue;
      const { headBytes, headHash, offset } = original.state;
      if (headBytes > 0 && file.size >= offset && file.headHash(headBytes) === headHash) return true;
    }
    return false;
  }

  /** Opens a file if it may have unread data; false if it is gone. */
  #check(file: TailedFile, nowMs: number): boolean {
    if (file.isLeft && !file.isOpen) {
      // Known under a name that no longer exists, and closed: it had been read to its end.
      if (!this.#openIfThere(file)) return this.#forget(file);
    }
    const isQuiet = !file.isLeft && !file.isOpen && file.size === file.offset;
    if (isQuiet) return true;
    if (!this.#openIfThere(file)) return this.#forget(file);
    const { size, nlink } = file.stat();
    if (size > file.size) file.grewAt = nowMs;
    file.size = size;
    if (size < file.offset || !file.hasSameHead(size)) this.#cut(file);
    if (file.isLeft && file.offset >= size && (nlink === 0 || nowMs - file.grewAt > QUIET_MS))
      return this.#forget(file);
    return true;
  }

  #openIfThere(file: TailedFile): boolean {
    try {
      return file.open();
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') return false;
      throw cause;
    }
  }

  #forget(file: TailedFile): false {
    file.close();
    this.#files.delete(file.key);
    return false;
  }

  /**
   * A file was truncated. If it was copied before (copytruncate), the copy has the unread lines: it begins like the
   * file, and is at least as long as the part already read.
   */
  #cut(file: TailedFile): void {
    this.#events.truncated(file.path);
    const { headBytes, headHash, offset } = file.state;
    if (headBytes > 0) {
      const copy = this.#siblings(file.path)
        .map((path) => this.#copyOf(path, { headBytes, headHash, offset }))
        .filter((one) => one !== undefined)
        .sort((a, b) => b.stat().mtimeMs - a.stat().mtimeMs);
      for (const [index, one] of copy.entries()) {
        if (index > 0) one.close();
        else this.#adopt(one);
      }
    }
    file.restart();
  }

  /** The rest of a copy; when the copy matches a pattern too, it is the same file from now on. */
  #adopt(copy: TailedFile): void {
    const tracked = this.#files.get(copy.key);
    if (tracked !== undefined && tracked.offset > 0) {
      copy.close();
      return;
    }
    if (tracked === undefined) this.#files.set(copy.key, copy);
    else {
      tracked.offset = copy.offset;
      tracked.remember(copy.state);
      copy.close();
    }
    const file = this.#files.get(copy.key) as TailedFile;
    file.heldUntil = 0;
    file.isLeft ||= tracked === undefined;
  }

  #copyOf(path: string, of: Pick<FileState, 'headBytes' | 'headHash' | 'offset'>): TailedFile | undefined {
    const stat = this.#stat(path);
    if (stat?.isFile() !== true || stat.size < of.offset) return undefined;
    const copy = new TailedFile(path, stat, of.offset, Date.now());
    try {
      if (copy.open() && copy.headHash(of.headBytes) === of.headHash) {
        copy.remember({ ...copy, headBytes: of.headBytes, headHash: of.headHash });
        copy.size = stat.size;
        return copy;
      }
    } catch (cause) {
      this.#events.failed(path, cause);
    }
    copy.close();
    return undefined;
  }
}
