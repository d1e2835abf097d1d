import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { turn } from '../base/turns.ts';
import { kernelUnits } from './auxv.ts';
import { ENTRY_BYTES, PARTS, pagesToRelease } from './page-states.ts';
import { discardPages } from './syscalls.ts';

/** A part of this process's address space. */
interface Mapping {
  /** Its line in /proc/self/maps. */
  readonly line: string;
  readonly start: number;
  readonly bytes: number;
  /** Whether it is code, and not constants. */
  readonly isCode: boolean;
}

/** What is known about the pages of a mapping. */
interface Known {
  readonly mapping: Mapping;
  readonly states: Uint8Array;
}

const PRIVATE_FILE = /^([0-9a-f]+)-([0-9a-f]+) r-([x-])p \S+ \S+ [1-9]/;

/** Smaller mappings have too few pages to be worth a look. */
const SMALLEST_BYTES = 256 * 1024;

/** The larger mappings in `maps`, the text of /proc/<pid>/maps, that are private, not writable and of a file. */
export function programMappings(maps: string): Mapping[] {
  return maps.split('\n').flatMap((line) => {
    const [, from = '', to = '', access] = PRIVATE_FILE.exec(line) ?? [];
    const start = Number.parseInt(from, 16);
    const bytes = Number.parseInt(to, 16) - start;
    return bytes >= SMALLEST_BYTES ? [{ line, start, bytes, isCode: access === 'x' }] : [];
  });
}

/** Pages examined in one turn of the event loop: releasing as many as in the first takes the kernel about a millisecond. */
const STEP_PAGES = { all: 1024, unused: 4096 };

/**
 * The resident pages of Node's own program and libraries. Most of them are only needed at startup: module loading,
 * compilation. Pages needed again are mapped again from the page cache automatically, so releasing them only reduces the
 * memory charged to this process.
 */
export class ProgramPages {
  readonly #pageBytes = kernelUnits().pageBytes;
  readonly #entries = Buffer.alloc(STEP_PAGES.unused * ENTRY_BYTES);
  #known: readonly Known[] = [];
  #passes = 0;

  /** Whether all pages have been tested by {@link releaseUnused}. */
  get areKnown(): boolean {
    return this.#passes > PARTS;
  }

  /** Releases all. Rejects with Unsupported without node:ffi. */
  async releaseAll(): Promise<void> {
    const before = new Map(this.#known.map(({ mapping, states }) => [mapping.line, states]));
    this.#known = programMappings(readFileSync('/proc/self/maps', 'latin1')).map((mapping) => ({
      mapping,
      states: before.get(mapping.line) ?? new Uint8Array(mapping.bytes / this.#pageBytes),
    }));
    await this.#release(this.#known, 'all', STEP_PAGES.all);
  }

  /**
   * Releases pages of code that are known to be unused, and a quarter of the others to test it: what this process does regularly
   * should happen before the next call. Constants have a fifth of the memory and most of the pages to examine. Only in
   * mappings that {@link releaseAll} has found. Rejects like it.
   */
  async releaseUnused(): Promise<void> {
    const code = this.#known.filter(({ mapping }) => mapping.isCode);
    await this.#release(code, this.#passes++ % PARTS, STEP_PAGES.unused);
  }

  async #release(known: readonly Known[], part: number | 'all', stepPages: number): Promise<void> {
    const pagemap = openSync('/proc/self/pagemap', 'r');
    try {
      for (const { mapping, states } of known) {
        for (let page = 0; page < states.length; page += stepPages) {
          await turn();
          const first = mapping.start / this.#pageBytes + page;
          this.#releaseStep(pagemap, first, states.subarray(page, page + stepPages), part);
        }
      }
    } finally {
      closeSync(pagemap);
    }
  }

  /**
   * Mappings may have changed since they were listed. That does no harm: entries and release belong to the same turn, and only
   * pages of files, without changes, are released.
   */
  #releaseStep(pagemap: number, first: number, states: Uint8Array, part: number | 'all'): void {
    const bytes = states.length * ENTRY_BYTES;
    if (readSync(pagemap, this.#entries, 0, bytes, first * ENTRY_BYTES) !== bytes) return;
    const pages = { entries: this.#entries, states, first, pageBytes: this.#pageBytes };
    for (const [from, to] of pagesToRelease(pages, part)) {
      const start = BigInt((first + from) * this.#pageBytes);
      discardPages({ start, length: BigInt((to - from) * this.#pageBytes) });
    }
  }
}
