// Keeps the memory of this process small, besides the settings of V8 in v8-settings.ts.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Log } from '../base/log.ts';
import { shareOneArena, trimMalloc } from '../host/malloc.ts';
import { ProgramPages } from '../host/program-pages.ts';

/**
 * When pages of the program are released, in addition to once while the configuration is read, at the peak: after the
 * first cycle; after the next ones; and after the slow reads and the checks of each minute have also run.
 */
const RELEASES_MS = [1000, 20_000, 90_000];

/**
 * When the heap is collected and compacted. Garbage of the startup would otherwise let it grow by 50 % before V8 does
 * this.
 */
const COLLECTIONS_MS = [20_000, 90_000];

/** How often malloc returns freed memory; a trim takes 1 ms and finds 2 to 4 MiB, used by zlib and parsers. */
const TRIM_MS = 60_000;

type UsedPages = Pick<ProgramPages, 'releaseUnused' | 'areKnown'>;

/** Shortest pause between releases of unused pages of the program, and the shortest once all pages have been tested. */
const UNUSED_PAGES_MS = 15_000;
const ALL_TESTED_MS = 150_000;

/**
 * Releases memory used only during startup, at {@link RELEASES_MS}, and later unused pages of the program.
 * `intervalMs` is that of the cycles.
 */
export function releaseProgram(log: Log, intervalMs: number, pages: UsedPages = program): void {
  for (const delayMs of RELEASES_MS) setTimeout(releaseProgramNow, delayMs, log).unref();
  const pauseMs = Math.max(UNUSED_PAGES_MS, intervalMs);
  const release = async () => {
    try {
      await pages.releaseUnused();
    } catch (cause) {
      return log.debug({ err: cause }, 'failed to release unused pages of the program');
    }
    setTimeout(release, pages.areKnown ? Math.max(ALL_TESTED_MS, pauseMs) : pauseMs).unref();
  };
  setTimeout(release, Math.max(...RELEASES_MS) + pauseMs).unref();
}

/**
 * Collects garbage at {@link COLLECTIONS_MS}, each time returns the freed memory, and does so again each minute. For
 * agents that only observe a node.
 */
export function keepHeapSmall(log: Log): void {
  for (const delayMs of COLLECTIONS_MS) setTimeout(collectGarbage, delayMs).unref();
  const trim = () => {
    try {
      trimMalloc();
    } catch (cause) {
      clearInterval(trimming);
      log.debug({ err: cause }, 'failed to return freed memory');
    }
  };
  const trimming = setInterval(trim, TRIM_MS).unref();
  for (const delayMs of COLLECTIONS_MS) setTimeout(trim, delayMs + AFTER_COLLECTION_MS).unref();
}

const program = new ProgramPages();

/** V8 frees external memory in another thread. */
const AFTER_COLLECTION_MS = 500;

/**
 * A full collection; 60 ms of CPU, in part in other threads. Node has no function for it unless started with a flag.
 */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  collect();
}

/** Makes libuv's threads, which start later, share one malloc arena. */
export function shareMalloc(): void {
  try {
    shareOneArena();
  } catch {
    // Another C library: it has no such arenas.
  }
}

/**
 * Releases memory used only during startup, when memory is at its peak: while another process reads the configuration, and
 * before the first lists. Without `log`, a failure is logged by a later release.
 */
export async function releaseProgramNow(log?: Log): Promise<void> {
  try {
    await program.releaseAll();
  } catch (cause) {
    log?.debug({ err: cause }, 'failed to release memory used only during startup');
  }
}
