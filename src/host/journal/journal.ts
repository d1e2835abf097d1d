import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../base/error-text.ts';
import { type Cursor, compareEntries } from './cursor.ts';
import type { Field } from './field.ts';
import type { Entry } from './journal-file.ts';
import { type Boundary, type FilePosition, type JournalPosition, wasRead } from './position.ts';
import { Source } from './source.ts';

/** Where to start without a saved position: after all existing entries, or at a given age. */
export type Start = 'now' | { readonly sinceRealtime: number; readonly bootId?: string };

export interface JournalOptions {
  /** Folders of journal files, or of such folders, as /var/log/journal is. */
  readonly paths: readonly string[];
  /** Names of the fields to read; all without it. */
  readonly wanted?: ReadonlySet<string>;
  readonly start: Start;
  /** Whether files are closed when they are deleted, read or not, so that their space is free. */
  readonly leavesDeleted?: boolean;
  readonly position?: JournalPosition | undefined;
}

/** Entries that are lost. */
export interface Lost {
  /** Deleted before they were read. */
  rotated: number;
  /** Damaged. */
  corrupt: number;
  /** Probably in files that this process may not read. */
  unreadable: number;
}

/** An entry with its wanted fields. */
export interface ReadEntry {
  readonly entry: Entry;
  readonly fields: readonly Field[];
}

/** Files of which entries are merged at a time, each with a window of its own; of more, the oldest come first. */
const MAX_MERGED = 12;

interface Known {
  readonly ctimeMs: number;
  readonly fileId: string;
}

/**
 * All files of a journal as one sequence of entries, which continues across rotations. {@link scan} takes stock of the
 * files, {@link next} returns one entry after the other until those are read.
 */
export class Journal {
  readonly lost: Lost = { rotated: 0, corrupt: 0, unreadable: 0 };
  readonly #options: JournalOptions;
  /** Files that are open, by id. */
  readonly #sources = new Map<string, Source>();
  /** Read positions of files that exist but are not open, by id. */
  readonly #closed = new Map<string, FilePosition>();
  /** Files by device and inode. */
  readonly #known = new Map<string, Known>();
  readonly #seqnums = new Map<string, number>();
  readonly #folders = new Map<string, string>();
  #last: Cursor | undefined;
  /** The state read before the last scan began. */
  #boundary: Boundary | undefined;
  #scans = 0;
  /** How many of the files that are open are not in the order of their first entries yet. */
  #unsorted = 0;

  constructor(options: JournalOptions) {
    this.#options = options;
    const { position } = options;
    if (position === undefined) return;
    for (const [fileId, file] of Object.entries(position.files)) this.#closed.set(fileId, file);
    const { cursor, folders } = position.boundary;
    this.#boundary = position.boundary;
    this.#last = cursor;
    for (const [id, seqnum] of Object.entries(position.seqnums)) this.#seqnums.set(id, seqnum);
    for (const [id, folder] of Object.entries(folders)) this.#folders.set(id, folder);
  }

