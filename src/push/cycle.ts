import { deadlineIn } from '../base/deadline.ts';
import { begin } from '../base/last-operation.ts';
import { kindOf, type ThrottledLog } from '../base/log.ts';
import { sum } from '../base/sum.ts';
import type { EndedSeries, Exporter, Tracking } from '../exporters/exporter.ts';
import { type SeriesBudget, seriesByFamily } from '../metrics/budget.ts';
import { GROUPS, type Group } from '../metrics/group.ts';
import type { CollectorResult } from '../metrics/outcome.ts';
import type { Prepared, PreparedText } from '../metrics/prepared.ts';
import { type AgentRegistry, SELF_GROUP } from '../metrics/registry.ts';
import type { Relabeling } from '../metrics/relabel/relabeling.ts';
import type { Snapshot } from '../metrics/snapshot.ts';
import { withoutFamilies } from '../metrics/without-families.ts';
import { Births } from './births.ts';
import { type CollectedGroup, pushedSnapshots } from './group-encoder.ts';
import { type Collected, GroupEncoders, relabeledKeys } from './group-encoders.ts';
import { VanishedSeries } from './vanished.ts';

interface CycleOptions {
  readonly registry: AgentRegistry;
  /** Called in each cycle, because a reload changes them. */
  readonly exporters: () => readonly Exporter[];
  /**
   * Groups that only one of several agents may push, and whether this agent is the one. Called again before each
   * upload.
   */
  readonly mayPush?: () => Partial<Record<Group, () => boolean>>;
  /** Groups whose batches are tracked until every receiver has accepted or dropped them. */
  readonly tracking?: () => Partial<Record<Group, Tracking>>;
  /** Relabel rules on the series of a group for one exporter only. */
  readonly relabelingOf?: (exporter: string, group: Group) => Relabeling | undefined;
  readonly budget: SeriesBudget;
  /** Interval between two pushes, milliseconds. Called in each cycle. */
  readonly intervalMs: () => number;
  readonly now: () => number;
  readonly log: ThrottledLog;
}

/** The result of one cycle. */
export interface CycleReport {
  readonly stampMs: number;
  readonly samples: number;
  readonly results: readonly CollectorResult[];
  /** Everything that was collected, including what no exporter received. Read-only. */
  readonly groups: ReadonlyMap<string, readonly Snapshot[]>;
}

/** One cycle of the agent: collect everything, encode each group once, pass it to every exporter. */
export class PushCycle {
  readonly #options: CycleOptions;
  #lastStampMs = 0;
  readonly #encoders = new Map<Group, GroupEncoders>();
  readonly #vanished = new Map<Group, VanishedSeries>();
  readonly #births = new Map<Group, Births>();
  /** Groups that another agent pushed in the last cycle. */
  readonly #others = new Set<Group>();
  readonly #startMs: number;

  constructor(options: CycleOptions) {
    this.#options = options;
    this.#startMs = Math.trunc(options.now());
  }

