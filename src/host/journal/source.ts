import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { READ_AT_ONCE } from '../../base/files.ts';
import { inodeKey } from '../tail/tailed-file.ts';
import type { EntryPosition } from './entry.ts';
import { JournalFile } from './journal-file.ts';
import type { FilePosition } from './position.ts';

/** Files of journald, which gives the entries of all files in a folder numbers of one counter. */
const JOURNALD_NAME = /\/(?:system|user-\d+)(?:@[^/]*)?\.journal~?$/;

/** A file that was deleted while it was opened. */
export class DeletedJournal extends Error {}

/** One journal file being read, with the position of the reader. */
export class OpenJournalFile {
  readonly path: string;
  readonly file: JournalFile;
  /** The folder of {@link Journal}'s options that it was found in. */
  readonly folder: string;
  /**
   * What shares its counter of sequence numbers: a folder of journald, otherwise the series. Up to systemd 253, each file
   * of a user has a series of its own.
   */
  readonly family: string;
  /** Device and inode. */
  readonly key: string;
  readonly ctimeMs: number;
  /** The next entry to be read. */
  index = 0;
  /** The sequence number of the last entry that was read; 0 before there is one. */
  lastSeqnum = 0;
  /** Whether it existed at the first start. */
  isInitial: boolean = false;
  /** Entries without a credible sequence number since the last one that has it. */
  unnumbered = 0;
  /** How many entries were visible before all files were listed and refreshed for the last time. */
  confirmed = 0;
  /** Whether a complete list did not contain it, although it is not deleted. */
  isMissing: boolean = false;
  #fd: number;
  #next: EntryPosition | undefined;
  #corrupt = 0;
  #isGone: boolean = false;

  /** Opens a file. Throws UnsupportedJournal, DeletedJournal and the errors of node:fs. */
  constructor(path: string, folder: string, wanted: ReadonlySet<string> | undefined) {
    this.path = path;
    this.folder = folder;
    this.#fd = openSync(path, READ_AT_ONCE);
    try {
      // The path may have become that of another file since it was listed.
      const stat = fstatSync(this.#fd);
      this.key = inodeKey(stat);
      this.ctimeMs = stat.ctimeMs;
      const readAt = (target: Buffer, position: number) => readSync(this.#fd, target, 0, target.length, position);
      this.file = new JournalFile(readAt, wanted);
      this.family = JOURNALD_NAME.test(path) ? dirname(path) : this.file.header.seqnumId;
    } catch (cause) {
      const isDeleted = this.isDeleted;
      closeSync(this.#fd);
      throw isDeleted ? new DeletedJournal(path, { cause }) : cause;
    }
  }

  /** The next entry, skipping and counting unreadable ones; undefined at the end, and if the content is deleted. */
  peek(): EntryPosition | undefined {
    while (this.#next === undefined && !this.#isGone && this.index < this.file.entries) {
      this.#next = this.file.entry(this.index);
      if (this.#next !== undefined || this.file.mayCome(this.index) || this.checkGone()) break;
      this.#corrupt++;
      this.unnumbered++;
      this.index++;
    }
    return this.#next;
  }

  /** Advances past the entry of {@link peek}. */
  advance(): void {
    this.#next = undefined;
    this.index++;
  }

  /** Resumes after the last entry read; by sequence number if its position has changed. */
  goOn({ index, seqnum, unread, unnumbered = 0 }: FilePosition): void {
    this.lastSeqnum = seqnum;
    this.isInitial = unread !== undefined;
    this.unnumbered = unnumbered;
    const last = index > 0 && index <= this.file.entries ? this.file.entry(index - 1) : undefined;
    const isThere = index === 0 || last === undefined || seqnum === 0 || last.seqnum === seqnum;
    this.index = isThere ? Math.min(index, this.file.entries) : this.file.search((entry) => entry.seqnum <= seqnum);
  }

  /** Where to resume. */
  get position(): FilePosition {
    const { index, lastSeqnum: seqnum, unread: entries, family, unnumbered } = this;
    return {
      ...{ index, seqnum },
      ...(this.isInitial && entries > 0 && { unread: { entries, family } }),
      ...(unnumbered > 0 && { unnumbered }),
    };
  }

  /** How many entries could not be read since the last call. */
  takeCorrupt(): number {
    const corrupt = this.#corrupt;
    this.#corrupt = 0;
    return corrupt;
  }

  /** Number of entries that were not read yet. */
  get unread(): number {
    return Math.max(0, this.file.entries - this.index);
  }

  /** The sequence number of the next entry, without reading from a file that was not begun; undefined if there is none. */
  get nextSeqnum(): number | undefined {
    if (this.#isGone || this.unread === 0) return undefined;
    return this.index === 0 ? this.file.header.headSeqnum : this.peek()?.seqnum;
  }

  /**
   * Whether a sequence number of its next entry is credible: each entry after it has a number up to the last one. A damaged
   * number must not make later entries look old.
   */
  isCredible(seqnum: number): boolean {
    const { entries, tailSeqnum } = this.file.header;
    return seqnum <= tailSeqnum - (entries - 1 - this.index);
  }

  /** Whether the file is complete and will get no more entries. */
  get isFinished(): boolean {
    return this.file.header.isArchived && this.index >= this.file.entries;
  }

  get isOpen(): boolean {
    return this.#fd !== -1;
  }

  /** Whether its last name was removed. */
  get isDeleted(): boolean {
    return fstatSync(this.#fd).nlink === 0;
  }

  /** Whether its content was found to be deleted. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Called for unreadable content: systemd also frees the blocks of files that it deletes, under the eyes of readers. */
  checkGone(): boolean {
    this.#isGone ||= this.isDeleted;
    if (this.#isGone) this.#next = undefined;
    return this.#isGone;
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
    this.file.release();
  }
}