  /**
   * Looks for files and entries that are new. Returns the problems with single files and folders; the rest is read.
   * Absent folders are not a problem; `found` says whether any file exists.
   */
  scan(): { readonly found: number; readonly problems: readonly Error[] } {
    const problems: Error[] = [];
    const listed = this.#list(problems);
    const boundary = this.#boundaryNow();
    const isFirst = this.#scans++ === 0 && this.#options.position === undefined;
    const present = new Set<string>();
    let denied = 0;
    for (const { path, folder, key, ctimeMs, gid } of listed) {
      try {
        present.add(this.#see(path, folder, key, ctimeMs, isFirst));
      } catch (cause) {
        if (errorCode(cause) === 'ENOENT') continue;
        denied++;
        problems.push(problemOf(path, gid, cause));
      }
    }
    if (this.#options.leavesDeleted) this.#leaveDeleted(present);
    for (const [fileId, source] of this.#sources) this.#refresh(fileId, source, problems);
    for (const fileId of this.#closed.keys()) if (!present.has(fileId)) this.#closed.delete(fileId);
    const keys = new Set(listed.map(({ key }) => key));
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key);
    this.#sort();
    this.#findGaps(denied > 0);
    this.#boundary = boundary;
    return { found: listed.length, problems };
  }

  /** The next entry in order over all files; undefined when all that the last scan saw is read. */
  next(): ReadEntry | undefined {
    let first: Source | undefined;
    let entry: Entry | undefined;
    let merged = 0;
    for (const source of this.#sources.values()) {
      if (merged >= MAX_MERGED) break;
      const candidate = source.peek();
      this.lost.corrupt += this.#countCorrupt(source);
      if (candidate === undefined) continue;
      merged++;
      if (entry === undefined || compareEntries(candidate, entry) < 0) {
        first = source;
        entry = candidate;
      }
    }
    if (first === undefined || entry === undefined) {
      this.#closeFinished();
      return undefined;
    }
    const fields = first.file.fields(entry);
    this.#noteRead(first, entry);
    return { entry, fields };
  }

  /** Entries that the last scan saw and that are not read. */
  get waiting(): number {
    let count = 0;
    for (const { file, index } of this.#sources.values()) count += Math.max(0, file.entries - index);
    return count;
  }

  /** Microseconds since 1970 of the last entry that was read. */
  get lastRealtime(): number | undefined {
    return this.#last?.realtime;
  }

  /** The last entry that was read. */
  get cursor(): Cursor | undefined {
    return this.#last;
  }

  /** Fields that could not be read, over all files that are open. */
  get unreadableFields(): number {
    let count = 0;
    for (const { file } of this.#sources.values()) for (const one of Object.values(file.damage.fields)) count += one;
    return count;
  }

  /** Where to resume after the entries read so far. */
  position(): JournalPosition {
    const files: Record<string, FilePosition> = Object.fromEntries(this.#closed);
    for (const [fileId, source] of this.#sources) files[fileId] = { index: source.index, seqnum: source.lastSeqnum };
    return {
      files,
      boundary: this.#boundary ?? this.#boundaryNow(),
      seqnums: Object.fromEntries(this.#seqnums),
    };
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
  }

  #boundaryNow(): Boundary {
    return {
      cursor: this.#last,
      seqnums: Object.fromEntries(this.#seqnums),
      folders: Object.fromEntries(this.#folders),
    };
  }

  #list(problems: Error[]): Listed[] {
    const listed: Listed[] = [];
    const visit = (root: string, folder: string, isRoot: boolean) => {
      for (const name of namesIn(folder, problems)) {
        const path = join(folder, name);
        const isJournal = JOURNAL_NAME.test(name);
        if (!isJournal && !isRoot) continue;
        const stat = statSync(path, { throwIfNoEntry: false });
        if (stat === undefined) continue;
        if (stat.isDirectory()) {
          if (isRoot) visit(root, path, false);
        } else if (isJournal && stat.isFile() && stat.size > 0) {
          // An empty one was just created: journald has not written its header yet.
          listed.push({ path, folder: root, key: `${stat.dev}:${stat.ino}`, ctimeMs: stat.ctimeMs, gid: stat.gid });
        }
      }
    };
    for (const root of this.#options.paths) visit(root, root, true);
    return listed;
  }

  /** Registers a file, opens it if it may have new entries, and returns its id. */
  #see(path: string, folder: string, key: string, ctimeMs: number, isFirst: boolean): string {
    const known = this.#known.get(key);
    if (known !== undefined) {
      if (this.#sources.has(known.fileId)) return known.fileId;
      // Closed files were read to their end; unless their name or content changes there is nothing new.
      if (this.#closed.has(known.fileId) && known.ctimeMs === ctimeMs) return known.fileId;
    }
    const source = new Source(path, folder, this.#options.wanted);
    const { fileId, seqnumId } = source.file.header;
    this.#known.set(key, { ctimeMs, fileId });
    if (this.#sources.has(fileId)) {
      // A second name of the same file, or a copy.
      source.close();
      return fileId;
    }
    const read = this.#closed.get(fileId);
    if (read !== undefined) source.goOn(read);
    else this.#begin(source, isFirst);
    this.#closed.delete(fileId);
    if (!this.#folders.has(seqnumId)) this.#folders.set(seqnumId, folder);
    source.file.release();
    this.#sources.set(fileId, source);
    this.#unsorted++;
    return fileId;
  }

  /** Where to start in an unknown file. */
  #begin(source: Source, isFirst: boolean): void {
    const { file, folder } = source;
    if (!isFirst) {
      const boundary = this.#boundary;
      if (boundary !== undefined) source.index = file.search((entry) => wasRead(entry, folder, boundary));
      return;
    }
    const { start } = this.#options;
    if (start === 'now') {
      source.index = file.entries;
      const last = file.entries === 0 ? undefined : file.entry(file.entries - 1);
      if (last !== undefined) this.#note(source, last);
      return;
    }
    const { sinceRealtime, bootId } = start;
    source.index = file.search(({ realtime }) => realtime < sinceRealtime);
    for (let entry = source.peek(); bootId !== undefined && entry?.bootId !== bootId && entry; entry = source.peek()) {
      source.advance();
    }
  }

  #leaveDeleted(present: ReadonlySet<string>): void {
    for (const [fileId, source] of this.#sources) {
      if (present.has(fileId)) continue;
      source.close();
      this.#sources.delete(fileId);
    }
  }

  #sort(): void {
    if (this.#unsorted === 0) return;
    this.#unsorted = 0;
    const byHead = [...this.#sources].sort(([, a], [, b]) => a.file.header.headRealtime - b.file.header.headRealtime);
    this.#sources.clear();
    for (const [fileId, source] of byHead) this.#sources.set(fileId, source);
  }

  #refresh(fileId: string, source: Source, problems: Error[]): void {
    try {
      const before = source.file.entries;
      source.file.refresh();
      if (source.file.entries === before && source.index >= before) source.file.release();
    } catch (cause) {
      problems.push(problemOf(source.path, undefined, cause));
      source.close();
      this.#sources.delete(fileId);
    }
  }

  #noteRead(source: Source, entry: Entry): void {
    source.advance();
    source.lastSeqnum = entry.seqnum;
    this.#note(source, entry);
  }

  #note(source: Source, { offset: _, ...cursor }: Entry): void {
    const { seqnumId, tailSeqnum } = source.file.header;
    const before = this.#seqnums.get(seqnumId) ?? 0;
    // A damaged number must not make later entries look old.
    if (cursor.seqnum <= tailSeqnum && cursor.seqnum > before) {
      this.#seqnums.set(seqnumId, cursor.seqnum);
      this.#folders.set(seqnumId, source.folder);
    }
    if (this.#last === undefined || compareEntries(this.#last, cursor) <= 0) this.#last = cursor;
  }

  #countCorrupt(source: Source): number {
    const corrupt = source.takeCorrupt();
    if (corrupt > 0) {
      const { seqnumId, tailSeqnum } = source.file.header;
      const before = this.#seqnums.get(seqnumId);
      // They had numbers as well, so these are not missing.
      if (before !== undefined) this.#seqnums.set(seqnumId, Math.min(tailSeqnum, before + corrupt));
    }
    return corrupt;
  }

  /** Counts entries that are missing between the last one read and the oldest unread one. */
  #findGaps(hasDenied: boolean): void {
    const next = new Map<string, number>();
    for (const source of this.#sources.values()) {
      const { entries, header } = source.file;
      if (source.index >= entries) continue;
      const seqnum = source.index === 0 ? header.headSeqnum : source.peek()?.seqnum;
      this.lost.corrupt += this.#countCorrupt(source);
      if (seqnum !== undefined) next.set(header.seqnumId, Math.min(next.get(header.seqnumId) ?? Infinity, seqnum));
    }
    for (const [seqnumId, oldest] of next) {
      const last = this.#seqnums.get(seqnumId);
      if (last === undefined || oldest <= last + 1) continue;
      this.lost[hasDenied ? 'unreadable' : 'rotated'] += oldest - last - 1;
      this.#seqnums.set(seqnumId, oldest - 1);
    }
  }

  #closeFinished(): void {
    for (const [fileId, source] of this.#sources) {
      if (!source.isFinished) continue;
      source.close();
      this.#sources.delete(fileId);
      this.#closed.set(fileId, { index: source.index, seqnum: source.lastSeqnum });
    }
  }
}

const JOURNAL_NAME = /\.journal~?$/;

interface Listed {
  readonly path: string;
  readonly folder: string;
  readonly key: string;
  readonly ctimeMs: number;
  readonly gid: number;
}

function namesIn(folder: string, problems: Error[]): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (cause) {
    const code = errorCode(cause);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      problems.push(problemOf(folder, statSync(folder, { throwIfNoEntry: false })?.gid, cause));
    }
    return [];
  }
}

function problemOf(path: string, gid: number | undefined, cause: unknown): Error {
  const code = errorCode(cause);
  if (code === 'EACCES' || code === 'EPERM') {
    const group = gid === undefined ? 'the group of systemd-journal' : `group ${gid}`;
    return new Error(`${path}: permission denied; run with ${group} (supplementalGroups of the pod)`, { cause });
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Error(`${path}: ${message}`, { cause });
}
