import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { turn } from '../base/turns.ts';
import { discardPages } from './syscalls.ts';

/** A part of this process's address space: start and length in bytes. */
interface Mapping {
  /** Its line in /proc/self/maps. */
  readonly line: string;
  readonly start: bigint;
  readonly length: bigint;
}

const HEADER = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)/;

/**
 * The mappings in `smaps`, the text of /proc/<pid>/smaps, that contain only unmodified pages of files: from a file, not
 * writable now, and without a page that was ever written (the loader writes addresses into parts that it makes
 * read-only afterwards).
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
      current = isProgram ? { line, start: from, length: BigInt(`0x${end}`) - from } : undefined;
    } else if (current && /^Anonymous:\s+0 kB$/.test(line)) {
      mappings.push(current);
    }
  }
  return mappings;
}

/** Releasing this much takes the kernel about a millisecond. */
const STEP_BYTES = 4n * 1024n * 1024n;

/**
 * Releases the resident pages of Node's own program and libraries. Most of them were only needed at startup: module
 * loading, compilation. Pages needed again are reloaded from the page cache automatically, so this only reduces the
 * memory charged to this process. The kernel produces the list of pages in another thread, which takes 16 ms; the
 * release takes 4 ms, in steps between which the event loop turns. A mapping that has changed in the meantime is
 * skipped. Rejects with Unsupported without node:ffi.
 */
export async function releaseProgramPages(): Promise<void> {
  const unchanged = unchangedFileMappings(await readFile('/proc/self/smaps', 'latin1'));
  for (const mapping of unchanged) {
    for (const step of stepsOf(mapping)) {
      await turn();
      if (!readFileSync('/proc/self/maps', 'latin1').includes(`${mapping.line}\n`)) break;
      discardPages(step);
    }
  }
}

/** Splits a mapping into pieces of {@link STEP_BYTES}. */
export function* stepsOf({ start, length }: Pick<Mapping, 'start' | 'length'>): Generator<Omit<Mapping, 'line'>> {
  for (let done = 0n; done < length; done += STEP_BYTES) {
    yield { start: start + done, length: length - done < STEP_BYTES ? length - done : STEP_BYTES };
  }
}
