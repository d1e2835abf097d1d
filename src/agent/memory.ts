// What this process does to stay small. All settings of V8 that are made while it runs are here. The image has one more
// (`--max-semi-space-size=1` in the Dockerfile), which V8 reads before any of our code; without it boundYoungSpace stands in.
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Log } from '../base/log.ts';
import { shareOneArena, trimMalloc } from '../host/malloc.ts';
import { releaseProgramPages } from '../host/program-pages.ts';

/**
 * When pages of the program are given back, beside once before the first cycle, at the peak: after that cycle; when the next
 * ones have run; and once the slow reads and the checks of each minute have run, too.
 */
const RELEASES_MS = [1000, 20_000, 90_000];

/** When the heap is collected and packed. What the start left in it would otherwise let it grow by half before V8 does so. */
const COLLECTIONS_MS = [20_000, 90_000];

/** How often malloc gives back what was freed; a trim takes 1 ms and finds 2 to 4 MiB, which zlib and parsers have used. */
const TRIM_MS = 60_000;

/** Gives back, at these times, what only the start needed. */
export function releaseProgram(log: Log): void {
  for (const delayMs of RELEASES_MS) setTimeout(releaseProgramNow, delayMs, log).unref();
}

/** Collects garbage at these times, then gives back what was freed, and that again each minute. For agents that only look at a node. */
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

/** V8 frees what was outside of its heap in another thread. */
const AFTER_COLLECTION_MS = 500;

/** A full collection; 60 ms of CPU, in part in other threads. Node has no function for it unless it was started so. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
}

/** Has libuv's threads, which start later, share one heap of malloc. */
export function shareMalloc(): void {
  try {
    shareOneArena();
  } catch {
    // Another C library: it has none of these heaps.
  }
}

/** Gives back what only the start needed: before the first cycle or the first lists, when memory is at its peak. */
export async function releaseProgramNow(log: Log): Promise<void> {
  try {
    await releaseProgramPages();
  } catch (cause) {
    log.debug({ err: cause }, 'could not release the memory used only during startup');
  }
}

/**
 * Keeps the space for young objects at the megabyte that it begins with, unless the command line or NODE_OPTIONS says how large
 * it may become. V8 would let it grow to 16, which is three times as much memory, under the garbage of a cycle each second.
 */
export function boundYoungSpace(execArgv: readonly string[], nodeOptions = ''): void {
  const isSet = [...execArgv, ...nodeOptions.split(' ')].some((option) =>
    /^--max[-_]semi[-_]space[-_]size/.test(option),
  );
  if (!isSet) setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * For agents that only look at a node, and scrape nothing: they work for a tenth of a second every 15 s. What V8's last compiler makes faster
 * there does not make up for what it takes, 7 MB of code and of pages of the compiler itself. The compilers before it
 * stay.
 */
export function preferMemoryToCode(): void {
  setFlagsFromString('--no-opt');
}

/** For agents that scrape: each line of a page passes a few loops, which the last compiler makes 1.6 times as fast. */
export function preferCodeToMemory(): void {
  setFlagsFromString('--opt');
}

/**
 * For agents that follow a cluster, until all is listed: the heap may grow by a fifth between two full collections, and
 * the space for young objects not at all, which is 40 MB less. With --optimize-for-size it would be another 17, but each
 * of its collections moves what it finds and blocks the event loop for 8 to 38 ms, not 3 to 9. V8 reads these settings
 * at each collection, so that it is early enough to make them when the role begins, also by a reload.
 */
export function preferMemoryToSpeed(): void {
  setFlagsFromString('--opt');
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Once everything is listed there is little garbage, and V8 would still look for it after every other push. */
export function preferSpeedToMemory(): void {
  setFlagsFromString('--heap-growing-percent=0');
  setTimeout(settleSmallHeap, SETTLED_MS).unref();
}

/** By then the first pushes have run. */
const SETTLED_MS = 60_000;

/** A heap of this size is collected in 20 to 50 ms. */
const SMALL_HEAP_BYTES = 40 * 1024 * 1024;

/**
 * Collects what the start and the lists left in a small heap. V8's memory reducer, which would do so a minute or two later,
 * then rests: in an idle agent its collections are a third of the CPU, most of it in other threads. A large heap is left to
 * it, as it marks in small steps.
 */
function settleSmallHeap(): void {
  if (getHeapStatistics().used_heap_size > SMALL_HEAP_BYTES) return;
  setFlagsFromString('--memory-reducer-gc-count=0');
  collectGarbage();
}
