import type { Cursor } from './cursor.ts';
import type { EntryPosition } from './entry.ts';
import type { JournalField } from './field.ts';
import { FileSet } from './file-set.ts';
import { Merge } from './merge.ts';
import type { JournalPosition } from './position.ts';
import { type Lost, Progress } from './progress.ts';
import type { OpenJournalFile } from './source.ts';

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

/**
 * All files of a journal as one sequence of entries, which continues across rotations. {@link scan} lists the files,
 * {@link next} returns their entries one by one.
 */
export class Journal {
  readonly lost: Lost = { rotated: 0, corrupt: 0, unreadable: 0 };
  readonly #options: JournalReading;
  readonly #files: FileSet;
  readonly #progress: Progress;
  readonly #merge: Merge;
  #lostFields = 0;
  /** Whether the files are those of the first start. */
  #isFirst: boolean;
  /** Whether a file cannot be read: it may have the entries that are missing. */
  #hasDenied: boolean = false;
  /** Whether the files were listed again since the last scan. */
  #hasConfirmed: boolean = false;

  constructor(options: JournalReading) {
    this.#options = options;
    const { position, paths, wanted, leavesDeleted = false } = options;
    this.#isFirst = position === undefined;
    this.#progress = new Progress(this.lost, position);
    this.#files = new FileSet({
      paths,
      leavesDeleted,
      ...(wanted && { wanted }),
      positions: position?.files ?? {},
      begin: (source) => this.#begin(source),
      opened: (source) => this.#progress.see(source),
      finished: (source) => this.#progress.finish(source),
      left: (family, entries) => this.#progress.leave(family, entries),
    });
    this.#merge = new Merge(this.#files.sources, (source) => this.#progress.noteCorrupt(source));
  }

  /**
   * Looks for new files and entries. Returns the problems of individual files and folders; the rest is read. Absent
   * folders are not a problem; `found` says whether any file exists.
   */
  scan(): { readonly found: number; readonly problems: readonly Error[] } {
    this.#progress.beginScan();
    const { found, problems, isComplete } = this.#update();
    if (this.#isFirst) this.#progress.start(this.#files.sources.values());
    this.#isFirst = false;
    this.#hasConfirmed = false;
    this.#countGaps();
    if (isComplete) this.#progress.endScan();
    return { found, problems };
  }

  /**
   * The next entry in order over all files; undefined if everything found by the last scan has been read, or if the next
   * scan has to show whether entries before the next one are lost.
   */
  next(): ReadEntry | undefined {
    for (;;) {
      const source = this.#nextSource();
      const entry = source?.peek();
      if (source === undefined || entry === undefined) {
        this.#files.closeFinished();
        return undefined;
      }
      const { file } = source;
      const { corrupt } = file.damage.fields;
      const before = file.unreadableFields;
      const fields = file.fields(entry);
      if (file.damage.fields.corrupt > corrupt && source.checkGone()) continue;
      this.#lostFields += file.unreadableFields - before;
      const isCredible = source.isCredible(entry.seqnum);
      source.advance();
      source.lastSeqnum = entry.seqnum;
      this.#progress.note(source, entry, isCredible);
      if (source.isFinished) this.#progress.finish(source);
      return { entry, fields };
    }
  }

  /** Number of entries found by the last scan and not read yet. */
  get waiting(): number {
    let count = 0;
    for (const { unread } of this.#files.sources.values()) count += unread;
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
    for (const { file } of this.#files.sources.values()) count += file.unreadableFields;
    return count;
  }

  /** Fields of the entries read by {@link next} that could not be read: corrupt, compressed with xz, or above 1 MiB. */
  get lostFields(): number {
    return this.#lostFields;
  }

  /** Where to resume after the entries read so far. */
  position(): JournalPosition {
    return { files: this.#files.positions, ...this.#progress.position() };
  }

  close(): void {
    this.#files.close();
  }

  #update(): ReturnType<FileSet['update']> {
    const update = this.#files.update();
    this.#hasDenied = update.hasDenied;
    this.#merge.restart();
    return update;
  }

  /** Where to start in a file without a position. */
  #begin(source: OpenJournalFile): void {
    const { start } = this.#options;
    if (!this.#isFirst || start === 'now') {
      if (this.#isFirst) this.#progress.skipAll(source);
      else this.#progress.skipRead(source);
      return;
    }
    const { sinceRealtime, bootId } = start;
    source.isInitial = true;
    source.index = source.file.search(({ realtime }) => realtime < sinceRealtime);
    for (let entry = source.peek(); bootId !== undefined && entry?.bootId !== bootId && entry; entry = source.peek()) {
      source.advance();
    }
  }

  /**
   * The file with the next entry. If numbers before this one are missing, their entries may have been written since the
   * files were listed, or be in one that was renamed at that time: then it is looked for once more, and they are lost
   * only if this entry was visible before, and they are still in no file.
   */
  #nextSource(): OpenJournalFile | undefined {
    let source = this.#merge.next();
    for (;;) {
      const seqnum = source?.peek()?.seqnum;
      if (source === undefined || seqnum === undefined) return undefined;
      const from = this.#progress.gapBefore(source, seqnum);
      if (from === seqnum) return source;
      this.#files.leaveGone();
      const earlier = this.#earliest(source, from, seqnum);
      if (earlier !== undefined) {
        this.#merge.restart();
        source = earlier;
      } else if (source.index < source.confirmed) {
        this.#progress.countGap(source, from, seqnum, this.#hasDenied);
        return source;
      } else {
        if (this.#hasConfirmed) return undefined;
        this.#hasConfirmed = true;
        this.#update();
        source = this.#merge.next();
      }
    }
  }

  /**
   * The file with the lowest next number before `to` that may have entries from `from` on, of the counter of `source`.
   * After a restart of journald, up to systemd 253, numbers of a user may be below those that were read of others.
   */
  #earliest({ family, file }: OpenJournalFile, from: number, to: number): OpenJournalFile | undefined {
    let earliest: OpenJournalFile | undefined;
    let lowest = to;
    for (const source of this.#files.sources.values()) {
      if (source.family !== family && source.file.header.seqnumId !== file.header.seqnumId) continue;
      const stated = source.nextSeqnum;
      if (stated === undefined || stated >= lowest || source.file.header.tailSeqnum < from) continue;
      const seqnum = source.peek()?.seqnum;
      this.#progress.noteCorrupt(source);
      if (seqnum === undefined || seqnum >= lowest) continue;
      lowest = seqnum;
      earliest = source;
    }
    return earliest;
  }

  /** Counts what is missing before the entries that are next: they may have to wait for a receiver. */
  #countGaps(): void {
    const first = new Map<string, { readonly source: OpenJournalFile; readonly seqnum: number }>();
    for (const source of this.#files.sources.values()) {
      const seqnum = source.nextSeqnum;
      this.#progress.noteCorrupt(source);
      if (seqnum === undefined) continue;
      const { seqnumId } = source.file.header;
      const other = first.get(seqnumId);
      if (other === undefined || seqnum < other.seqnum) first.set(seqnumId, { source, seqnum });
    }
    this.#files.leaveGone();
    for (const { source, seqnum } of first.values()) {
      if (source.index >= source.confirmed) continue;
      const from = this.#progress.gapBefore(source, seqnum);
      if (from === seqnum || this.#earliest(source, from, seqnum) !== undefined) continue;
      this.#progress.countGap(source, from, seqnum, this.#hasDenied);
    }
  }
}
