import type { MetricValue } from 'prom-client';
import { type Clock, REAL_CLOCK } from '../base/clock.ts';
import { deadlineIn } from '../base/deadline.ts';
import { asError } from '../base/error-text.ts';
import { begin } from '../base/last-operation.ts';
import { turn } from '../base/turns.ts';
import { type Family, familyNameOf, type MetricType } from './family.ts';
import { KeyCache } from './key-cache.ts';
import type { CollectorResult } from './outcome.ts';
import { FamilyOwners } from './owners.ts';
import type { Prepared } from './prepared.ts';
import type { PushedLabels, SeenSnapshot } from './pushed-labels.ts';
import type { Relabeling } from './relabel/relabeling.ts';
import { resultSamples } from './result-samples.ts';
import { finish, leftOut, type Run } from './run.ts';
import { type Producer, Scope } from './scope.ts';
import { Snapshot } from './snapshot.ts';
import { encodeByFamily } from './text/encoder.ts';

/** One cycle's data: the snapshots of each group, and the result of each collector. */
export interface Gathered {
  readonly groups: ReadonlyMap<string, readonly Snapshot[]>;
  readonly results: readonly CollectorResult[];
}

/** Turns the results of a cycle into samples of that same cycle; `previous` are those of the last cycle, closed. */
type ResultReport = (results: readonly CollectorResult[], previous: Snapshot | undefined) => Snapshot;

/** Why a collector must not run now; undefined when it may. */
export type Gate = (group: string, collector: string) => string | undefined;

/** Whether a collector was requested. */
export type CollectorFilter = (group: string, collector: string) => boolean;

/** The group of the agent's own metrics. */
export const SELF_GROUP = 'agent';

/**
 * The only registry: prom-client's for the agent's own counters and histograms, extended by producers. Producers
 * provide a new snapshot in each cycle instead of keeping a metric object per series.
 */
