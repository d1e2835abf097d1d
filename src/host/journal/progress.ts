import { type Cursor, compareEntries } from './cursor.ts';
import { cursorOf, type EntryPosition } from './entry.ts';
import type { Boundary, JournalPosition } from './position.ts';
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

/** What was read of a journal, over all its files, and what is missing. */
export class Progress {
  readonly #lost: Lost;
  /** By series of sequence numbers, the highest that was read. */
  readonly #seqnums = new Map<string, number>();
  readonly #folders = new Map<string, string>();
  #last: Cursor | EntryPosition | undefined;
  /** The state before the last scan began. */
  #boundary: Boundary | undefined;
  /** The state before the current scan. */
  #next: Boundary | undefined;

  /** Losses are added to `lost`. */
  constructor(lost: Lost, position: Omit<JournalPosition, 'files'> | undefined) {
    this.#lost = lost;
    if (position === undefined) return;
    const { cursor, folders } = position.boundary;
    this.#boundary = position.boundary;
    this.#last = cursor;
    for (const [id, seqnum] of Object.entries(position.seqnums)) this.#seqnums.set(id, seqnum);
    for (const [id, folder] of Object.entries(folders)) this.#folders.set(id, folder);
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

  /** The boundary up to which entries of newly appearing files have been read. */
  get boundary(): Boundary | undefined {
    return this.#boundary;
  }

  /** The part of the position that is not specific to files. */
  position(): Omit<JournalPosition, 'files'> {
    return { boundary: this.#boundary ?? this.#now(), seqnums: Object.fromEntries(this.#seqnums) };
  }

  beginScan(): void {
    this.#next = this.#now();
  }

  endScan(): void {
    this.#boundary = this.#next;
  }

  /** A series of sequence numbers was found in `folder`. */
  seeSeries(seqnumId: string, folder: string): void {
    if (!this.#folders.has(seqnumId)) this.#folders.set(seqnumId, folder);
  }

  /** An entry was read, or skipped at the start. */
  note(source: OpenJournalFile, entry: EntryPosition): void {
    const { seqnumId, tailSeqnum } = source.file.header;
    const before = this.#seqnums.get(seqnumId) ?? 0;
    // A damaged number must not make later entries look old.
    if (entry.seqnum <= tailSeqnum && entry.seqnum > before) {
      this.#seqnums.set(seqnumId, entry.seqnum);
      if (this.#folders.get(seqnumId) !== source.folder) this.#folders.set(seqnumId, source.folder);
    }
    if (this.#last === undefined || compareEntries(this.#last, entry) <= 0) this.#last = entry;
  }

  /** Counts the entries of `source` that turned out to be damaged. */
  noteCorrupt(source: OpenJournalFile): void {
    const corrupt = source.takeCorrupt();
    if (corrupt === 0) return;
    this.#lost.corrupt += corrupt;
    const { seqnumId, tailSeqnum } = source.file.header;
    const before = this.#seqnums.get(seqnumId);
    // They also had numbers, so these are not missing.
    if (before !== undefined) this.#seqnums.set(seqnumId, Math.min(tailSeqnum, before + corrupt));
  }

  /** Counts entries that are missing between the last one read and the oldest unread one. */
  findGaps(sources: Iterable<OpenJournalFile>, hasDenied: boolean): void {
    const next = new Map<string, number>();
    for (const source of sources) {
      const { entries, header } = source.file;
      if (source.index >= entries) continue;
      const seqnum = source.index === 0 ? header.headSeqnum : source.peek()?.seqnum;
      this.noteCorrupt(source);
      if (seqnum !== undefined) next.set(header.seqnumId, Math.min(next.get(header.seqnumId) ?? Infinity, seqnum));
    }
    for (const [seqnumId, oldest] of next) {
      const last = this.#seqnums.get(seqnumId);
      if (last === undefined || oldest <= last + 1) continue;
      this.#lost[hasDenied ? 'unreadable' : 'rotated'] += oldest - last - 1;
      this.#seqnums.set(seqnumId, oldest - 1);
    }
  }

  #now(): Boundary {
    return {
      cursor: this.cursor,
      seqnums: Object.fromEntries(this.#seqnums),
      folders: Object.fromEntries(this.#folders),
    };
  }
}
