import { type Family, family, gauge, OTHER, ownCounter } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { labelBlock, numberText } from '../../metrics/text/format.ts';
import { CounterSet } from './counter-set.ts';
import { groupsOf } from './journal-rules.ts';
import type { LogRule } from './options.ts';
import { areNumbers, areTexts } from './saved.ts';

/** The interface of a line metric of any type. */
export interface LineMetric {
  readonly family: Family;
  /** Processes a matching line: `value` is the number of the rule's group, 1 without one. */
  take(value: number, labels: readonly string[]): void;
  emit(out: Snapshot): void;
  dump(): unknown;
  /** Resumes from a dump; returns the keys of the series. */
  restore(saved: unknown): string[];
  /** Ends the series for whose labels `isKept` is false. */
  retain(isKept: (labels: readonly string[]) => boolean): void;
}

/** The labels of a metric that identify the origin of a line, before those of the rule. */
export interface LineOrigin {
  readonly labels: readonly string[];
  /** Labels for counts beyond the maximum number of series. */
  readonly overflow: (labels: readonly string[]) => readonly string[];
}

/** The origin of files: their pattern or path; overflow counts keep it. */
const FILE_ORIGIN: LineOrigin = {
  labels: ['logfile'],
  overflow: ([logfile = '', ...rest]) => [logfile, ...rest.map(() => OTHER)],
};

class LineCounter implements LineMetric {
  readonly family: Family;
  readonly #set: CounterSet;

  constructor(one: Family, max: number, overflow: LineOrigin['overflow']) {
    this.family = one;
    this.#set = new CounterSet(one, max, overflow);
  }

  take(value: number, labels: readonly string[]): void {
    if (value >= 0) this.#set.of(labels).value += value;
  }

  emit(out: Snapshot): void {
    this.#set.emit(out);
  }

  dump(): unknown {
    return this.#set.dump();
  }

  restore(saved: unknown): string[] {
    return this.#set.restore(saved);
  }

  retain(isKept: (labels: readonly string[]) => boolean): void {
    this.#set.retain(isKept);
  }
}

interface Bars {
  readonly labels: readonly string[];
  /** The last value, or the sum of all. */
  value: number;
  /** By bucket, cumulative; the last contains all. */
  readonly counts: number[];
}

/** Gauges, which have the last value, and histograms. */
class LineValues implements LineMetric {
  readonly family: Family;
  readonly #max: number;
  readonly #overflow: LineOrigin['overflow'];
  readonly #bounds: readonly number[] | undefined;
  readonly #series = new Map<string, Bars>();

  constructor(one: Family, max: number, overflow: LineOrigin['overflow'], bounds?: readonly number[]) {
    this.family = one;
    this.#max = max;
    this.#overflow = overflow;
    this.#bounds = bounds;
  }

