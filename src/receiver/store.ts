import type { MetricType } from '../metrics/family.ts';

/** The protocol by which a target pushes. */
type PushProtocol = 'vm' | 'pushgateway';

/**
 * One series, its latest value and the one before. Its labels are only in the key: a map per series would cost 500
 * bytes.
 */
export interface StoredSeries {
  /** `name{labels}`, labels sorted, with those of the URL. */
  readonly key: string;
  value: number;
  /** Wall clock, milliseconds since 1970. */
  timeMs: number;
  previousValue: number | undefined;
  previousTimeMs: number | undefined;
}

/** The series of one family of one target, by sample name and key. */
interface TargetFamily {
  readonly type: MetricType | undefined;
  readonly series: Map<string, StoredSeries>;
}

/**
 * The source of pushes with one job and instance: a Pushgateway group, or the VictoriaMetrics series with these two
 * labels.
 */
export interface PushSource {
  /** Its key in the store. */
  readonly key: string;
  readonly protocol: PushProtocol;
  /** The grouping key, or job and instance. */
  readonly labels: ReadonlyMap<string, string>;
  readonly families: Map<string, TargetFamily>;
  seriesCount: number;
  /** The time of the newest push, by the samples' own time. */
  stampMs: number;
  previousStampMs: number | undefined;
  /** Samples with that newest time. */
  samplesAtStamp: number;
  /** When the last push was received, by our clock. */
  receivedMs: number;
  /** Bytes of the last push. */
  textBytes: number;
  wireBytes: number;
  sweptMs: number;
}

/** One sample, ready to be stored. */
export interface StoredSample {
  readonly family: string;
  readonly type: MetricType | undefined;
  readonly key: string;
  readonly value: number;
  readonly timeMs: number;
}

/** Counts since the start. */
interface ReceiverTotals {
  requests: number;
  refused: number;
  samples: number;
  textBytes: number;
  wireBytes: number;
  invalidLines: number;
  /** Samples that a real server would silently drop, such as those with a time in seconds. */
  ignoredSamples: number;
  /** Series evicted because of the limit. */
  droppedSeries: number;
}

/** A problem to show; `timeMs` is our clock. */
interface Trouble {
  readonly timeMs: number;
  readonly message: string;
}

/** VictoriaMetrics stops showing a series this long after its last sample. */
const STALE_MS = 5 * 60_000;
const MAX_TROUBLES = 20;
const MAX_TARGETS = 10_000;

/** The latest value of every series, bounded: the targets that pushed least recently are evicted first. */
export class ReceiverStore {
  readonly startedMs: number;
  readonly maxSeries: number;
  readonly totals: ReceiverTotals = {
    requests: 0,
    refused: 0,
    samples: 0,
    textBytes: 0,
    wireBytes: 0,
    invalidLines: 0,
    ignoredSamples: 0,
    droppedSeries: 0,
  };
  /** The last few problems, oldest first. */
  readonly troubles: Trouble[] = [];
  readonly #targets = new Map<string, PushSource>();
  #seriesCount = 0;

  constructor(startedMs: number, maxSeries = 1_000_000) {
    this.startedMs = startedMs;
    this.maxSeries = maxSeries;
  }

  get seriesCount(): number {
    return this.#seriesCount;
  }

  /** All targets, least recently pushed first. */
  get targets(): Iterable<PushSource> {
    return this.#targets.values();
  }

  /** The target with exactly these labels. */
  find(protocol: PushProtocol, labels: ReadonlyMap<string, string>): PushSource | undefined {
    return this.#targets.get(targetKey(protocol, labels));
  }