  /**
   * All samples of a cycle have the time at which its collection began. Collectors have `deadlineMs`, or less when
   * `signal` fires.
   */
  async run(deadlineMs: number, signal?: AbortSignal): Promise<CycleReport> {
    const { registry, now } = this.#options;
    const exporters = this.#options.exporters();
    const fences = this.#options.mayPush?.();
    const stampMs = nextStamp(this.#lastStampMs, Math.trunc(now()));
    this.#lastStampMs = stampMs;
    const settled = this.#track(exporters);
    const { groups, results } = await registry.gather(deadlineMs, signal);
    for (const result of results) this.#report(result);
    let samples = 0;
    for (const group of GROUPS) {
      const snapshots = groups.get(group);
      const receivers = exporters.filter((exporter) => exporter.accepts(group));
      const mayPush = fences?.[group];
      const isOurs = mayPush?.() ?? true;
      // Its cache for the next push would only waste memory.
      if (!isOurs) this.#encoders.delete(group);
      const isWhole = results.every((result) => result.group !== group || result.outcome !== 'fault');
      // Also while another agent pushes: counters that appear meanwhile must not count as new when this agent takes
      // over.
      const isTakenOver = isOurs && this.#others.delete(group);
      if (!isOurs) this.#others.add(group);
      const births =
        receivers.length === 0 ? [] : this.#birthsOf(group).update(snapshots ?? [], stampMs, isWhole, isTakenOver);
      if (!snapshots || receivers.length === 0 || !isOurs) continue;
      begin(`encode ${group}`);
      const parts = await this.#prepared(group, deadlineMs, signal);
      if (parts === undefined) continue;
      const kept = await this.#withinBudget(group, snapshots, parts);
      const collected = { group, stampMs, ...kept, births };
      for (const [relabeling, alike] of Map.groupBy(receivers, ({ name }) =>
        this.#options.relabelingOf?.(name, group),
      )) {
        const delivered = await this.#deliver(collected, relabeling, alike, { mayPush, settled: settled[group] });
        if (alike[0] === receivers[0]) samples += delivered;
      }
      this.#endVanished(group, { stampMs, mayPush }, kept.snapshots, parts, isWhole, receivers);
    }
    return { stampMs, samples, results, groups };
  }

  /** Passes the data of a group to receivers with the same rules, rendered once for those that need text. */
  async #deliver(
    collected: Collected,
    relabeling: Relabeling | undefined,
    receivers: readonly Exporter[],
    { mayPush, settled }: { mayPush?: (() => boolean) | undefined; settled?: ReturnType<Tracking> | undefined },
  ): Promise<number> {
    const { encoder, seen } = await this.#encodersOf(collected.group).relabeled(collected, relabeling);
    const { prepared, births = [] } = seen;
    const readers = receivers.filter(({ deliverSamples }) => deliverSamples === undefined);
    const encodings = readers.map(({ encoding }) => encoding);
    const batches = readers.length === 0 ? undefined : await encoder.encode({ ...seen, encodings });
    const snapshots = pushedSnapshots(seen.group, seen.snapshots);
    const hooksFor = (name: string) => ({
      ...(mayPush && { mayPush }),
      ...(settled && { onSettled: () => settled(name) }),
    });
    for (const { name, deliverSamples } of receivers)
      deliverSamples?.({ ...seen, births, snapshots, ...hooksFor(name) });
    for (const [index, exporter] of readers.entries()) {
      const batch = batches?.get(encodings[index]);
      // Plain gzip is for a Pushgateway, where vanished series have to be deleted.
      const isWanted = batch && (batch.samples > 0 || encodings[index] === 'gzip');
      if (isWanted) exporter.deliver({ ...batch, ...hooksFor(exporter.name) });
    }
    const counted = sum([
      ...snapshots.map(({ unpushedSize }) => unpushedSize),
      ...prepared.map((part) => part.samples),
      births.length,
    ]);
    return batches?.get(encodings[0])?.samples ?? counted;
  }

