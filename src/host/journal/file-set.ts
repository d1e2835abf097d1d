import { statSync } from 'node:fs';
import { errorCode } from '../../base/error-text.ts';
import { inodeKey } from '../tail/tailed-file.ts';
import { isTransient, listJournals, problemOf } from './listing.ts';
import type { FilePosition } from './position.ts';
import { DeletedJournal, OpenJournalFile } from './source.ts';

/** Attempts to list files while others are renamed. */
const TRIES = 3;

/** After this many incomplete updates in a row, what is missing does not hold up what was found any longer. */
const MAX_INCOMPLETE = 5;

/** Whether `path` is that of the file with this device and inode. */
function isStill(path: string, key: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && inodeKey(stat) === key;
}

interface FileSetOptions {
  readonly paths: readonly string[];
  readonly wanted?: ReadonlySet<string>;
  readonly leavesDeleted?: boolean;
  readonly positions: Readonly<Record<string, FilePosition>>;
  /** Called for a file without a position: sets where to begin. */
  readonly begin: (source: OpenJournalFile) => void;
  /** Called for each file that was opened, after its position is set. */
  readonly opened: (source: OpenJournalFile) => void;
  /** Called for each archived file that was read to its end. */
  readonly finished: (source: OpenJournalFile) => void;
  /** Called when unread entries are deleted, with what shares their counter. */
  readonly left: (family: string, entries: number) => void;
}

/** The result of {@link FileSet.update}. */
interface Update {
  /** How many files exist. */
  readonly found: number;
  readonly problems: readonly Error[];
  /** Whether files exist that cannot be read. */
  readonly hasDenied: boolean;
  /**
   * Whether every file that existed, and every entry that was written before, was found, or not for several updates.
   * Otherwise something was renamed in each attempt, or the process lacks descriptors or memory.
   */
  readonly isComplete: boolean;
}

interface KnownFile {
  readonly ctimeMs: number;
  readonly fileId: string;
}

interface Pass {
  readonly found: number;
  readonly denied: number;
  readonly problems: Error[];
  readonly isStable: boolean;
  readonly isWhole: boolean;
  readonly present: ReadonlySet<string>;
  readonly keys: ReadonlySet<string>;
}

/** The files of a journal: which exist, which are open, and how far the others were read. */
export class FileSet {
  readonly #options: FileSetOptions;
  /** Open files, by id, in the order of their first entries. */
  readonly #sources = new Map<string, OpenJournalFile>();
  /** Read positions of files that exist but are not open, by id. */
  readonly #closed: Map<string, FilePosition>;
  /** Files by device and inode. */
  readonly #known = new Map<string, KnownFile>();
  /** How many of the open files are not in order yet. */
  #unsorted = 0;
  /** Incomplete updates in a row. */
  #incomplete = 0;

  constructor(options: FileSetOptions) {
    this.#options = options;
    this.#closed = new Map(Object.entries(options.positions));
  }

  get sources(): ReadonlyMap<string, OpenJournalFile> {
    return this.#sources;
  }

