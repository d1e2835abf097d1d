import { type Cursor, compareEntries } from './cursor.ts';
import { cursorOf, type EntryPosition } from './entry.ts';
import { type Boundary, type JournalPosition, wasRead } from './position.ts';
import type { OpenJournalFile } from './source.ts';

/** Entries that are lost. */
export interface Lost {
  /** Deleted before they were read. */
  rotated: number;
  /** Damaged. */
  corrupt: number;
  /** Probably in files that this process may not read. */
  unreadable: number;
}

/** A series of sequence numbers, which files continue across rotations. */
interface Series {
  /** Every entry up to this number was read, skipped, or counted as lost; undefined before the first. */
  last: number | undefined;
  /** When it was, in the order of reading; 0 if not since the start. */
  at: number;
  /** The last number at the first start; 0 for a series that appeared since. */
  initial: number;
  folder: string | undefined;
  family: string | undefined;
}

/** What was read of a journal, over all its files, and what is missing. */
export class Progress {
  readonly #lost: Lost;
  /** By id. */
  readonly #series = new Map<string, Series>();
  /** By family, unread entries of files that are deleted, except for those counted as lost. */
  readonly #left = new Map<string, number>();
  #reads = 0;
  #last: Cursor | EntryPosition | undefined;
  /** The state before the last complete scan began. */
  #boundary: Boundary | undefined;
  /** The state before the current scan. */
  #next: Boundary | undefined;

  /** Losses are added to `lost`. */
  constructor(lost: Lost, position: Omit<JournalPosition, 'files'> | undefined) {
    this.#lost = lost;
    if (position === undefined) return;
    const { boundary, seqnums, initial = {}, left = {} } = position;
    this.#boundary = boundary;
    this.#last = boundary.cursor;
    for (const [id, folder] of Object.entries(boundary.folders)) this.#seriesOf(id).folder = folder;
    for (const [id, seqnum] of Object.entries(seqnums)) this.#seriesOf(id).last = seqnum;
    for (const [id, seqnum] of Object.entries(initial)) this.#seriesOf(id).initial = seqnum;
    for (const [family, count] of Object.entries(left)) this.#left.set(family, count);
  }

  /** The last entry that was read. */
  get last(): Pick<Cursor, 'realtime'> | undefined {
    return this.#last;
  }

  /** Its cursor. */
  get cursor(): Cursor | undefined {
    const last = this.#last;
    return last !== undefined && 'offset' in last ? cursorOf(last) : last;
  }

