import { type Stats, statSync } from 'node:fs';
import { looksLikeCopy, newestCopy } from './copies.ts';
import { FolderNames } from './folder-names.ts';
import { PathList, type PathListOptions } from './path-list.ts';
import { type FileState, inodeKey, openIfThere, TailedFile } from './tailed-file.ts';

/** Events of the files of a set, for counting. */
export interface TailEvents {
  /** A path points to a new file. */
  rotated(path: string): void;
  /** A file was truncated or overwritten. */
  truncated(path: string): void;
  failed(path: string, cause: unknown): void;
  /** A file is followed that has neither a saved state nor was present at the first start. */
  appeared?(file: TailedFile): void;
  /** Known bytes were removed before they were read. */
  lost?(path: string, bytes: number): void;
}

interface TailOptions extends PathListOptions {
  /** Where to start in files present at the first start. */
  readonly start: 'end' | 'beginning';
  /** Whether a file that appears later has old content to skip; without it, none has. */
  readonly isOld?: (path: string) => boolean;
  /** A file that has not grown for this long is closed, milliseconds. */
  readonly closeAfterMs: number;
}

/** How long a renamed file is still read, because writers have it open. */
const QUIET_MS = 10_000;
/**
 * Maximum number of open files; others are opened when they have grown. Open files are read to their end even if they
 * are renamed or removed.
 */
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
  readonly #names = new FolderNames();
  readonly #list: PathList;
  #refreshes = 0;

  constructor(options: TailOptions, events: TailEvents, saved: readonly FileState[] | undefined) {
    this.#options = options;
    this.#events = events;
    this.#list = new PathList(options, (folder, cause) => events.failed(folder, cause));
    this.#saved = saved && new Map(saved.map((one) => [inodeKey(one), one]));
  }

  /** Checks all files; returns those with unread data, the oldest names of one log first. */
  refresh(nowMs: number): TailedFile[] {
    const isFirst = this.#refreshes++ === 0;
    const known = this.#saved !== undefined;
    if (this.#list.refresh(nowMs)) {
      const listed = new Set(this.#list.paths);
      for (const [path, key] of this.#paths) if (!listed.has(path) && !this.#files.has(key)) this.#paths.delete(path);
    }
    this.#names.clear();
    const seen = new Set<string>();
    for (const path of this.#list.paths) {
      const stat = this.#stat(path);
      if (stat?.isFile() !== true) continue;
      const key = inodeKey(stat);
      if (seen.has(key)) continue;
      seen.add(key);
      this.#see(path, key, stat, nowMs, isFirst && !known);
    }
    if (isFirst && known) this.#findRenamed(nowMs);
    else this.#saved?.clear();
    for (const file of this.#files.values()) if (!seen.has(file.key)) this.#leave(file);
    return this.#ready(nowMs);
  }

  /** Bytes not yet read. */
  get lagBytes(): number {
    let lag = 0;
    for (const { size, offset } of this.#files.values()) lag += Math.max(0, size - offset);
    return lag;
  }

  /** Changes the followed patterns; files that no longer match are read to their end. */
  follow(paths: readonly string[]): void {
    this.#list.follow(paths);
  }

  /** Forgets files, read or not. */
  drop(isDropped: (path: string) => boolean): void {
    for (const [key, file] of this.#files) {
      if (!isDropped(file.path)) continue;
      file.close();
      this.#files.delete(key);
    }
    for (const path of this.#paths.keys()) if (isDropped(path)) this.#paths.delete(path);
    this.#list.drop(isDropped);
  }

  /** Paths of the followed files. */
  get files(): string[] {
    return [...this.#files.values()].map(({ path }) => path);
  }

  /** Number of files not followed because there are too many. */
  get leftOut(): number {
    return this.#list.leftOut;
  }

  /** For the state file. */
  dump(): FileState[] {
    return [...this.#files.values()].map(({ state }) => state);
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
  }

  readonly #stat = (path: string): Stats | undefined => {
    try {
      return statSync(path, { throwIfNoEntry: false });
    } catch (cause) {
      this.#events.failed(path, cause);
      return undefined;
    }
  };

  readonly #fileAt = (path: string): TailedFile | undefined => this.#files.get(this.#paths.get(path) ?? '');

  #see(path: string, key: string, stat: Stats, nowMs: number, isAtStart: boolean): void {
    const before = this.#paths.get(path);
    let file = this.#files.get(key);
    const isNew = file === undefined;
    if (file === undefined) {
      file = new TailedFile(path, stat, this.#beginOf(path, stat, isAtStart), nowMs);
      const saved = this.#saved?.get(key);
      if (saved !== undefined) {
        file.remember(saved);
        file.offset = saved.offset;
      } else if (!isAtStart) {
        file.heldUntil = nowMs + HOLD_MS;
        this.#events.appeared?.(file);
      }
      this.#files.set(key, file);
    }
    if (isNew && before !== undefined && before !== key) {
      this.#events.rotated(path);
      // The previous file may have been renamed to a name that a pattern matches.
      this.#list.expire();
    }
    this.#paths.set(path, key);
    file.path = path;
    file.isLeft = false;
    if (stat.size !== file.size) file.grewAt = nowMs;
    file.size = stat.size;
    file.recordStat(stat);
  }

  #beginOf(path: string, stat: Stats, isAtStart: boolean): number {
    const { start, isOld } = this.#options;
    return (isAtStart && start === 'end') || isOld?.(path) === true ? stat.size : 0;
  }

  /**
   * Files renamed, while the agent was down, to a name that no pattern matches: their remaining lines are still to be
   * read.
   */
  #findRenamed(nowMs: number): void {
    for (const [key, saved] of this.#saved ?? []) {
      if (this.#files.has(key)) continue;
      for (const path of this.#names.siblings(saved.path)) {
        const stat = this.#stat(path);
        if (stat?.isFile() !== true || inodeKey(stat) !== key) continue;
        const file = new TailedFile(path, stat, saved.offset, nowMs);
        file.remember(saved);
        file.size = stat.size;
        file.isLeft = true;
        this.#files.set(key, file);
        this.#events.rotated(saved.path);
        break;
      }
    }
    // One that was renamed after the patterns were expanded is listed in the next check.
    this.#list.expire();
  }

  #ready(nowMs: number): TailedFile[] {
    const ready: TailedFile[] = [];
    let open = 0;
    for (const file of this.#files.values()) {
      try {
        if (!this.#check(file, nowMs, open < MAX_OPEN)) continue;
        const isHeld = file.heldUntil > nowMs && file.heldUntil - nowMs <= HOLD_MS;
        if (isHeld && looksLikeCopy(file, this.#fileAt)) continue;
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

  /** Opens a file if it may have unread data, or if there may be `more` open ones; false if it is gone. */
  #check(file: TailedFile, nowMs: number, more: boolean): boolean {
    const isQuiet = !file.isLeft && !file.hasNews && file.size === file.offset;
    if (isQuiet && (file.isOpen || !more || nowMs - file.grewAt > this.#options.closeAfterMs)) return true;
    if (!openIfThere(file) && !this.#openRenamed(file)) return this.#forgetLeft(file);
    const { size, nlink } = file.stat();
    if (size > file.size) file.grewAt = nowMs;
    if (size !== file.knownSize) file.isWaiting = false;
    file.size = size;
    if (size < file.offset || !file.hasSameHead(size)) {
      this.#cut(file, nowMs);
      // Records its current beginning.
      file.hasSameHead(size);
    }
    file.knownSize = size;
    if (!file.isLeft) return true;
    const isRead = file.offset >= size;
    const isLongQuiet = nowMs - file.grewAt > QUIET_MS;
    if (isRead && nlink === 0) return this.#forget(file);
    return (isRead || file.isWaiting) && isLongQuiet ? this.#forgetLeft(file) : true;
  }

  /** No listed path points to the file. */
  #leave(file: TailedFile): void {
    if (file.isLeft) return;
    file.isLeft = true;
    file.leftAt = this.#refreshes;
    // It may have been renamed to a name that a pattern matches.
    this.#list.expire();
  }

  /** Forgets a file, but not before the next check: one that was renamed during this one is not listed yet. */
  #forgetLeft(file: TailedFile): boolean {
    return file.isLeft && file.leftAt < this.#refreshes ? this.#forget(file) : file.isOpen;
  }

  /** Opens a closed file that now has a name that no pattern matches. */
  #openRenamed(file: TailedFile): boolean {
    if (!file.isLeft) return false;
    const path = this.#names.pathOf(file.key, file.path);
    return path !== undefined && file.open(path);
  }

  #forget(file: TailedFile): false {
    if (file.unreadBytes > 0) this.#events.lost?.(file.path, file.unreadBytes);
    file.close();
    this.#files.delete(file.key);
    return false;
  }

  /**
   * A file was truncated. If it was copied before (copytruncate), the copy has the unread lines: it begins like the
   * file, and is at least as long as the part already read.
   */
  #cut(file: TailedFile, nowMs: number): void {
    this.#events.truncated(file.path);
    const { headBytes, headHash, offset } = file.state;
    const siblings = headBytes > 0 ? this.#names.siblings(file.path) : [];
    const copy = newestCopy(siblings, { headBytes, headHash, offset }, nowMs, this.#stat, (path, cause) =>
      this.#events.failed(path, cause),
    );
    if (copy) this.#adopt(copy);
    else if (file.unreadBytes > 0) this.#events.lost?.(file.path, file.unreadBytes);
    file.restart();
  }

  /** The rest of a copy; if the copy also matches a pattern, it continues as the same file. */
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
    const file = tracked ?? copy;
    file.heldUntil = 0;
    file.isLeft ||= tracked === undefined;
  }
}
