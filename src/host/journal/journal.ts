import { errorCode } from '../../base/error-text.ts';
import type { Cursor } from './cursor.ts';
import type { EntryPosition } from './entry.ts';
import type { JournalField } from './field.ts';
import { listJournals, problemOf } from './listing.ts';
import { Merge } from './merge.ts';
import { type FilePosition, type JournalPosition, wasRead } from './position.ts';
import { type Lost, Progress } from './progress.ts';
import { OpenJournalFile } from './source.ts';

/** Where to start without a saved position: after all existing entries, or at a given age. */
export type Start = 'now' | { readonly sinceRealtime: number; readonly bootId?: string };

interface JournalReading {
  /** Folders of journal files, or of such folders, as /var/log/journal is. */
  readonly paths: readonly string[];
  /** Names of the fields to read; all if unset. */
  readonly wanted?: ReadonlySet<string>;
  readonly start: Start;
  /** Whether files are closed when they are deleted, read or not, so that their space is free. */
  readonly leavesDeleted?: boolean;
  readonly position?: JournalPosition | undefined;
}

/** An entry with its wanted fields. */
export interface ReadEntry {
  readonly entry: EntryPosition;
  readonly fields: readonly JournalField[];
}

interface KnownFile {
  readonly ctimeMs: number;
  readonly fileId: string;
}

/**
 * All files of a journal as one sequence of entries, which continues across rotations. {@link scan} lists the files,
 * {@link next} returns their entries one by one.
 */
export class Journal {
  readonly lost: Lost = { rotated: 0, corrupt: 0, unreadable: 0 };
  readonly #options: JournalReading;
  /** Open files, by id. */
  readonly #sources = new Map<string, OpenJournalFile>();
  /** Read positions of files that exist but are not open, by id. */
  readonly #closed = new Map<string, FilePosition>();
  /** Files by device and inode. */
  readonly #known = new Map<string, KnownFile>();
  #lostFields = 0;
  readonly #progress: Progress;
  readonly #merge: Merge;
  #scans = 0;
  /** How many of the open files are not in the order of their first entries yet. */
  #unsorted = 0;

  constructor(options: JournalReading) {
    this.#options = options;
    const { position } = options;
    this.#progress = new Progress(this.lost, position);
    this.#merge = new Merge(this.#sources, (source) => this.#progress.noteCorrupt(source));
    for (const [fileId, file] of Object.entries(position?.files ?? {})) this.#closed.set(fileId, file);
  }

  /**
   * Looks for new files and entries. Returns the problems of individual files and folders; the rest is read. Absent
   * folders are not a problem; `found` says whether any file exists.
   */
  scan(): { readonly found: number; readonly problems: readonly Error[] } {
    const problems: Error[] = [];
    const listed = listJournals(this.#options.paths, problems);
    const isFirst = this.#scans++ === 0 && this.#options.position === undefined;
    this.#progress.beginScan();
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
    this.#progress.findGaps(this.#sources.values(), denied > 0);
    this.#progress.endScan();
    this.#merge.restart();
    return { found: listed.length, problems };
  }

  /** The next entry in order over all files; undefined if everything found by the last scan has been read. */
  next(): ReadEntry | undefined {
    const source = this.#merge.next();
    const entry = source?.peek();
    if (source === undefined || entry === undefined) {
      this.#closeFinished();
      return undefined;
    }
    const before = source.file.unreadableFields;
    const fields = source.file.fields(entry);
    this.#lostFields += source.file.unreadableFields - before;
    source.advance();
    source.lastSeqnum = entry.seqnum;
    this.#progress.note(source, entry);
    return { entry, fields };
  }

  /** Number of entries found by the last scan and not read yet. */
  get waiting(): number {
    let count = 0;
    for (const { file, index } of this.#sources.values()) count += Math.max(0, file.entries - index);
    return count;
  }

  /** Microseconds since 1970 of the last entry that was read. */
  get lastRealtime(): number | undefined {
    return this.#progress.last?.realtime;
  }

  /** The last entry that was read. */
  get cursor(): Cursor | undefined {
    return this.#progress.cursor;
  }

  /** Fields that could not be read, over all open files. */
  get unreadableFields(): number {
    let count = 0;
    for (const { file } of this.#sources.values()) count += file.unreadableFields;
    return count;
  }

  /** Fields of the entries read by {@link next} that could not be read: corrupt, compressed with xz, or above 1 MiB. */
  get lostFields(): number {
    return this.#lostFields;
  }

  /** Where to resume after the entries read so far. */
  position(): JournalPosition {
    const files: Record<string, FilePosition> = Object.fromEntries(this.#closed);
    for (const [fileId, source] of this.#sources) files[fileId] = { index: source.index, seqnum: source.lastSeqnum };
    return { files, ...this.#progress.position() };
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
  }

  /** Registers a file, opens it if it may have new entries, and returns its id. */
  #see(path: string, folder: string, key: string, ctimeMs: number, isFirst: boolean): string {
    const known = this.#known.get(key);
    if (known !== undefined) {
      if (this.#sources.has(known.fileId)) return known.fileId;
      // Closed files were read to their end; unless their name or content changes there is nothing new.
      if (this.#closed.has(known.fileId) && known.ctimeMs === ctimeMs) return known.fileId;
    }
    const source = new OpenJournalFile(path, folder, this.#options.wanted);
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
    this.#progress.seeSeries(seqnumId, folder);
    source.file.release();
    this.#sources.set(fileId, source);
    this.#unsorted++;
    return fileId;
  }

  /** Where to start in an unknown file. */
  #begin(source: OpenJournalFile, isFirst: boolean): void {
    const { file, folder } = source;
    if (!isFirst) {
      const boundary = this.#progress.boundary;
      if (boundary !== undefined) source.index = file.search((entry) => wasRead(entry, folder, boundary));
      return;
    }
    const { start } = this.#options;
    if (start === 'now') {
      source.index = file.entries;
      const last = file.entries === 0 ? undefined : file.entry(file.entries - 1);
      if (last !== undefined) this.#progress.note(source, last);
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

  #refresh(fileId: string, source: OpenJournalFile, problems: Error[]): void {
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

  #closeFinished(): void {
    for (const [fileId, source] of this.#sources) {
      if (!source.isFinished) continue;
      source.close();
      this.#sources.delete(fileId);
      this.#closed.set(fileId, { index: source.index, seqnum: source.lastSeqnum });
    }
  }
}
