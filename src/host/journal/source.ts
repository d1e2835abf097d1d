import { closeSync, openSync, readSync } from 'node:fs';
import { READ_AT_ONCE } from '../../base/files.ts';
import type { EntryPosition } from './entry.ts';
import { JournalFile } from './journal-file.ts';
import type { FilePosition } from './position.ts';

/** One journal file being read, with the position of the reader. */
export class OpenJournalFile {
  readonly path: string;
  readonly file: JournalFile;
  /** The folder of {@link Journal}'s options that it was found in. */
  readonly folder: string;
  /** The next entry to be read. */
  index = 0;
  /** The sequence number of the last entry that was read; 0 before there is one. */
  lastSeqnum = 0;
  #fd: number;
  #next: EntryPosition | undefined;
  #corrupt = 0;

  /** Opens a file. Throws UnsupportedJournal and the errors of node:fs. */
  constructor(path: string, folder: string, wanted: ReadonlySet<string> | undefined) {
    this.path = path;
    this.folder = folder;
    this.#fd = openSync(path, READ_AT_ONCE);
    try {
      const readAt = (target: Buffer, position: number) => readSync(this.#fd, target, 0, target.length, position);
      this.file = new JournalFile(readAt, wanted);
    } catch (cause) {
      closeSync(this.#fd);
      throw cause;
    }
  }

  /** The next entry, skipping and counting unreadable ones; undefined at the end. */
  peek(): EntryPosition | undefined {
    while (this.#next === undefined && this.index < this.file.entries) {
      this.#next = this.file.entry(this.index);
      if (this.#next !== undefined || this.file.mayCome(this.index)) break;
      this.#corrupt++;
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
  goOn({ index, seqnum }: FilePosition): void {
    this.lastSeqnum = seqnum;
    const last = index > 0 && index <= this.file.entries ? this.file.entry(index - 1) : undefined;
    const isThere = index === 0 || last === undefined || seqnum === 0 || last.seqnum === seqnum;
    this.index = isThere ? Math.min(index, this.file.entries) : this.file.search((entry) => entry.seqnum <= seqnum);
  }

  /** How many entries could not be read since the last call. */
  takeCorrupt(): number {
    const corrupt = this.#corrupt;
    this.#corrupt = 0;
    return corrupt;
  }

  /** Whether the file is complete and will get no more entries. */
  get isFinished(): boolean {
    return this.file.header.isArchived && this.index >= this.file.entries;
  }

  get isOpen(): boolean {
    return this.#fd !== -1;
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
    this.file.release();
  }
}
