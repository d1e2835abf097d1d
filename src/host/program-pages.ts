import { readFileSync } from 'node:fs';
import { discardPages } from './syscalls.ts';

/** A part of this process's address space: start and length in bytes. */
interface Mapping {
  readonly start: bigint;
  readonly length: bigint;
}

const HEADER = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)/;

/**
 * The mappings in `smaps`, the text of /proc/<pid>/smaps, that hold nothing but pages of files as they are on disk:
 * from a file, not writable now, and without a page that was ever written (the loader writes addresses into parts that
 * it makes read-only afterwards).
 */
export function unchangedFileMappings(smaps: string): Mapping[] {
  const mappings: Mapping[] = [];
  let current: Mapping | undefined;
  for (const line of smaps.split('\n')) {
    const header = HEADER.exec(line);
    if (header) {
      const [, start, end, access = '', inode] = header;
      const from = BigInt(`0x${start}`);
      const isProgram = inode !== '0' && access.startsWith('r-') && access.endsWith('p');
      current = isProgram ? { start: from, length: BigInt(`0x${end}`) - from } : undefined;
    } else if (current && /^Anonymous:\s+0 kB$/.test(line)) {
      mappings.push(current);
    }
  }
  return mappings;
}

/**
 * Releases the resident pages of Node's own program and libraries. Most of them were only needed at startup: module
 * loading, compilation, checking of the configuration. Pages needed again are reloaded from the page cache
 * automatically, so this only reduces the memory charged to this process. Synchronous, though it takes 20 ms: between
 * two turns of the event loop a library could be loaded to where the list of mappings still shows another one. Throws
 * Unsupported without node:ffi.
 */
export function releaseProgramPages(): void {
  for (const mapping of unchangedFileMappings(readFileSync('/proc/self/smaps', 'latin1'))) discardPages(mapping);
}
