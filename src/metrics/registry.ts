import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import { encodeByFamily } from './encoder.ts';
import { type Family, isLabelName, type MetricType } from './family.ts';
import { type CollectorResult, NoData } from './outcome.ts';
import type { Prepared } from './prepared.ts';
import { resultSamples } from './result-samples.ts';
import { type Producer, Scope } from './scope.ts';
import { Snapshot } from './snapshot.ts';
import { labelBlock } from './text.ts';

/** One cycle's data: the snapshots of each group, and how each collector fared. */
export interface Gathered {
  readonly groups: ReadonlyMap<string, readonly Snapshot[]>;
  readonly results: readonly CollectorResult[];
}

/** Turns the results of a cycle into samples of that same cycle. */
export type Report = (results: readonly CollectorResult[]) => Snapshot;

/** Why a collector is not to be run now; undefined when it is. */
export type Gate = (group: string, collector: string) => string | undefined;

/** Where the agent's own metrics go. */
export const SELF_GROUP = 'agent';

/**
 * The one registry: prom-client's for the agent's own counters and histograms, extended by producers, which bring a
 * fresh snapshot each cycle instead of keeping a metric object per series.
 */
export class AgentRegistry extends Scope {
  /** Asked before each run; what it keeps from running ends as `disabled`. */
  gate: Gate = () => undefined;
  #scopes: readonly Scope[] = [this];
  /** Since when producers are late whose run has missed its deadline and still not returned. */
  readonly #late = new WeakMap<Producer, number>();
  /** What each producer saw last. */
  readonly #last = new WeakMap<Producer, Snapshot>();
  /** The last snapshot of prom-client's metrics, and their families. */
  #lastOwn: Snapshot | undefined;
  readonly #ownFamilies = new Map<string, Family>();
  readonly #reports: { readonly group: string; readonly report: Report }[] = [
    { group: SELF_GROUP, report: resultSamples },
  ];
  readonly #clock: () => number;

  /** `clock` tells monotonic milliseconds. */
  constructor(clock: () => number = () => performance.now()) {
    super();
    this.#clock = clock;
  }

  /**
   * Puts scopes in place of the ones attached before. Their order decides whose family it is when two bring the same.
   */
  attach(scopes: readonly Scope[]): void {
    this.#scopes = [this, ...scopes];
  }

  /** Adds samples about the collectors' results to a group, when that group has a producer. */
  addReport(group: string, report: Report): void {
    this.#reports.push({ group, report });
  }

  /** The parts of all scopes that are kept compressed. */
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
   * Runs all producers at once, each with `deadlineMs`. One that fails or is late loses only its own series. A family
   * that two collectors bring is refused from the one registered later.
   */
  async gather(deadlineMs: number, signal?: AbortSignal): Promise<Gathered> {
    const timeout = AbortSignal.timeout(deadlineMs);
    const deadline = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const runs: (Run | Promise<Run>)[] = [];
    for (const producer of this.allProducers) {
      // Most collectors are synchronous: without a turn between them a cycle would block the loop as a whole.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const off = this.gate(producer.group, producer.name);
      runs.push(off === undefined ? this.#run(producer, deadlineMs, deadline) : leftOut(producer, off));
    }
    const own = await this.#ownSnapshot();
    const owners: Owners = new Map();
    for (const [name, family] of own.families) owners.set(name, { where: `${SELF_GROUP} (self metrics)`, family });
    const groups = new Map<string, Snapshot[]>([...this.groups].map((group) => [group, []]));
    groups.get(SELF_GROUP)?.push(own);
    const results: CollectorResult[] = [];
    for (const run of await Promise.all(runs)) {
      const { snapshot, result } = refuseTakenFamilies(run, owners);
      results.push(result);
      groups.get(result.group)?.push(snapshot);
    }
    for (const { group, report } of this.#reports) groups.get(group)?.push(report(results));
    return { groups, results };
  }

  /**
   * Runs one collector out of turn, also one that is disabled; what it brings is only counted. Undefined while a run
   * of it that was late still goes on. Throws for a producer that is not registered.
   */
  async runAlone(group: string, name: string, deadlineMs: number): Promise<CollectorResult | undefined> {
    const producer = this.allProducers.find((one) => one.group === group && one.name === name);
    if (producer === undefined) throw new Error(`BUG: there is no collector ${group}.${name}`);
    if (this.#late.has(producer)) return undefined;
    return (await this.#run(producer, deadlineMs, AbortSignal.timeout(deadlineMs))).result;
  }

  /** The whole registry, collected now and regrouped by family, in pieces that end with a line. */
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
    const started = this.#clock();
    const snapshot = new Snapshot(this.#last.get(producer));
    const done = (error?: Error) => {
      const run = finish(producer, snapshot, this.#clock() - started, error);
      run.snapshot.close();
      if (run.snapshot.size > 0) this.#last.set(producer, run.snapshot);
      return run;
    };
    const lateSince = this.#late.get(producer);
    if (lateSince !== undefined) {
      const seconds = Math.round((started - lateSince) / 1000);
      return done(new Error(`still busy with a run begun ${seconds} s ago; skipped`));
    }
    let pending: void | Promise<void>;
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
        const why = late ? `no answer within ${deadlineMs} ms` : 'cut off because the agent stops';
        return done(new Error(`${why}; its series are left out of this cycle`));
      },
    );
  }

  /** Waits for a run until `deadline`; a run that is late is not started again before it has returned. */
  async #await(producer: Producer, pending: Promise<void>, deadline: AbortSignal): Promise<void> {
    const started = this.#clock();
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
    for (const metric of (await Promise.all(this.#scopes.map((scope) => scope.getMetricsAsJSON()))).flat()) {
      const { name, help, type, values } = metric as unknown as MetricObjectWithValues<MetricValue<string>>;
      const family = this.#ownFamilies.get(name) ?? {
        ...{ name, help, labels: [] },
        type: type as unknown as MetricType,
      };
      this.#ownFamilies.set(name, family);
      for (const { labels, value, metricName } of values as readonly NamedValue[]) {
        const names = Object.keys(labels).filter((label) => label === 'le' || isLabelName(label));
        const texts = names.map((label) => String(labels[label]));
        snapshot.addSeries(family, (metricName ?? name) + labelBlock(names, texts), value);
      }
    }
    snapshot.close();
    this.#lastOwn = snapshot;
    return snapshot;
  }
}

const DEFAULT_DEADLINE_MS = 10_000;

/** Histograms and summaries name each value (`_bucket`, `_sum`, `_count`); the type of prom-client leaves it out. */
type NamedValue = MetricValue<string> & { readonly metricName?: string };

interface Run {
  readonly snapshot: Snapshot;
  readonly result: CollectorResult;
}

class Late extends Error {}

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));