  /** Looks for new, deleted and renamed files, and for new entries. */
  update(): Update {
    const before = new Map<OpenJournalFile, number>();
    for (const source of this.#sources.values()) before.set(source, source.file.entries);
    let pass = this.#list();
    for (let tries = 1; !pass.isStable && tries < TRIES; tries++) pass = this.#list();
    const { found, denied, problems, present, keys } = pass;
    let isComplete = pass.isStable;
    for (const [fileId, source] of this.#sources) {
      if (this.#isLeft(fileId, source, pass)) this.#leave(fileId, source);
      else if (!this.#refresh(fileId, source, problems)) isComplete = false;
      else if (source.isFinished) this.#options.finished(source);
    }
    this.#sort();
    this.#incomplete = isComplete ? 0 : this.#incomplete + 1;
    if (this.#incomplete >= MAX_INCOMPLETE) isComplete = true;
    if (isComplete) {
      for (const source of this.#sources.values()) source.confirmed = before.get(source) ?? 0;
      for (const [fileId, position] of this.#closed) if (!present.has(fileId)) this.#forget(fileId, position);
      for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key);
    }
    return { found, problems, hasDenied: denied > 0, isComplete };
  }

  /** How far all files were read, by id. */
  get positions(): Readonly<Record<string, FilePosition>> {
    const files: Record<string, FilePosition> = Object.fromEntries(this.#closed);
    for (const [fileId, source] of this.#sources) files[fileId] = source.position;
    return files;
  }

  /** Closes files that were read to their end and will get no more entries. */
  closeFinished(): void {
    for (const [fileId, source] of this.#sources) {
      if (!source.isFinished) continue;
      source.close();
      this.#sources.delete(fileId);
      this.#closed.set(fileId, source.position);
    }
  }

  /** Closes files whose content was found to be deleted. */
  leaveGone(): void {
    for (const [fileId, source] of this.#sources) if (source.isGone) this.#leave(fileId, source);
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
  }

  #list(): Pass {
    const problems: Error[] = [];
    const { files, isWhole, isStable: isListed } = listJournals(this.#options.paths, problems);
    const present = new Set<string>();
    let isStable = isListed;
    let denied = 0;
    for (const { path, folder, key, ctimeMs, gid } of files) {
      try {
        const { fileId, isSame } = this.#see(path, folder, key, ctimeMs);
        present.add(fileId);
        if (!isSame) isStable = false;
      } catch (cause) {
        // Renamed, or removed.
        if (errorCode(cause) === 'ENOENT' || cause instanceof DeletedJournal) isStable = false;
        else {
          if (isTransient(cause)) isStable = false;
          denied++;
          problems.push(problemOf(path, gid, cause));
        }
      }
    }
    for (const [fileId, source] of this.#sources) {
      if (present.has(fileId)) source.isMissing = false;
      else if (isWhole && !source.isMissing && !source.isDeleted) isStable = false;
    }
    return {
      found: files.length,
      denied,
      problems,
      isStable,
      isWhole,
      present,
      keys: new Set(files.map(({ key }) => key)),
    };
  }

  /** Registers a file, opens it if it may have new entries, and returns its id, and whether it is the listed one. */
  #see(path: string, folder: string, key: string, ctimeMs: number): { fileId: string; isSame: boolean } {
    const known = this.#known.get(key);
    if (known !== undefined) {
      const { fileId } = known;
      if (this.#sources.has(fileId)) return { fileId, isSame: true };
      // Closed files were read to their end; unless their name or content changes there is nothing new.
      if (this.#closed.has(fileId) && known.ctimeMs === ctimeMs) return { fileId, isSame: true };
    }
    const source = new OpenJournalFile(path, folder, this.#options.wanted);
    const { fileId } = source.file.header;
    // Some file systems state other numbers for open files: then the path is still that of the listed one.
    const isSame = source.key === key || isStill(path, key);
    this.#known.set(isSame ? key : source.key, { ctimeMs: isSame ? ctimeMs : source.ctimeMs, fileId });
    if (this.#sources.has(fileId)) {
      // A second name of the same file, or a copy.
      source.close();
      return { fileId, isSame };
    }
    const read = this.#closed.get(fileId);
    if (read !== undefined) source.goOn(read);
    else this.#options.begin(source);
    this.#closed.delete(fileId);
    this.#options.opened(source);
    source.file.release();
    this.#sources.set(fileId, source);
    this.#unsorted++;
    return { fileId, isSame };
  }

  /** Whether an open file is not read any further. */
  #isLeft(fileId: string, source: OpenJournalFile, { present, isWhole }: Pass): boolean {
    if (source.isGone) return true;
    if (present.has(fileId)) return false;
    const { leavesDeleted = false } = this.#options;
    if (source.isDeleted) return leavesDeleted;
    if (!isWhole) return false;
    // Missing twice, it was moved to another place.
    const wasMissing = source.isMissing;
    source.isMissing = true;
    return wasMissing && leavesDeleted;
  }

  #leave(fileId: string, source: OpenJournalFile): void {
    if (source.unread > 0) this.#options.left(source.family, source.unread);
    source.close();
    this.#sources.delete(fileId);
  }

  /** A file that was not open is deleted: unread only if that was before the start. */
  #forget(fileId: string, { unread }: FilePosition): void {
    if (unread !== undefined) this.#options.left(unread.family, unread.entries);
    this.#closed.delete(fileId);
  }

  /** Returns false if the file cannot be read although it exists. */
  #refresh(fileId: string, source: OpenJournalFile, problems: Error[]): boolean {
    try {
      const before = source.file.entries;
      source.file.refresh();
      if (source.file.entries === before && source.index >= before) source.file.release();
      return true;
    } catch (cause) {
      const isGone = source.checkGone();
      if (!isGone) problems.push(problemOf(source.path, undefined, cause));
      this.#leave(fileId, source);
      return isGone;
    }
  }

  #sort(): void {
    if (this.#unsorted === 0) return;
    this.#unsorted = 0;
    const byHead = [...this.#sources].sort(([, a], [, b]) => a.file.header.headRealtime - b.file.header.headRealtime);
    this.#sources.clear();
    for (const [fileId, source] of byHead) this.#sources.set(fileId, source);
  }
}