  take(value: number, labels: readonly string[]): void {
    const bars = this.#of(labels);
    if (this.#bounds === undefined) {
      bars.value = value;
      return;
    }
    bars.value += value;
    for (const [index, bound] of this.#bounds.entries())
      if (value <= bound) bars.counts[index] = (bars.counts[index] ?? 0) + 1;
    bars.counts[this.#bounds.length] = (bars.counts[this.#bounds.length] ?? 0) + 1;
  }

  emit(out: Snapshot): void {
    const { name, labels: names } = this.family;
    for (const { labels, value, counts } of this.#series.values()) {
      if (this.#bounds === undefined) {
        out.add(this.family, value, ...labels);
        continue;
      }
      for (const [index, bound] of [...this.#bounds, Infinity].entries()) {
        const key = `${name}_bucket${labelBlock([...names, 'le'], [...labels, numberText(bound)])}`;
        out.addSeries(this.family, key, counts[index] ?? 0);
      }
      const block = labelBlock(names, labels);
      out.addSeries(this.family, `${name}_sum${block}`, value);
      out.addSeries(this.family, `${name}_count${block}`, counts.at(-1) ?? 0);
    }
  }

  dump(): unknown {
    return [...this.#series.values()].map(({ labels, value, counts }) => [value, counts, ...labels]);
  }

  restore(saved: unknown): string[] {
    if (!Array.isArray(saved)) return [];
    const keys: string[] = [];
    const { name, labels: names } = this.family;
    const bounds = this.#bounds === undefined ? 0 : this.#bounds.length + 1;
    for (const row of saved) {
      const [value, counts, ...labels]: readonly unknown[] = Array.isArray(row) ? row : [];
      if (typeof value !== 'number' || !areNumbers(counts) || counts.length !== bounds) continue;
      if (labels.length !== names.length || !areTexts(labels)) continue;
      const bars = this.#of(labels);
      bars.value += value;
      for (const [index, count] of counts.entries()) bars.counts[index] = (bars.counts[index] ?? 0) + count;
      const block = labelBlock(names, labels);
      keys.push(`${name}_sum${block}`, `${name}_count${block}`);
      for (const bound of [...(this.#bounds ?? []), Infinity]) {
        keys.push(`${name}_bucket${labelBlock([...names, 'le'], [...labels, numberText(bound)])}`);
      }
    }
    return keys;
  }

  retain(isKept: (labels: readonly string[]) => boolean): void {
    for (const [id, { labels }] of this.#series) if (!isKept(labels)) this.#series.delete(id);
  }

  #of(labels: readonly string[]): Bars {
    const id = labels.join('\0');
    const found = this.#series.get(id);
    if (found !== undefined) return found;
    if (this.#series.size >= this.#max) {
      const kept = this.#overflow(labels);
      if (kept.join('\0') !== id) return this.#of(kept);
    }
    const counts = this.#bounds === undefined ? [] : new Array<number>(this.#bounds.length + 1).fill(0);
    const bars = { labels, value: 0, counts };
    this.#series.set(id, bars);
    return bars;
  }
}

/** The metric described by a rule, for lines of such an origin. */
export function lineMetric(rule: LogRule, { labels: own, overflow }: LineOrigin = FILE_ORIGIN): LineMetric {
  const { metric: name, type, help, labels, buckets, maxSeries } = rule;
  const text = help ?? `Log file lines matched by a collectors.log rule (${type}).`;
  const names = [...own, ...labels];
  if (type === 'counter') return new LineCounter(ownCounter(name, text, names), maxSeries, overflow);
  if (type === 'gauge') return new LineValues(gauge(name, text, names), maxSeries, overflow);
  return new LineValues(
    { ...family('histogram', name, text, names), startsAtZero: true },
    maxSeries,
    overflow,
    buckets,
  );
}

/** A rule with the metric that it counts into, which it may share with others. */
export class LineRule {
  readonly metric: LineMetric;
  readonly #rule: LogRule;
  readonly #groups: readonly string[];

  constructor(rule: LogRule, metric: LineMetric) {
    this.#rule = rule;
    this.metric = metric;
    this.#groups = rule.value === undefined ? rule.labels : [...rule.labels, rule.value];
  }

  /** Series that exist from the start: those of a counter without labels of its own. */
  begin(origin: readonly string[]): void {
    if (this.#rule.type === 'counter' && this.#rule.labels.length === 0) this.metric.take(0, origin);
  }

  /** Processes a line from `origin`; returns whether it matches. Throws PatternCostError. */
  take(line: string, origin: readonly string[]): boolean {
    const { pattern, value } = this.#rule;
    if (this.#groups.length === 0) {
      if (!pattern.test(line)) return false;
      this.metric.take(1, origin);
      return true;
    }
    const groups = groupsOf(pattern, line, this.#groups);
    if (groups === undefined) return false;
    const number = value === undefined ? 1 : Number(groups.pop());
    if (Number.isFinite(number)) this.metric.take(number, [...origin, ...groups]);
    return true;
  }
}

/** Rules with their metrics; every rule has one in `metrics`. */
export const lineRules = (rules: readonly LogRule[], metrics: ReadonlyMap<string, LineMetric>): LineRule[] =>
  rules.flatMap((rule) => {
    const metric = metrics.get(rule.metric);
    return metric ? [new LineRule(rule, metric)] : [];
  });
