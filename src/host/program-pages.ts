import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { discardPages } from './syscalls.ts';

/** A part of this process's address space: start and length in bytes. */
export interface Mapping {
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

/** What is given back at once: some milliseconds each, for the kernel and for what needs its pages again. */
const PIECE_BYTES = 8n * 1024n * 1024n;

/**
 * Gives back the resident pages of Node's own program and libraries. Most of them only the start needed: module loading,
 * compilation, checking of the configuration. What is needed again comes back from the page cache by itself, so this
 * changes nothing but the memory that counts as this process's. Rejects with Unsupported without node:ffi, and with the
 * signal's reason.
 */
export async function releaseProgramPages(signal: AbortSignal): Promise<void> {
  // To walk through all pages takes the kernel longer than the event loop may be blocked.
  const smaps = await readFile('/proc/self/smaps', { encoding: 'latin1', signal });
  for (const mapping of unchangedFileMappings(smaps)) {
    for (const piece of piecesOf(mapping)) {
      await setImmediate(undefined, { signal });
      discardPages(piece);
    }
  }
}

function* piecesOf({ start, length }: Mapping): Generator<Mapping> {
  for (let at = 0n; at < length; at += PIECE_BYTES) {
    const rest = length - at;
    yield { start: start + at, length: rest < PIECE_BYTES ? rest : PIECE_BYTES };
  }
}