  /** The target with exactly these labels, created if it is new, and moved to the end of {@link targets}. */
  touch(protocol: PushProtocol, labels: ReadonlyMap<string, string>, receivedMs: number): PushSource {
    const key = targetKey(protocol, labels);
    const known = this.#targets.get(key);
    if (known) this.#targets.delete(key);
    const target = known ?? newTarget(key, protocol, labels, receivedMs);
    target.receivedMs = receivedMs;
    this.#targets.set(key, target);
    if (this.#targets.size > MAX_TARGETS) this.#dropOldest();
    return target;
  }

  /** Stores a sample; one older than the series' latest is only counted. */
  add(target: PushSource, sample: StoredSample): void {
    this.totals.samples++;
    if (sample.timeMs > target.stampMs) {
      if (target.samplesAtStamp > 0) target.previousStampMs = target.stampMs;
      target.stampMs = sample.timeMs;
      target.samplesAtStamp = 0;
    }
    if (sample.timeMs === target.stampMs) target.samplesAtStamp++;
    // A body with more targets than the limit may have evicted its own.
    if (!this.#targets.has(target.key)) this.#targets.set(target.key, target);
    let family = target.families.get(sample.family);
    if (!family) {
      family = { type: sample.type, series: new Map() };
      target.families.set(sample.family, family);
    }
    const { key, value, timeMs } = sample;
    const series = family.series.get(key);
    if (series) {
      update(series, value, timeMs);
      return;
    }
    family.series.set(key, { key, value, timeMs, previousValue: undefined, previousTimeMs: undefined });
    target.seriesCount++;
    this.#seriesCount++;
    this.#enforceLimit(target);
  }

  /** Removes the series `key` of a target, whatever family it is in. */
  end(target: PushSource, key: string): void {
    for (const [name, family] of target.families) {
      const series = family.series.get(key);
      if (series) this.#removeSeries(target, family, series);
      if (family.series.size === 0) target.families.delete(name);
    }
  }

  /** Removes one family of a target. */
  removeFamily(target: PushSource, name: string): void {
    const count = target.families.get(name)?.series.size ?? 0;
    target.families.delete(name);
    target.seriesCount -= count;
    this.#seriesCount -= count;
  }

  /** Replaces the target's samples of one family with these. */
  replaceFamily(target: PushSource, name: string, samples: readonly StoredSample[]): void {
    const before = target.families.get(name)?.series;
    this.removeFamily(target, name);
    for (const sample of samples) {
      this.add(target, sample);
      const old = before?.get(sample.key);
      const series = target.families.get(name)?.series.get(sample.key);
      if (!old || !series) continue;
      series.previousValue = old.value;
      series.previousTimeMs = old.timeMs;
    }
  }

  /** Removes a target with all its series, if it exists. */
  removeTarget(protocol: PushProtocol, labels: ReadonlyMap<string, string>): void {
    const key = targetKey(protocol, labels);
    this.#seriesCount -= this.#targets.get(key)?.seriesCount ?? 0;
    this.#targets.delete(key);
  }

  /** Once a minute at most: removes the series that this target has not pushed for five minutes. */
  sweep(target: PushSource): void {
    if (target.stampMs - target.sweptMs < 60_000) return;
    target.sweptMs = target.stampMs;
    for (const [name, family] of target.families) {
      for (const series of family.series.values()) {
        if (target.stampMs - series.timeMs > STALE_MS) this.#removeSeries(target, family, series);
      }
      if (family.series.size === 0) target.families.delete(name);
    }
  }

  /** Records a problem. */
  report(timeMs: number, message: string): void {
    this.troubles.push({ timeMs, message });
    if (this.troubles.length > MAX_TROUBLES) this.troubles.shift();
  }

  #enforceLimit(current: PushSource): void {
    while (this.#seriesCount > this.maxSeries) {
      if (this.#targets.values().next().value !== current) {
        this.#dropOldest();
        continue;
      }
      const [oldest] = current.families;
      if (oldest === undefined) return;
      const [name, family] = oldest;
      for (const first of family.series.values()) {
        this.#removeSeries(current, family, first);
        this.totals.droppedSeries++;
        break;
      }
      if (family.series.size === 0) current.families.delete(name);
    }
  }

  #dropOldest(): void {
    const oldest = this.#targets.values().next().value;
    if (!oldest) return;
    this.#targets.delete(oldest.key);
    this.#seriesCount -= oldest.seriesCount;
    this.totals.droppedSeries += oldest.seriesCount;
    oldest.families.clear();
    oldest.seriesCount = 0;
  }

  #removeSeries(target: PushSource, family: TargetFamily, series: StoredSeries): void {
    family.series.delete(series.key);
    target.seriesCount--;
    this.#seriesCount--;
  }
}

const newTarget = (
  key: string,
  protocol: PushProtocol,
  labels: ReadonlyMap<string, string>,
  receivedMs: number,
): PushSource => ({
  key,
  protocol,
  labels: new Map(labels),
  families: new Map(),
  seriesCount: 0,
  stampMs: 0,
  previousStampMs: undefined,
  samplesAtStamp: 0,
  receivedMs,
  textBytes: 0,
  wireBytes: 0,
  sweptMs: receivedMs,
});

function update(series: StoredSeries, value: number, timeMs: number): void {
  if (timeMs < series.timeMs) return;
  if (timeMs > series.timeMs) {
    series.previousValue = series.value;
    series.previousTimeMs = series.timeMs;
  }
  series.value = value;
  series.timeMs = timeMs;
}

/** The same for the same labels in any order. */
const targetKey = (protocol: PushProtocol, labels: ReadonlyMap<string, string>): string =>
  `${protocol}\n${[...labels]
    .map(([name, value]) => `${name}\n${JSON.stringify(value)}`)
    .sort()
    .join('\n')}`;
