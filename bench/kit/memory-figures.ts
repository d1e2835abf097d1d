import { readFileSync } from 'node:fs';
import { memoryMib, sleep } from './processes.ts';

/** What one program used in one run. */
export interface Figures {
  /** MiB at the end. */
  readonly rss: number;
  readonly anon: number;
  /** Highest RSS in the first two minutes, in MiB. */
  readonly peak: number;
  /** Milliseconds of CPU time per cycle. */
  readonly cpu: number;
}

/** The median of each figure; of two the higher one. */
export function medians(runs: readonly Figures[]): Figures {
  const median = (key: keyof Figures) =>
    runs.map((run) => run[key]).sort((one, other) => one - other)[runs.length >> 1];
  const of = (key: keyof Figures) => median(key) ?? Number.NaN;
  return { rss: of('rss'), anon: of('anon'), peak: of('peak'), cpu: of('cpu') };
}

/** The process that checks the configuration lives for less than a second, several on a busy machine. */
const WATCHED_MS = 10_000;
const EVERY_MS = 10;

/**
 * The highest RSS in MiB of a process and its children at one time, in its first ten seconds, by looking every 10 ms. Pages
 * that they share, such as those of Node's program, count for each.
 */
export async function peakWithChildren(pid: number, milliseconds = WATCHED_MS): Promise<number> {
  const end = performance.now() + milliseconds;
  let most = 0;
  while (performance.now() < end) {
    most = Math.max(
      most,
      [String(pid), ...childrenOf(pid)].reduce((sum, one) => sum + rssOf(one), 0),
    );
    await sleep(EVERY_MS);
  }
  return most;
}

/** Those started by its main thread, as Node starts them all. */
function childrenOf(pid: number): string[] {
  const text = unlessGone(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')) ?? '';
  return text.split(' ').filter((child) => child !== '');
}

/** 0 for a process that has ended, also one whose parent has not noticed, which has no memory. */
const rssOf = (pid: string): number => unlessGone(() => memoryMib(Number(pid)).rss) || 0;

function unlessGone<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
