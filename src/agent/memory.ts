// Keeps the memory of this process small. All V8 settings that are made at run time are here. The image has one more
// (`--max-semi-space-size=1` in the Dockerfile), which V8 reads before any of our code runs; the launcher adds it, and
// boundYoungSpace is its substitute where it can't.
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
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
const LATER_LOOK_MS = 120_000;

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

/**
 * Keeps the space for young objects at its initial megabyte, unless the command line or NODE_OPTIONS sets a maximum. V8
 * would let it grow to 16, which is three times as much memory, with the garbage of one cycle per second.
 */
export function boundYoungSpace(execArgv: readonly string[], nodeOptions = ''): void {
  const isSet = [...execArgv, ...nodeOptions.split(' ')].some((option) =>
    /^--max[-_]semi[-_]space[-_]size/.test(option),
  );
  if (!isSet) setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * For agents that only observe a node, and scrape nothing: they work for a tenth of a second every 15 s. There the
 * speedup of V8's top-tier compiler does not justify its cost of 7 MB, for code and the pages of the compiler itself.
 * The lower tiers remain enabled. V8's memory reducer, which takes the pauses for the end of the work, would collect the
 * whole heap twice more after a full collection: 5 to 10 % of the CPU of the first minutes, for up to 2 MiB.
 */
export function preferMemoryToCode(): void {
  setFlagsFromString('--no-opt');
  setFlagsFromString('--memory-reducer-gc-count=0');
}

/**
 * For agents that scrape: each line of a page passes through a few loops, which the top-tier compiler makes 1.6 times
 * as fast.
 */
export function preferCodeToMemory(): void {
  setFlagsFromString('--opt');
}

/**
 * For agents that follow a cluster, until all is listed: the heap may grow by two fifths between two full collections, and
 * the space for young objects not at all, which is 40 MB less. With --optimize-for-size it would be another 17, but
 * each of its collections moves objects and blocks the event loop for 8 to 38 ms, instead of 3 to 9. V8 reads these
 * settings at each collection, so it is early enough to make them when the role begins, also on a reload.
 */
export function preferMemoryToSpeed(): void {
  for (const flag of BUSY) setFlagsFromString(flag);
  setFlagsFromString('--heap-growing-percent=40');
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** What V8 does while there is work. */
const BUSY = ['--opt', '--maglev', '--parallel-scavenge', '--memory-reducer-gc-count=2'];

/**
 * What V8 does in the agent of a small cluster, which runs for some milliseconds every second or so. Its memory reducer
 * would collect the whole heap once more a minute or two after the last collection because the process does little: a
 * third of the agent's CPU then, for a megabyte. Its compilers take a sixth, for functions that never save as much. And
 * each collection of the megabyte of young objects would wake four idle threads.
 */
const IDLE = ['--no-opt', '--no-maglev', '--no-parallel-scavenge', '--memory-reducer-gc-count=0'];

let settling: NodeJS.Timeout | undefined;

/** Once everything is listed there is little garbage, and V8 would still collect it after every other push. */
export function preferSpeedToMemory(): void {
  setFlagsFromString('--heap-growing-percent=0');
  clearTimeout(settling);
  settling = setTimeout(settle, SETTLED_MS).unref();
}

/** By then the first pushes have run, and V8 has collected what the lists left. */
const SETTLED_MS = 60_000;

/** A cluster may grow. */
const AGAIN_MS = 600_000;

/** Heaps of clusters with up to some thousand pods. In larger ones the lists leave more than this saves. */
const SMALL_HEAP_BYTES = 28 * 1024 * 1024;

function settle(): void {
  const isSmall = getHeapStatistics().used_heap_size < SMALL_HEAP_BYTES;
  for (const flag of isSmall ? IDLE : BUSY) setFlagsFromString(flag);
  settling = setTimeout(settle, AGAIN_MS).unref();
}
