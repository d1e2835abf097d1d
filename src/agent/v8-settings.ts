// The V8 settings that are made at run time; they follow the configuration, also after a reload. The image has one more
// (`--max-semi-space-size=1` in the Dockerfile), which V8 reads before any of our code runs; the launcher adds it, and
// boundYoungSpace is its substitute where it can't.
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { isScraping } from '../config/scrape-schema.ts';
import type { Config } from './config.ts';

/** What the settings depend on: `node` only observes a node. */
type AgentWorkload = 'node' | 'scraping' | 'cluster';

/** The workload of an agent with this configuration. */
export function workloadOf({ collectors, scrape }: Config): AgentWorkload {
  if (collectors.ksm.enabled) return 'cluster';
  return isScraping(scrape) ? 'scraping' : 'node';
}

/** What V8 does while there is work: its defaults. */
const BUSY = ['--opt', '--maglev', '--parallel-scavenge', '--memory-reducer-gc-count=2'];

/**
 * What V8 does in the agent of a small cluster, which runs for some milliseconds every second or so. Its memory reducer
 * would collect the whole heap once more a minute or two after the last collection because the process does little: a
 * third of the agent's CPU then, for a megabyte. Its compilers take a sixth, for functions that never save as much. And
 * each collection of the megabyte of young objects would wake four idle threads.
 */
const IDLE = ['--no-opt', '--no-maglev', '--no-parallel-scavenge', '--memory-reducer-gc-count=0'];

/**
 * For agents that only observe a node, and scrape nothing: they work for a tenth of a second every 15 s. There the
 * speedup of V8's top-tier compiler does not justify its cost of 7 MB, for code and the pages of the compiler itself.
 * The lower tiers remain enabled. V8's memory reducer, which takes the pauses for the end of the work, would collect the
 * whole heap twice more after a full collection: 5 to 10 % of the CPU of the first minutes, for up to 2 MiB.
 */
const NODE = ['--no-opt', '--memory-reducer-gc-count=0'];

/** V8's defaults where only agents of a cluster have others. */
const GROWTH = '--heap-growing-percent=0';
const YOUNG_GROWTH = '--semi-space-growth-factor=2';

/** Keeps the space for young objects at its initial size. */
const NO_YOUNG_GROWTH = '--semi-space-growth-factor=1';

/** When everything is listed, the first pushes have run after this time, and V8 has collected what the lists left. */
const SETTLED_MS = 60_000;

/** A cluster may grow. */
const AGAIN_MS = 600_000;

/** Heaps of clusters with up to some thousand pods. In larger ones the lists leave more than this saves. */
const SMALL_HEAP_BYTES = 28 * 1024 * 1024;

/** The settings of one process; those that the command line gave stay until the workload changes. */
export class V8Settings {
  readonly #set: (flag: string) => void;
  readonly #heapBytes: () => number;
  /**
   * V8 starts with what an agent that scrapes needs: each line of a page passes through a few loops, which the top-tier
   * compiler makes 1.6 times as fast.
   */
  #workload: AgentWorkload = 'scraping';
  #youngGrowth = YOUNG_GROWTH;
  #settling: NodeJS.Timeout | undefined;

  /** `set` sets a flag, `heapBytes` returns the size of the used heap. */
  constructor(set: (flag: string) => void, heapBytes: () => number) {
    this.#set = set;
    this.#heapBytes = heapBytes;
  }

  /**
   * Keeps the space for young objects at its initial megabyte, unless the command line or NODE_OPTIONS sets a maximum. V8
   * would let it grow to 16, which is three times as much memory, with the garbage of one cycle per second.
   */
  boundYoungSpace(execArgv: readonly string[], nodeOptions = ''): void {
    const isSet = [...execArgv, ...nodeOptions.split(' ')].some((option) =>
      /^--max[-_]semi[-_]space[-_]size/.test(option),
    );
    if (isSet) return;
    this.#youngGrowth = NO_YOUNG_GROWTH;
    this.#set(NO_YOUNG_GROWTH);
  }

  /** The process does this from now on. A cluster is listed first: {@link listing} and {@link listed} say when. */
  suit(workload: AgentWorkload): void {
    const before = this.#workload;
    if (workload === before) return;
    this.#workload = workload;
    if (workload === 'cluster') return;
    clearTimeout(this.#settling);
    const flags = [
      ...(before === 'scraping' ? [] : BUSY),
      ...(before === 'cluster' ? [GROWTH, this.#youngGrowth] : []),
      ...(workload === 'node' ? NODE : []),
    ];
    for (const flag of flags) this.#set(flag);
  }

  /**
   * For agents that follow a cluster, until all is listed: the heap may grow by two fifths between two full collections, and
   * the space for young objects not at all, which is 40 MB less. With --optimize-for-size it would be another 17, but
   * each of its collections moves objects and blocks the event loop for 8 to 38 ms, instead of 3 to 9. V8 reads these
   * settings at each collection, so it is early enough to make them when the role begins, also on a reload.
   */
  listing(): void {
    this.suit('cluster');
    clearTimeout(this.#settling);
    for (const flag of [...BUSY, '--heap-growing-percent=40', NO_YOUNG_GROWTH]) this.#set(flag);
  }

  /** Once everything is listed there is little garbage, and V8 would still collect it after every other push. */
  listed(): void {
    this.#set(GROWTH);
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#settle(), SETTLED_MS).unref();
  }

  #settle(): void {
    for (const flag of this.#heapBytes() < SMALL_HEAP_BYTES ? IDLE : BUSY) this.#set(flag);
    this.#settling = setTimeout(() => this.#settle(), AGAIN_MS).unref();
  }
}

/** Those of this process. */
export const v8Settings = new V8Settings(setFlagsFromString, () => getHeapStatistics().used_heap_size);
