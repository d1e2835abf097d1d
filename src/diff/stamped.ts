// The comparison with a program that refreshes its cgroups periodically and exposes values with timestamps: cAdvisor.
import { type Differences, gapsOf, type Rules, TICK, type ValueGap } from './compare.ts';
import { nameOf, type Reading } from './reading.ts';

/** Our reading at one time. */
export interface TimedReading {
  /** Start and end of the reading, ms since 1970. */
  readonly from: number;
  readonly to: number;
  readonly reading: Reading;
}

/** How often a value may differ before that counts: fast-moving values may differ once. */
const MAX_DEVIATIONS = 3;

/** The series in all readings of one side, and those in any of them. */
class Present {
  inAll: ReadonlySet<string> = new Set();
  readonly inAny = new Set<string>();

  add({ samples }: Reading): void {
    const all = this.inAny.size === 0 ? samples.keys() : this.inAll;
    this.inAll = new Set([...all].filter((series) => samples.has(series)));
    for (const series of samples.keys()) this.inAny.add(series);
  }
}

/**
 * Compares step by step: a value of theirs with ours just before and just after its timestamp. A value that agrees once
 * is correct; one that differs each time is not. Values without a timestamp have the time of the reading.
 */
export class StampedComparison {
  readonly #rules: Rules;
  readonly #agreed = new Set<string>();
  readonly #gaps = new Map<string, { readonly gap: ValueGap; readonly count: number; readonly stamp: number }>();
  readonly #theirs = new Present();
  readonly #ours = new Present();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** Adds readings in this order: `before` and `after` are ours. */
  add(before: TimedReading, theirs: Reading, after: TimedReading): void {
    this.#theirs.add(theirs);
    for (const { reading } of [before, after]) this.#ours.add(reading);
    for (const [one, value] of theirs.samples) this.#judge(one, value, theirs.stamps.get(one), before, after);
  }

  #judge(series: string, value: number, stamp: number | undefined, before: TimedReading, after: TimedReading): void {
    const ours = [before, after].map(({ reading }) => reading.samples.get(series)).filter((one) => one !== undefined);
    if (ours.length < 2 || this.#agreed.has(series)) return;
    if (stamp !== undefined && (stamp < before.to || stamp > after.from)) return;
    const known = this.#gaps.get(series);
    if (known !== undefined && known.stamp === stamp) return;
    if (this.#agrees(series, ours, value)) {
      this.#agreed.add(series);
      this.#gaps.delete(series);
    } else {
      this.#gaps.set(series, {
        gap: { series, ours, theirs: [value] },
        count: (known?.count ?? 0) + 1,
        stamp: stamp ?? before.from,
      });
    }
  }

  #agrees(series: string, ours: readonly number[], value: number): boolean {
    if (ours.some((one) => Object.is(one, value))) return true;
    const [low, high] = [Math.min(...ours), Math.max(...ours)];
    const slack = this.#rules.restless.test(series) ? 0.1 * Math.max(Math.abs(low), Math.abs(high)) + 3 : 0;
    const ticks = series.includes('_seconds_total') ? TICK : 0;
    const margin = Math.max(slack, ticks, Math.abs(high) * 1e-9);
    return value >= low - margin && value <= high + margin;
  }

  /** Common series without a value of a time that we read, or that differed less than three times so far. */
  get pending(): readonly string[] {
    const both = [...this.#theirs.inAll].filter((series) => this.#ours.inAll.has(series));
    return both.filter((series) => !this.#agreed.has(series) && (this.#gaps.get(series)?.count ?? 0) < MAX_DEVIATIONS);
  }

  /** Common series without a value of a time that we read. */
  get unseen(): readonly string[] {
    return this.pending.filter((series) => !this.#gaps.has(series));
  }

  /**
   * The differences in everything that was added. If `isExplained` holds for each series of a name that only they have,
   * the name is listed by its series.
   */
  differences(isExplained: (series: string) => boolean): Differences {
    const onlyTheirs = [...this.#theirs.inAll].filter((series) => !this.#ours.inAny.has(series));
    const onlyOurs = [...this.#ours.inAll].filter((series) => !this.#theirs.inAny.has(series));
    const ourNames = new Set([...this.#ours.inAny].map(nameOf));
    const theirNames = new Set([...this.#theirs.inAny].map(nameOf));
    const unexplained = new Set(onlyTheirs.filter((series) => !isExplained(series)).map(nameOf));
    const isGap = (series: string) => !ourNames.has(nameOf(series)) && unexplained.has(nameOf(series));
    return {
      compared: this.#agreed.size + this.#gaps.size,
      namesOnlyTheirs: gapsOf(onlyTheirs.filter(isGap)),
      namesOnlyOurs: gapsOf(onlyOurs.filter((series) => !theirNames.has(nameOf(series)))),
      seriesOnlyTheirs: onlyTheirs.filter((series) => !isGap(series)),
      seriesOnlyOurs: onlyOurs.filter((series) => theirNames.has(nameOf(series))),
      values: [...this.#gaps.values()].map(({ gap }) => gap),
    };
  }
}

/** Labels that cAdvisor gets from a container runtime. */
const OF_RUNTIME = /^(?:name|image|namespace|pod|container|container_(?:label|env)_.*)$/;

/**
 * The reading with cgroups named only by their path and CPU time as the total: a cAdvisor outside of a kubelet uses the
 * runtime's container names, and shows each CPU.
 */
export function byPath({ samples, stamps, types }: Reading): Reading {
  const merged = new Map<string, number>();
  const stamped = new Map<string, number>();
  for (const [series, value] of samples) {
    const name = nameOf(series);
    const isOfCpu = /[{,]cpu="cpu\d+"/.test(series);
    const labels = labelsOf(series)
      .filter(([label]) => !OF_RUNTIME.test(label))
      .map(([label, text]) => `${label}=${isOfCpu && label === 'cpu' ? '"total"' : text}`);
    const path = `${name}{${labels.join(',')}}`;
    merged.set(path, isOfCpu ? (merged.get(path) ?? 0) + value : value);
    const stamp = stamps.get(series);
    // For the machine, the time when cAdvisor last checked for new hardware.
    if (stamp !== undefined && !name.startsWith('machine_')) stamped.set(path, stamp);
  }
  return { samples: merged, stamps: stamped, types };
}

/** Whether containers have the names known to a kubelet. */
export const isOfKubelet = ({ samples }: Reading): boolean =>
  [...samples.keys()].some((series) => labelsOf(series).some(([label]) => label === 'pod'));

/** Labels of a series and their quoted values. */
const labelsOf = (series: string): (readonly [label: string, quoted: string])[] =>
  [...series.slice(nameOf(series).length).matchAll(/[{,]([a-zA-Z_]\w*)=("(?:[^"\\]|\\.)*")/g)].map(
    ([, label = '', quoted = '']) => [label, quoted],
  );
