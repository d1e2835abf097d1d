import { compare, type Differences, type Round } from './compare.ts';
import { type KnownDifference, type Replaced, RULES } from './known.ts';
import { persistent } from './persistent.ts';
import { part, type Reading } from './reading.ts';
import { type OffByDefault, reasonsFor } from './reasons.ts';
import { isSame, type Judged, judge } from './report.ts';
import { byPath, isOfKubelet, StampedComparison, type TimedReading } from './stamped.ts';

/** The source of one side's metrics. */
export interface MetricsSource {
  read(): Promise<Reading>;
  close(): void | Promise<void>;
}

/** How often the two sides are compared before a difference counts. */
export const MAX_COMPARISONS = 3;

/**
 * A kubelet refreshes each cgroup every 10 to 20 s, a standalone cAdvisor up to once a minute if there is little
 * activity.
 */
const LONGEST_WAIT_MS = 150_000;

/** The collector reads the cgroups created by a kubelet, and /. */
const NO_PODS: KnownDifference = { series: /^container_/, reason: 'there are no pods on this host' };

/** The sources to compare, and the pause between two readings. */
interface Comparison {
  readonly replaced: Replaced;
  readonly theirs: MetricsSource;
  readonly ours: MetricsSource;
  readonly off: OffByDefault;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** The pause between two readings; rejects when the command is stopped. */
  readonly pause: () => Promise<void>;
  /** Shows the progress on a terminal. */
  readonly progress: (line: string) => void;
}

/** The differences that occur each time. */
export function differencesOf(comparison: Comparison): Promise<Judged> {
  return comparison.replaced.alone === undefined
    ? ofRounds(comparison)
    : ofStamps(comparison, comparison.replaced.alone);
}

/** Two rounds, and two more while there are unexplained differences. */
async function ofRounds({ replaced, theirs, ours, off, pause }: Comparison): Promise<Judged> {
  const rounds: Round[] = [];
  let found: Differences | undefined;
  for (let count = 1; ; count++) {
    if (count > 1) await pause();
    const first = await round(theirs, ours, replaced);
    await pause();
    const pair = [first, await round(theirs, ours, replaced)];
    rounds.push(...pair);
    const now = compare(pair, RULES);
    found = found === undefined ? now : persistent(found, now);
    const judged = judge(found, reasonsFor(replaced, off, rounds));
    if (isSame(judged) || count === MAX_COMPARISONS) return judged;
  }
}

async function round(theirs: MetricsSource, ours: MetricsSource, { names }: Replaced): Promise<Round> {
  const only = async (source: MetricsSource) => part(await source.read(), (name) => names.test(name));
  return { before: await only(theirs), ours: await only(ours), after: await only(theirs) };
}

/** Repeats until each of their values has a time between two readings of ours. */
async function ofStamps(
  { replaced, theirs, ours, off, now, pause, progress }: Comparison,
  alone: readonly KnownDifference[],
): Promise<Judged> {
  const read = async (source: MetricsSource) => part(await source.read(), (name) => replaced.names.test(name));
  const isAlone = !isOfKubelet(await read(theirs));
  const view = isAlone ? byPath : (reading: Reading) => reading;
  const seen = async (): Promise<TimedReading> => {
    const from = now();
    const reading = view(await read(ours));
    return { from, to: now(), reading };
  };
  const compared = new StampedComparison(RULES);
  const end = now() + LONGEST_WAIT_MS;
  let waiting = 0;
  let hasPods = false;
  let before = await seen();
  for (;;) {
    await pause();
    const there = view(await read(theirs));
    const after = await seen();
    compared.add(before, there, after);
    hasPods ||= [...there.samples.keys()].some((series) => series.includes('kubepods'));
    before = after;
    const pending = compared.pending.length;
    if (pending === 0 || now() >= end) break;
    if (pending !== waiting) progress(`waiting for newer values of ${replaced.program}: ${pending} series`);
    waiting = pending;
  }
  const known = [...replaced.known, ...(isAlone ? alone : []), ...(hasPods ? [] : [NO_PODS])];
  const reasonOf = reasonsFor({ ...replaced, known }, off, []);
  const { differences, explained } = judge(
    compared.differences((series) => reasonOf(series, 'theirs') !== undefined),
    reasonOf,
  );
  const unseen = compared.unseen.map((what) => ({
    what,
    reason: `no newer value of ${replaced.program} within ${LONGEST_WAIT_MS / 1000} s`,
  }));
  return { differences, explained: [...explained, ...unseen] };
}
