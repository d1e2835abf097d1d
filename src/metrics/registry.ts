import { type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client';
import { encodeByFamily } from './encoder.ts';
import { type Family, isLabelName, type MetricType } from './family.ts';
import { type CollectorResult, NoData } from './outcome.ts';
import type { Prepared } from './prepared.ts';
import { resultSamples } from './result-samples.ts';
import { Snapshot } from './snapshot.ts';
import { labelBlock } from './text.ts';

/** Makes one collector's snapshot. Adds what it sees to `out`; throws {@link NoData} or a fault. */
export interface Producer {
  readonly group: string;
  readonly name: string;
  collect(out: Snapshot, signal: AbortSignal): void | Promise<void>;
}

/** One cycle's data: the snapshots of each group, and how each collector fared. */
export interface Gathered {
  readonly groups: ReadonlyMap<string, readonly Snapshot[]>;
  readonly results: readonly CollectorResult[];
}

/** Turns the results of a cycle into samples of that same cycle. */
export type Report = (results: readonly CollectorResult[]) => Snapshot;

/** Where the agent's own metrics go. */
export const SELF_GROUP = 'agent';

interface Registered {
  readonly producer: Producer;
  /** Set while a run that missed its deadline has still not returned. */
  lateSince: number | undefined;
}

/**
 * The one registry: prom-client's for the agent's own counters and histograms, extended by producers, which bring a
 * fresh snapshot each cycle instead of keeping a metric object per series.
 */
export class AgentRegistry extends Registry {
  readonly #registered: Registered[] = [];
  readonly #prepared: Prepared[] = [];
  readonly #reports: { readonly group: string; readonly report: Report }[] = [
    { group: SELF_GROUP, report: resultSamples },
  ];
  readonly #clock: () => number;

  /** `clock` tells monotonic milliseconds. */
  constructor(clock: () => number = () => performance.now()) {
    super();
    this.#clock = clock;
  }

  /** Registers a producer. Throws when the group already has one of that name. */
  addProducer(producer: Producer): void {
    const taken = this.#registered.some(
      (other) => other.producer.group === producer.group && other.producer.name === producer.name,
    );
    if (taken) throw new Error(`BUG: collector ${producer.group}.${producer.name} is registered twice`);
    this.#registered.push({ producer, lateSince: undefined });
  }

  /** Adds samples about the collectors' results to a group, when that group has a producer. */
  addReport(group: string, report: Report): void {
    this.#reports.push({ group, report });
  }

  /** Registers a part of a group that is kept compressed between cycles. */
  addPrepared(prepared: Prepared): void {
    this.#prepared.push(prepared);
  }

  /** The parts that are kept compressed. */
  get prepared(): readonly Prepared[] {
    return this.#prepared;
  }

  /** The groups that have producers, and the agent's own. */
  get groups(): ReadonlySet<string> {
    return new Set([SELF_GROUP, ...this.#registered.map(({ producer }) => producer.group)]);
  }

  /**
   * Runs all producers at once, each with `deadlineMs`. One that fails or is late loses only its own series. A family
   * that two collectors bring is refused from the one registered later.
   */
  async gather(deadlineMs: number, signal?: AbortSignal): Promise<Gathered> {
    const timeout = AbortSignal.timeout(deadlineMs);
    const deadline = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const runs: (Run | Promise<Run>)[] = [];
    for (const registered of this.#registered) {
      // Most collectors are synchronous: without a turn between them a cycle would block the loop as a whole.
      await new Promise<void>((resolve) => setImmediate(resolve));
      runs.push(this.#run(registered, deadlineMs, deadline));
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

  /** The whole registry, collected now and regrouped by family, in pieces that end with a line. */
  async *byFamily(deadlineMs: number): AsyncGenerator<Buffer> {
    const { groups } = await this.gather(deadlineMs);
    yield* encodeByFamily([...groups.values()].flat());
    for (const prepared of this.#prepared) yield* prepared.byFamily();
  }

  /** {@link byFamily} as one text. */
  override async metrics(): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.byFamily(DEFAULT_DEADLINE_MS)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  #run(registered: Registered, deadlineMs: number, deadline: AbortSignal): Run | Promise<Run> {
    const { producer } = registered;
    const started = this.#clock();
    const snapshot = new Snapshot();
    const done = (error?: Error) => finish(producer, snapshot, this.#clock() - started, error);
    if (registered.lateSince !== undefined) {
      const seconds = Math.round((started - registered.lateSince) / 1000);
      return done(new Error(`still busy with a run begun ${seconds} s ago; skipped`));
    }
    let pending: void | Promise<void>;
    try {
      pending = producer.collect(snapshot, deadline);
    } catch (cause) {
      return done(asError(cause));
    }
    if (pending === undefined) return done();
    return this.#await(registered, pending, deadline).then(
      () => done(),
      (cause) => {
        if (!(cause instanceof Late)) return done(asError(cause));
        return done(new Error(`no answer within ${deadlineMs} ms; its series are left out of this cycle`));
      },
    );
  }

  /** Waits for a run until `deadline`; a run that is late is not started again before it has returned. */
  async #await(registered: Registered, pending: Promise<void>, deadline: AbortSignal): Promise<void> {
    const started = this.#clock();
    const late = Promise.withResolvers<never>();
    const expire = () => {
      registered.lateSince = started;
      const free = () => {
        registered.lateSince = undefined;
      };
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
    const snapshot = new Snapshot();
    for (const metric of await this.getMetricsAsJSON()) {
      const { name, help, type, values } = metric as unknown as MetricObjectWithValues<MetricValue<string>>;
      const family: Family = { name, help, type: type as unknown as MetricType, labels: [] };
      for (const { labels, value, metricName } of values as readonly NamedValue[]) {
        const names = Object.keys(labels).filter((label) => label === 'le' || isLabelName(label));
        const texts = names.map((label) => String(labels[label]));
        snapshot.addSeries(family, (metricName ?? name) + labelBlock(names, texts), value);
      }
    }
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
