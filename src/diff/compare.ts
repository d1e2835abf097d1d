import { nameOf, type Reading } from './reading.ts';

/** Two rounds, some seconds apart; in each, our side is read between two readings of theirs. */
export interface Round {
  readonly before: Reading;
  readonly ours: Reading;
  readonly after: Reading;
}

/** A metric name that only one side has. */
interface NameGap {
  readonly name: string;
  readonly series: number;
}

/** A series whose values differ. */
export interface ValueGap {
  readonly series: string;
  /** In both rounds; before and after theirs, if theirs has a timestamp. */
  readonly ours: readonly number[];
  /** Before and after ours in both rounds; one value, if it has a timestamp. */
  readonly theirs: readonly number[];
}

/** All differences between the two sides. */
export interface Differences {
  /** Number of series that both have. */
  readonly compared: number;
  readonly namesOnlyTheirs: readonly NameGap[];
  readonly namesOnlyOurs: readonly NameGap[];
  /** Series of names that both have. */
  readonly seriesOnlyTheirs: readonly string[];
  readonly seriesOnlyOurs: readonly string[];
  readonly values: readonly ValueGap[];
}

/** Rules for comparing values. */
export interface Rules {
  /** Gauges with momentary values, by series. */
  readonly restless: RegExp;
  /** Counters that start with the exposing program: only their growth can be compared. */
  readonly fromStart: RegExp;
}

/**
 * Compares the sides. A series counts for a side only if it is present in all of its readings, and as missing only if
 * it is in none, so that short-lived series are not differences. A value differs if it is outside of the range in which
 * theirs changed in the meantime.
 */
export function compare(rounds: readonly Round[], rules: Rules): Differences {
  const theirs = rounds.flatMap(({ before, after }) => [before, after]);
  const ours = rounds.map((round) => round.ours);
  const [steadyTheirs, steadyOurs] = [inAll(theirs), inAll(ours)];
  const onlyTheirs = steadyTheirs.filter((series) => !ours.some(({ samples }) => samples.has(series)));
  const onlyOurs = steadyOurs.filter((series) => !theirs.some(({ samples }) => samples.has(series)));
  const ourNames = namesOf(ours);
  const theirNames = namesOf(theirs);
  const both = steadyOurs.filter((series) => theirs.every(({ samples }) => samples.has(series)));
  const types = new Map(theirs.flatMap((reading) => [...reading.types]));
  return {
    compared: both.length,
    namesOnlyTheirs: gapsOf(onlyTheirs.filter((series) => !ourNames.has(nameOf(series)))),
    namesOnlyOurs: gapsOf(onlyOurs.filter((series) => !theirNames.has(nameOf(series)))),
    seriesOnlyTheirs: onlyTheirs.filter((series) => ourNames.has(nameOf(series))),
    seriesOnlyOurs: onlyOurs.filter((series) => theirNames.has(nameOf(series))),
    values: both
      .map((series) => ({
        series,
        ours: ours.map(({ samples }) => samples.get(series) ?? Number.NaN),
        theirs: theirs.map(({ samples }) => samples.get(series) ?? Number.NaN),
      }))
      .filter((gap) => !agree(gap, rules, types.get(nameOf(gap.series)) === 'counter')),
  };
}

/** The series present in all readings. */
const inAll = (readings: readonly Reading[]): string[] =>
  [...(readings[0]?.samples.keys() ?? [])].filter((series) => readings.every(({ samples }) => samples.has(series)));

const namesOf = (readings: readonly Reading[]): Set<string> =>
  new Set(readings.flatMap(({ samples }) => [...samples.keys()].map(nameOf)));

/** The names of `series`, with their numbers. */
export const gapsOf = (series: readonly string[]): NameGap[] =>
  [...Map.groupBy(series, nameOf)].map(([name, { length }]) => ({ name, series: length }));

/** Clock resolutions of kernel counters, seconds. */
export const TICK = 0.02;

function agree({ series, ours, theirs }: ValueGap, rules: Rules, isCounter: boolean): boolean {
  if (isCounter && rules.fromStart.test(series)) return growthAgrees(ours, theirs);
  const slack = rules.restless.test(series) ? 0.1 * Math.max(...theirs.map(Math.abs)) + 3 : 0;
  return ours.every((value, round) => {
    const bounds = theirs.slice(2 * round, 2 * round + 2);
    if (bounds.some((bound) => Object.is(bound, value))) return true;
    const [low, high] = [Math.min(...bounds), Math.max(...bounds)];
    const margin = Math.max(2 * (high - low), spread(theirs), slack, Math.abs(high) * 1e-9);
    return value >= low - margin && value <= high + margin;
  });
}

/** Between the rounds ours must have grown by no less than theirs at least did, and no more than it did at most. */
function growthAgrees(ours: readonly number[], theirs: readonly number[]): boolean {
  const [firstBefore = 0, firstAfter = 0, lastBefore = 0, lastAfter = 0] = theirs;
  const growth = (ours.at(-1) ?? 0) - (ours[0] ?? 0);
  const [least, most] = [lastBefore - firstAfter, lastAfter - firstBefore];
  const margin = Math.max(0.1 * Math.abs(most), TICK);
  return growth >= least - margin && growth <= most + margin;
}

/** How far a gauge moved during the readings; a steadily growing counter moved less than that in one round. */
const spread = (values: readonly number[]): number => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return Number.isFinite(high - low) ? (high - low) / 2 : 0;
};
