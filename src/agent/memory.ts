// Keeps the memory of this process small, besides the settings of V8 in v8-settings.ts.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Log } from '../base/log.ts';
import { shareOneArena, trimMalloc } from '../host/malloc.ts';
import { ProgramPages } from '../host/program-pages.ts';

/**
 * When pages of the program are released, in addition to once before the first cycle, at the peak: after that cycle;
 * after the next ones; and after the slow reads and the checks of each minute have also run.
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

/** How often, at most, pages of the program that are not used are looked for; and how often once all have been tested. */
const LOOK_MS = 15_000;
const LATER_LOOK_MS = 150_000;

/**
 * Releases memory used only during startup, at these times, and later the pages of the program that are not used.
 * `intervalMs` is that of the cycles.
 */
export function releaseProgram(log: Log, intervalMs: number, pages: UsedPages = program): void {
  for (const delayMs of RELEASES_MS) setTimeout(releaseProgramNow, delayMs, log).unref();
  const lookMs = Math.max(LOOK_MS, intervalMs);
  const look = async () => {
    try {
      await pages.releaseUnused();
    } catch (cause) {
      return log.debug({ err: cause }, 'pages of the program that are not used stay with this process');
    }
    setTimeout(look, pages.areKnown ? Math.max(LATER_LOOK_MS, lookMs) : lookMs).unref();
  };
  setTimeout(look, Math.max(...RELEASES_MS) + lookMs).unref();
}

/**
 * Collects garbage at these times, then returns the freed memory, and returns freed memory again each minute. For
 * agents that only observe a node.
 */
export function keepHeapSmall(log: Log): void {
  for (const delayMs of COLLECTIONS_MS) setTimeout(collectGarbage, delayMs).unref();
  const trim = () => {
    try {
      trimMalloc();
    } catch (cause) {
      clearInterval(trimming);
      log.debug({ err: cause }, 'freed memory stays with this process');
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
  const collect = runInNewContext('gc') as () => void;
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

/** Releases memory used only during startup: before the first cycle or the first lists, when memory is at its peak. */
export async function releaseProgramNow(log: Log): Promise<void> {
  try {
    await program.releaseAll();
  } catch (cause) {
    log.debug({ err: cause }, 'could not release the memory used only during startup');
  }
}