  /** The part of the position that is not specific to files. */
  position(): Omit<JournalPosition, 'files'> {
    const { seqnums } = this.#now();
    const initial = [...this.#series].flatMap(([id, { initial, last = 0 }]) => (initial > last ? [[id, initial]] : []));
    return {
      boundary: this.#boundary ?? this.#now(),
      seqnums,
      ...(initial.length > 0 && { initial: Object.fromEntries(initial) }),
      ...(this.#left.size > 0 && { left: Object.fromEntries(this.#left) }),
    };
  }

  beginScan(): void {
    this.#next = this.#now();
  }

  /** The scan that was begun has found every file. */
  endScan(): void {
    this.#boundary = this.#next;
  }

  /** A file was opened. */
  see({ file, folder, family }: OpenJournalFile): void {
    const series = this.#seriesOf(file.header.seqnumId);
    series.folder ??= folder;
    series.family = family;
  }

  /** Skips the entries of a file that appeared after the start and were read before: from another file. */
  skipRead(source: OpenJournalFile): void {
    const { file, folder } = source;
    const { last, folder: known } = this.#seriesOf(file.header.seqnumId);
    const cursor = this.#boundary?.cursor;
    const isSame = last !== undefined && known === folder;
    source.index = file.search((entry) => (isSame ? entry.seqnum <= last : wasRead(entry, cursor)));
    this.#skip(source);
  }

  /** Skips all entries. */
  skipAll(source: OpenJournalFile): void {
    source.index = source.file.entries;
    const entry = this.#skip(source);
    if (entry !== undefined) this.#noteLast(entry);
  }

  /** The first start: what is missing from the first entries of `sources` on is lost, if it existed. */
  start(sources: Iterable<OpenJournalFile>): void {
    const families = new Map<string, { first: number; tail: number }>();
    const opened = [...sources];
    for (const { family, nextSeqnum = Infinity, file } of opened) {
      const { first, tail } = families.get(family) ?? { first: Infinity, tail: 0 };
      families.set(family, { first: Math.min(first, nextSeqnum), tail: Math.max(tail, file.header.tailSeqnum) });
    }
    for (const { family, file } of opened) {
      const series = this.#seriesOf(file.header.seqnumId);
      const { first, tail } = families.get(family) ?? { first: Infinity, tail: 0 };
      series.last ??= Math.min(first - 1, tail);
      series.initial = tail;
    }
  }

  /** An entry was read: the one before the next of `source`. */
  note(source: OpenJournalFile, entry: EntryPosition, isCredible: boolean): void {
    if (isCredible) {
      const series = this.#seriesOf(entry.seqnumId);
      source.unnumbered = 0;
      if (entry.seqnum > (series.last ?? 0)) {
        series.last = entry.seqnum;
        series.at = ++this.#reads;
        series.folder = source.folder;
        series.family = source.family;
      }
    } else source.unnumbered++;
    this.#noteLast(entry);
  }

  /** Counts the entries of `source` that turned out to be damaged. */
  noteCorrupt(source: OpenJournalFile): void {
    const corrupt = source.takeCorrupt();
    if (corrupt === 0) return;
    this.#lost.corrupt += corrupt;
    if (source.isFinished) this.finish(source);
  }

  /** An archived file was read to its end. */
  finish({ file, lastSeqnum, unnumbered }: OpenJournalFile): void {
    const { seqnumId, tailSeqnum } = file.header;
    const series = this.#seriesOf(seqnumId);
    if (file.entries === 0 || series.last !== lastSeqnum || tailSeqnum <= lastSeqnum) return;
    // The damaged ones at its end had numbers, too, and so had the one that no longer fitted in.
    if (tailSeqnum <= lastSeqnum + unnumbered + 1) series.last = tailSeqnum;
  }

  /** Unread entries were deleted. */
  leave(family: string, entries: number): void {
    this.#left.set(family, (this.#left.get(family) ?? 0) + entries);
  }

  /** The first of the numbers that are missing before `seqnum`, that of the next entry of `source`; `seqnum` without any. */
  gapBefore(source: OpenJournalFile, seqnum: number): number {
    const series = this.#seriesOf(source.file.header.seqnumId);
    const { last, at } = series;
    if (last !== undefined && seqnum <= last + 1) return seqnum;
    if (!source.isCredible(seqnum)) return seqnum;
    let before = last ?? -1;
    // The numbers in between were those of others, if these were read since.
    for (const mate of this.#series.values()) {
      if (mate === series || mate.family !== source.family || mate.last === undefined) continue;
      if (last === undefined ? mate.at === 0 : mate.at < at) continue;
      if (mate.last < seqnum && mate.last > before) before = mate.last;
    }
    return before === -1 ? seqnum : before + 1;
  }

  /** Counts the numbers from `from` to before `seqnum`, that of the next entry of `source`, as lost. */
  countGap(source: OpenJournalFile, from: number, seqnum: number, hasDenied: boolean): void {
    const series = this.#seriesOf(source.file.header.seqnumId);
    const left = this.#left.get(source.family) ?? 0;
    const missing = Math.max(0, seqnum - from - source.unnumbered);
    const since = Math.min(missing, seqnum - 1 - Math.max(from - 1, Math.min(series.initial, seqnum - 1)));
    const lost = since + Math.min(missing - since, left);
    this.#lost[hasDenied ? 'unreadable' : 'rotated'] += lost;
    if (lost < left) this.#left.set(source.family, left - lost);
    else this.#left.delete(source.family);
    source.unnumbered = 0;
    series.last = seqnum - 1;
    series.at = ++this.#reads;
  }

  /** Skips the number of the last entry before the next of `source`. */
  #skip(source: OpenJournalFile): EntryPosition | undefined {
    const { file, index } = source;
    const entry = index === 0 ? undefined : file.entry(index - 1);
    if (entry === undefined) return undefined;
    const { seqnumId, tailSeqnum } = file.header;
    const series = this.#seriesOf(seqnumId);
    source.lastSeqnum = entry.seqnum;
    if (entry.seqnum <= tailSeqnum) series.last = Math.max(series.last ?? 0, entry.seqnum);
    return entry;
  }

  #noteLast(entry: EntryPosition): void {
    if (this.#last === undefined || compareEntries(this.#last, entry) <= 0) this.#last = entry;
  }

  #seriesOf(id: string): Series {
    let series = this.#series.get(id);
    if (series === undefined) {
      series = { last: undefined, at: 0, initial: 0, folder: undefined, family: undefined };
      this.#series.set(id, series);
    }
    return series;
  }

  #now(): Boundary {
    const seqnums: Record<string, number> = {};
    const folders: Record<string, string> = {};
    for (const [id, { last, folder }] of this.#series) {
      if (last !== undefined) seqnums[id] = last;
      if (folder !== undefined) folders[id] = folder;
    }
    return { cursor: this.cursor, seqnums, folders };
  }
}