  /** By tracked group, the function to call with each exporter that has settled the batch of this cycle. */
  #track(exporters: readonly Exporter[]): Partial<Record<string, ReturnType<Tracking>>> {
    const tracking = this.#options.tracking?.() ?? {};
    const tracked: Partial<Record<string, ReturnType<Tracking>>> = {};
    for (const group of GROUPS) {
      const receivers = exporters.filter((exporter) => exporter.accepts(group));
      const settled = tracking[group]?.(receivers.map(({ name }) => name));
      if (settled) tracked[group] = settled;
    }
    return tracked;
  }

  #encodersOf(group: Group): GroupEncoders {
    const encoders = this.#encoders.get(group) ?? new GroupEncoders();
    this.#encoders.set(group, encoders);
    return encoders;
  }

  #birthsOf(group: Group): Births {
    const births = this.#births.get(group) ?? new Births(this.#startMs, this.#options.intervalMs);
    this.#births.set(group, births);
    return births;
  }

  /** Marks the series of a group that have vanished since the last cycle as stale, at receivers that support it. */
  #endVanished(
    group: Group,
    of: Pick<EndedSeries, 'stampMs' | 'mayPush'>,
    snapshots: readonly Snapshot[],
    parts: readonly Part[],
    isWhole: boolean,
    receivers: readonly Exporter[],
  ): void {
    const enders = receivers.filter(({ endSeries }) => endSeries !== undefined);
    if (enders.length === 0) return;
    const vanished = this.#vanished.get(group) ?? new VanishedSeries();
    this.#vanished.set(group, vanished);
    const taken = parts.map(({ source }) => source.takeEnded());
    const keys = [...vanished.update(snapshots, isWhole), ...taken.flatMap((ended) => ended.keys)];
    const lost = sum(taken.map((ended) => ended.lost));
    if (keys.length === 0 && lost === 0) return;
    for (const { name, endSeries } of enders) {
      const relabeling = this.#options.relabelingOf?.(name, group);
      endSeries?.(group, { ...of, keys: relabeling ? relabeledKeys(keys, relabeling) : keys, lost });
    }
  }

  /** The data of a group without the families that exceed the budget. */
  async #withinBudget(
    group: Group,
    snapshots: readonly Snapshot[],
    parts: readonly Part[],
  ): Promise<Pick<CollectedGroup, 'snapshots' | 'prepared'>> {
    const { budget, log } = this.#options;
    const total = sum([...snapshots.map(({ size }) => size), ...parts.map(({ text }) => text.samples)]);
    const without = budget.check(group, total, () => {
      const counts = seriesByFamily(snapshots);
      for (const { source } of parts)
        for (const { family, series } of source.families()) counts.set(family.name, series);
      return counts;
    });
    const key = `budget/${group}`;
    if (without.size === 0) log.over(key);
    else {
      const next = 'these families are not pushed: raise the budget or collect less';
      log.write('warn', key, { group, series: total, families: [...without], next }, 'series budget exceeded');
    }
    const kept = without.size === 0 ? snapshots : snapshots.map((snapshot) => snapshot.without(without));
    const prepared: PreparedText[] = [];
    for (const { source, text } of parts) {
      const dropped = without.size === 0 ? [] : source.families().filter(({ family }) => without.has(family.name));
      const series = sum(dropped.map((one) => one.series));
      prepared.push(dropped.length === 0 ? text : await withoutFamilies(text, without, series));
    }
    // The last group of a cycle reports on all of them.
    return { snapshots: group === SELF_GROUP ? [...kept, this.#budgetSamples()] : kept, prepared };
  }

  #budgetSamples(): Snapshot {
    const { registry, budget } = this.#options;
    return registry.relabeled(SELF_GROUP, budget.samples(), budget);
  }

  /** The prepared parts of a group. Undefined while one is incomplete: late data is better than partial data. */
  async #prepared(group: Group, deadlineMs: number, outer?: AbortSignal): Promise<Part[] | undefined> {
    const { registry } = this.#options;
    const sources = registry.allPrepared.filter(
      (prepared) => prepared.group === group && registry.gate(group, prepared.collector) === undefined,
    );
    if (sources.length === 0) return [];
    const deadline = deadlineIn(deadlineMs, outer);
    const parts: Part[] = [];
    try {
      for (const source of sources) {
        const text = await this.#textOf(source, deadline.signal);
        if (text === undefined) return undefined;
        parts.push({ source, text });
      }
    } finally {
      deadline.end();
    }
    return parts;
  }

  /** Undefined while it is incomplete, or when it was not ready by the deadline. */
  async #textOf(source: Prepared, signal: AbortSignal): Promise<PreparedText | undefined> {
    const { log } = this.#options;
    const { group, collector } = source;
    const key = `late/${group}/${collector}`;
    try {
      const text = await source.text(signal);
      log.over(key);
      return text;
    } catch (cause) {
      if (!signal.aborted) throw cause;
      const next = 'this process had too little CPU: raise its limit or the interval';
      log.write('warn', key, { group, collector, next }, 'not encoded before the deadline: missing from this push');
      return undefined;
    }
  }

  #report({ group, collector, outcome, errors, withheld }: CollectorResult): void {
    const { log } = this.#options;
    const name = `${group}.${collector}`;
    for (const lost of withheld) {
      const next = 'see docs/security.md for the data visible in each tier';
      log.once(`${name}: ${lost}`, { collector: name, lost, next }, 'not visible with the permissions of this agent');
    }
    const [level, message, next] =
      outcome === 'fault'
        ? (['warn', 'collection failed', 'its series are missing from this push'] as const)
        : (['info', 'partial data', 'the rest of the collector is pushed'] as const);
    const kinds = Map.groupBy(errors, ({ message }) => kindOf(message));
    for (const [kind, alike] of kinds) {
      const reason = alike[0]?.message;
      const more = alike.length > 1 ? { alike: alike.length } : {};
      log.write(level, `${name}: ${kind}`, { collector: name, reason, ...more, next }, message);
    }
  }
}

/** A clock that is further behind the last timestamp than this was corrected, and is used as it is. */
const LARGEST_CORRECTION_MS = 60_000;

/**
 * Each cycle's timestamp is later than the last, because a counter whose samples are out of order appears to have been
 * reset. The exception is a clock that was far ahead and has been corrected: until it caught up, all timestamps would be
 * wrong.
 */
function nextStamp(lastMs: number, nowMs: number): number {
  return lastMs - nowMs > LARGEST_CORRECTION_MS ? nowMs : Math.max(nowMs, lastMs + 1);
}

/** A prepared part of a group and its current content. */
interface Part {
  readonly source: Prepared;
  readonly text: PreparedText;
}