export class AgentRegistry extends Scope {
  /** Called before each run. Collectors that it stops have the outcome `disabled`. */
  gate: Gate = () => undefined;
  /** The label handling of pushes, by group; empty while nothing is pushed. */
  pushedLabels: Readonly<Record<string, PushedLabels>> = {};
  /** The relabel rules, by group; empty without rules. */
  relabelings: Readonly<Record<string, Relabeling>> = {};
  #scopes: readonly Scope[] = [this];
  /** Start times of overdue runs: those that have missed their deadline and not yet returned. */
  readonly #late = new WeakMap<Producer, number>();
  /** The last snapshot of each producer. */
  readonly #last = new WeakMap<Producer, Snapshot>();
  /** The last snapshot of prom-client's metrics, and their families. */
  #lastOwn: Snapshot | undefined;
  readonly #ownFamilies = new Map<string, Family>();
  readonly #ownKeys = new KeyCache();
  readonly #reports: { readonly group: string; readonly report: ResultReport }[] = [
    { group: SELF_GROUP, report: resultSamples },
  ];
  /** The last snapshot of each report. */
  readonly #lastReports = new WeakMap<ResultReport, Snapshot>();
  readonly #owners = new FamilyOwners();
  readonly #monotonicMs: () => number;

  constructor({ monotonicMs }: Pick<Clock, 'monotonicMs'> = REAL_CLOCK) {
    super();
    this.#monotonicMs = monotonicMs;
  }

  /** Replaces the scopes attached before. Their order decides which one owns a family when two provide the same. */
  attach(scopes: readonly Scope[]): void {
    this.#scopes = [this, ...scopes];
  }

  /** Adds samples about the collectors' results to a group, when that group has a producer. */
  addReport(group: string, report: ResultReport): void {
    this.#reports.push({ group, report });
  }

  /**
   * The collector of another group that last provided series of this name, `group.name`; undefined if none did. The name
   * is that of a family, or of a part of a histogram or summary.
   */
  ownerOf(name: string, group: string): string | undefined {
    const isThere = (families: ReadonlyMap<string, Family>): boolean => families.has(familyNameOf(name, families));
    const owner = this.allProducers.find((producer) => {
      const last = this.#last.get(producer);
      return producer.group !== group && last !== undefined && isThere(last.families);
    });
    if (owner !== undefined) return `${owner.group}.${owner.name}`;
    return isThere(this.#ownFamilies) ? SELF_GROUP : undefined;
  }

  /** The collector of `group` that last provided a family; undefined if none did. */
  collectorOf(family: string, group: string): string | undefined {
    const owns = (producer: Producer) => producer.group === group && this.#last.get(producer)?.families.has(family);
    const prepared = this.allPrepared.find(
      (part) => part.group === group && part.families().some((one) => one.family.name === family),
    );
    return this.allProducers.find(owns)?.name ?? prepared?.collector;
  }

  /** The prepared parts of all scopes. */
  get allPrepared(): readonly Prepared[] {
    return this.#scopes.flatMap(({ prepared }) => prepared);
  }

  /** The producers of all scopes. */
  get allProducers(): readonly Producer[] {
    return this.#scopes.flatMap(({ producers }) => producers);
  }

  /** The groups that have producers, and the agent's own. */
  get groups(): ReadonlySet<string> {
    return new Set([SELF_GROUP, ...this.allProducers.map(({ group }) => group)]);
  }

  /**
   * Runs all producers concurrently, each with `deadlineMs`. One that fails or times out loses only its own series. A
   * family provided by two collectors of a group is rejected from the one registered later; between groups, which
   * differ in job, only if its type differs. The result is what receivers will see: see {@link PushedLabels}. With
   * `wanted`, only these collectors run, and the agent's own metrics are omitted.
   */
  async gather(deadlineMs: number, signal?: AbortSignal, wanted?: CollectorFilter): Promise<Gathered> {
    const deadline = deadlineIn(deadlineMs, signal);
    try {
      return await this.#gatherUntil(deadline.signal, deadlineMs, wanted);
    } finally {
      deadline.end();
    }
  }

  async #gatherUntil(
    deadline: AbortSignal,
    deadlineMs: number,
    wanted: CollectorFilter | undefined,
  ): Promise<Gathered> {
    const runs: (Run | Promise<Run>)[] = [];
    for (const producer of this.allProducers) {
      if (wanted?.(producer.group, producer.name) === false) continue;
      // Most collectors are synchronous. Without yielding between them, a cycle would block the event loop for its
      // whole duration.
      const pause = turn();
      if (pause) await pause;
      const off = this.gate(producer.group, producer.name);
      runs.push(off === undefined ? this.#run(producer, deadlineMs, deadline) : leftOut(producer, off));
    }
    const own = await this.#ownSnapshot();
    const groups = new Map<string, Snapshot[]>([...this.groups].map((group) => [group, []]));
    if (wanted === undefined) groups.get(SELF_GROUP)?.push(own);
    const results: CollectorResult[] = [];
    const ended = await Promise.all(runs);
    for (const [index, { snapshot, result }] of this.#owners.settle(own, SELF_GROUP, ended).entries()) {
      const errorFlag = ended[index]?.errorFlag;
      if (errorFlag && result.errors.length > 0) snapshot.set(errorFlag, 1);
      results.push(result);
      groups.get(result.group)?.push(snapshot);
    }
    for (const { group, report } of this.#reports) {
      if (wanted !== undefined && group === SELF_GROUP) continue;
      const snapshot = report(results, this.#lastReports.get(report));
      snapshot.close();
      this.#lastReports.set(report, snapshot);
      groups.get(group)?.push(this.relabeled(group, snapshot, report));
    }
    return { groups, results };
  }

  /**
   * Runs one collector outside of the cycle, even if it is disabled. Its samples are only counted. Undefined while an
   * overdue run of it is still in progress. Throws for a producer that is not registered.
   */
  async runAlone(group: string, name: string, deadlineMs: number): Promise<CollectorResult | undefined> {
    const producer = this.allProducers.find((one) => one.group === group && one.name === name);
    if (producer === undefined) throw new Error(`BUG: no collector ${group}.${name}`);
    if (this.#late.has(producer)) return undefined;
    return (await this.#run(producer, deadlineMs, AbortSignal.timeout(deadlineMs))).result;
  }

  /** The whole registry, collected now and regrouped by family, in pieces that end at a line end. */
  async *byFamily(deadlineMs: number): AsyncGenerator<Buffer> {
    const { groups } = await this.gather(deadlineMs);
    yield* encodeByFamily([...groups.values()].flat());
    for (const prepared of this.allPrepared) yield* prepared.byFamily();
  }

  /** {@link byFamily} as one text. */
  override async metrics(): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.byFamily(DEFAULT_DEADLINE_MS)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  #run(producer: Producer, deadlineMs: number, deadline: AbortSignal): Run | Promise<Run> {
    const started = this.#monotonicMs();
    const snapshot = new Snapshot(this.#last.get(producer));
    const done = (error?: Error): Run | Promise<Run> => {
      snapshot.close();
      const deciding = this.relabelings[producer.group]?.prepare(snapshot, producer);
      return deciding === undefined ? settled(error) : deciding.then(() => settled(error));
    };
    const settled = (error?: Error): Run => {
      const run = finish(producer, this.#see(producer.group, snapshot, producer), this.#monotonicMs() - started, error);
      if (run.snapshot.size > 0) this.#last.set(producer, snapshot);
      return run;
    };
    const lateSince = this.#late.get(producer);
    if (lateSince !== undefined) {
      const seconds = Math.round((started - lateSince) / 1000);
      return done(new Error(`a run that started ${seconds} s ago is still in progress; skipped`));
    }
    let pending: void | Promise<void>;
    begin(`${producer.group}/${producer.name}`);
    try {
      pending = producer.collect(snapshot, deadline);
    } catch (cause) {
      return done(asError(cause));
    }
    if (pending === undefined) return done();
    return this.#await(producer, pending, deadline).then(
      () => done(),
      (cause) => {
        if (!(cause instanceof Late)) return done(asError(cause));
        const late = deadline.reason?.name === 'TimeoutError';
        const why = late ? `not finished within ${deadlineMs} ms` : 'cancelled because the agent is stopping';
        return done(new Error(`${why}; its series are missing from this cycle`));
      },
    );
  }

  /** Applies the rules of a group to a snapshot that is not closed yet. `owner` is the producer of such snapshots. */
  relabeled(group: string, snapshot: Snapshot, owner: object): Snapshot {
    const relabeling = this.relabelings[group];
    if (relabeling === undefined) return snapshot;
    snapshot.close();
    return relabeling.see(snapshot, owner);
  }

  #see(group: string, snapshot: Snapshot, owner: object): SeenSnapshot {
    const seen = this.relabeled(group, snapshot, owner);
    return this.pushedLabels[group]?.see(seen) ?? { snapshot: seen, renamed: 0, overLimit: 0 };
  }

  /** Waits for a run until `deadline`. An overdue run is not started again before it has returned. */
  async #await(producer: Producer, pending: Promise<void>, deadline: AbortSignal): Promise<void> {
    const started = this.#monotonicMs();
    const late = Promise.withResolvers<never>();
    const expire = () => {
      this.#late.set(producer, started);
      const free = () => this.#late.delete(producer);
      pending.then(free, free);
      late.reject(new Late());
    };
    if (deadline.aborted) expire();
    deadline.addEventListener('abort', expire, { once: true });
    try {
      await Promise.race([pending, late.promise]);
    } finally {
      deadline.removeEventListener('abort', expire);
    }
  }

  /** prom-client's metrics as one snapshot, so that all text comes from one encoder. */
  async #ownSnapshot(): Promise<Snapshot> {
    const snapshot = new Snapshot(this.#lastOwn);
    const metrics = (await Promise.all(this.#scopes.map((scope) => scope.getMetricsAsJSON()))).flat();
    for (const { name, help, type, values } of metrics as unknown as readonly OwnMetric[]) {
      const family = this.#ownFamilies.get(name) ?? { name, help, type, labels: [], startsAtZero: type === 'counter' };
      this.#ownFamilies.set(name, family);
      for (const [index, { labels, value, metricName = name }] of values.entries()) {
        snapshot.addSeries(family, this.#ownKeys.keyOf(name, index, metricName, labels), value);
      }
      this.#ownKeys.trim(name, values.length);
    }
    snapshot.close();
    this.#lastOwn = snapshot;
    return this.#see(SELF_GROUP, snapshot, this).snapshot;
  }
}

const DEFAULT_DEADLINE_MS = 10_000;

/** What `getMetricsAsJSON()` returns; prom-client's own type has numbers for the types and omits the names of values. */
interface OwnMetric {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** Histograms and summaries name each value: `_bucket`, `_sum`, `_count`. */
  readonly values: readonly (MetricValue<string> & { readonly metricName?: string })[];
}

class Late extends Error {}