function leftOut({ group, name }: Producer, reason: string): Run {
  const result = {
    group,
    collector: name,
    outcome: 'disabled',
    reason,
    errors: [],
    durationSeconds: 0,
    samples: 0,
  } as const;
  return { snapshot: new Snapshot(), result };
}

function finish(producer: Producer, snapshot: Snapshot, milliseconds: number, error?: Error): Run {
  const base = {
    group: producer.group,
    collector: producer.name,
    // Whole microseconds: more digits are noise that does not compress.
    durationSeconds: Math.round(milliseconds * 1000) / 1e6,
    samples: snapshot.size,
  };
  if (error === undefined) {
    const outcome = snapshot.errors.length > 0 ? 'partial' : 'ok';
    return { snapshot, result: { ...base, outcome, errors: snapshot.errors } };
  }
  if (error instanceof NoData) {
    return { snapshot, result: { ...base, outcome: 'nodata', reason: error.message, errors: snapshot.errors } };
  }
  // Half a collector's series look like vanished devices, so a fault keeps none of them.
  const nothing = new Snapshot();
  return {
    snapshot: nothing,
    result: { ...base, samples: 0, outcome: 'fault', reason: error.message, errors: [error] },
  };
}

/** Who was the first to bring a family. */
type Owners = Map<string, { readonly where: string; readonly family: Family }>;

/** Two collectors may bring the same Family object: then they know of each other, and bring different series. */
function refuseTakenFamilies({ snapshot, result }: Run, owners: Owners): Run {
  const here = `${result.group}.${result.collector}`;
  const taken = new Set<string>();
  const errors: Error[] = [];
  for (const [name, family] of snapshot.families) {
    const owner = owners.get(name);
    if (owner === undefined) owners.set(name, { where: here, family });
    else if (owner.family !== family) {
      taken.add(name);
      errors.push(new Error(`family ${name} already comes from ${owner.where}; refused from ${here}`));
    }
  }
  if (taken.size === 0) return { snapshot, result };
  const rest = snapshot.without(taken);
  return {
    snapshot: rest,
    result: {
      ...result,
      outcome: 'fault',
      reason: (errors[0] as Error).message,
      errors: [...errors, ...result.errors],
      samples: rest.size,
    },
  };
}
