import type { SpoolEntry } from './folder.ts';

/** The files of a spool, ordered by timestamp. */
export class SpoolEntries {
  readonly #entries: SpoolEntry[] = [];
  #bytes = 0;

  get count(): number {
    return this.#entries.length;
  }

  /** Of all files. */
  get bytes(): number {
    return this.#bytes;
  }

  get oldest(): SpoolEntry | undefined {
    return this.#entries[0];
  }

  add(entry: SpoolEntry): void {
    const later = this.#entries.findLastIndex(({ stampMs }) => stampMs <= entry.stampMs) + 1;
    this.#entries.splice(later, 0, entry);
    this.#bytes += entry.bytes;
  }

  /** Removes an entry, if present. */
  remove(entry: SpoolEntry): void {
    const index = this.#entries.indexOf(entry);
    if (index === -1) return;
    this.#entries.splice(index, 1);
    this.#bytes -= entry.bytes;
  }

  clear(): void {
    this.#entries.length = 0;
    this.#bytes = 0;
  }
}
