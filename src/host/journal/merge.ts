import { compareEntries } from './cursor.ts';
import type { EntryPosition } from './entry.ts';
import type { OpenJournalFile } from './source.ts';

/**
 * Maximum number of files whose entries are merged at a time, each with its own window; if there are more, the oldest
 * come first.
 */
const MAX_MERGED = 12;

/** The order of entries over several files. */
export class Merge {
  readonly #sources: ReadonlyMap<string, OpenJournalFile>;
  readonly #afterPeek: (source: OpenJournalFile) => void;
  /** The file of the last entry. */
  #current: OpenJournalFile | undefined;
  /** The first entry of the other files; undefined when they have none. */
  #rival: EntryPosition | undefined;

  /**
   * `sources` are in the order of their first entries. `afterPeek` is called after the next entry of a file was looked
   * up.
   */
  constructor(sources: ReadonlyMap<string, OpenJournalFile>, afterPeek: (source: OpenJournalFile) => void) {
    this.#sources = sources;
    this.#afterPeek = afterPeek;
  }

  /** To be called when files or their entries have changed. */
  restart(): void {
    this.#current = undefined;
  }

  /** The file with the next entry; undefined when all are read. */
  next(): OpenJournalFile | undefined {
    const current = this.#current;
    if (current !== undefined) {
      const entry = current.peek();
      this.#afterPeek(current);
      if (entry !== undefined && (this.#rival === undefined || compareEntries(entry, this.#rival) < 0)) return current;
    }
    return this.#choose();
  }

  #choose(): OpenJournalFile | undefined {
    let chosen: OpenJournalFile | undefined;
    let first: EntryPosition | undefined;
    let second: EntryPosition | undefined;
    let merged = 0;
    for (const source of this.#sources.values()) {
      if (merged >= MAX_MERGED) break;
      const entry = source.peek();
      this.#afterPeek(source);
      if (entry === undefined) continue;
      merged++;
      if (first === undefined || compareEntries(entry, first) < 0) {
        second = first;
        first = entry;
        chosen = source;
      } else if (second === undefined || compareEntries(entry, second) < 0) second = entry;
    }
    this.#current = chosen;
    this.#rival = second;
    return chosen;
  }
}
