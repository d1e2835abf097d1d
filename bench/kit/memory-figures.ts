import { readFileSync } from 'node:fs';
import { memoryMib, sleep } from './processes.ts';

/** What one program used in one run. */
export interface Figures {
  /** MiB at the end. */
  readonly rss: number;
  readonly anon: number;
  /** Highest RSS in the first two minutes, in MiB, and the same with the children that the program had at its start. */
  readonly peak: number;
  readonly peakWithChildren: number;
  /** Milliseconds of CPU time per cycle. */
  readonly cpu: number;
}

/** The median of each figure; of two the higher one. */
export function medians(runs: readonly Figures[]): Figures {
  const of = (key: keyof Figures) =>
    runs.map((run) => run[key]).sort((one, other) => one - other)[runs.length >> 1] ?? Number.NaN;
  return {
    rss: of('rss'),
    anon: of('anon'),
    peak: of('peak'),
    peakWithChildren: of('peakWithChildren'),
    cpu: of('cpu'),
  };
}

/** The process that checks the configuration lives for less than a second, several on a busy machine. */
const WATCHED_MS = 10_000;
const EVERY_MS = 10;

/**
 * The highest sum in MiB of the RSS of a process and the anonymous memory of its children in its first ten seconds, by
 * looking every 10 ms. The rest of theirs is the program's file, which they share with it.
 */
export async function peakWithChildren(pid: number, milliseconds = WATCHED_MS): Promise<number> {
  const end = performance.now() + milliseconds;
  let most = 0;
  while (performance.now() < end) {
    const children = childrenOf(pid).map((child) => memoryOf(child).anon);
    most = Math.max(
      most,
      children.reduce((sum, anon) => sum + anon, memoryOf(pid).rss),
    );
    await sleep(EVERY_MS);
  }
  return most;
}

/** Those started by its main thread, as Node starts them all. */
function childrenOf(pid: number): number[] {
  const text = unlessGone(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')) ?? '';
  return text.split(' ').flatMap((child) => (child === '' ? [] : Number(child)));
}

/** 0 for a process that has ended, also one that its parent has not waited for. */
function memoryOf(pid: number): { readonly rss: number; readonly anon: number } {
  const { rss, anon } = unlessGone(() => memoryMib(pid)) ?? { rss: 0, anon: 0 };
  return { rss: rss || 0, anon: anon || 0 };
}

function unlessGone<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
