import { byName } from '../base/by-name.ts';
import type { MetricType } from '../metrics/family.ts';
import { KnownFamilies } from '../metrics/known-families.ts';
import type { Producer } from '../metrics/scope.ts';
import type { Snapshot } from '../metrics/snapshot.ts';
import { blockOfPairs } from '../metrics/text/format.ts';

/** A rejected push; `status` is the HTTP status. */
export class PushRefused extends Error {
  override readonly name = 'PushRefused';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Names and values of labels, `job` first. */
export type GroupLabels = readonly (readonly [name: string, value: string])[];

/** A family that was pushed. */
export interface PushedFamily {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: GroupLabels;
    readonly value: number;
  }[];
}

/** Limits of the store. */
interface StoreLimits {
  /** Series of a job. */
  readonly series: number;
  readonly jobs: number;
}

/** What the store needs from the agent. */
interface StoreWorld {
  readonly now: () => number;
  /** Who else emits a family of that name; undefined if no one does. */
  readonly ownerOf: (family: string) => string | undefined;
  readonly onExpired: () => void;
}

interface PushGroup {
  readonly labels: GroupLabels;
  readonly families: Map<string, PushedFamily>;
  untilMs: number;
  pushMs: number | undefined;
  failureMs: number | undefined;
}

const MAX_GROUPS_OF_A_JOB = 100;
const pushTime = 'push_time_seconds';
const failureTime = 'push_failure_time_seconds';
const HELP: Readonly<Record<string, string>> = {
  [pushTime]: 'Last Unix time when changing this group succeeded.',
  [failureTime]: 'Last Unix time when changing this group failed.',
};

/** The data pushed to this agent, by group of labels, as in a Pushgateway, but with an expiry. Lost on restart. */
export class PushStore {
  readonly #groups = new Map<string, PushGroup>();
  readonly #limits: StoreLimits;
  readonly #world: StoreWorld;
  readonly #families = new KnownFamilies();
  readonly producer: Producer;

  constructor(limits: StoreLimits, world: StoreWorld) {
    this.#limits = limits;
    this.#world = world;
    this.producer = {
      group: 'pushed',
      name: 'push',
      shares: true,
      whenEmpty: 'nothing was pushed, or it has expired',
      collect: (out) => this.#collect(out),
    };
  }

  /**
   * Stores a push for `ttlMs`. With `replaces` it replaces the whole group, otherwise only families of the same names.
   * Throws {@link PushRefused} and changes nothing but the time of the failure.
   */
  push(labels: GroupLabels, families: readonly PushedFamily[], ttlMs: number, replaces: boolean): void {
    this.#expire();
    const key = keyOf(labels);
    try {
      this.#check(labels, key, families, replaces);
    } catch (cause) {
      this.failed(labels);
      throw cause;
    }
    const group = this.#groups.get(key) ?? this.#create(labels, key);
    if (replaces) group.families.clear();
    for (const family of families) group.families.set(family.name, family);
    group.pushMs = this.#world.now();
    group.untilMs = group.pushMs + ttlMs;
  }

  /** Records that a push to a group failed, if the group exists. */
  failed(labels: GroupLabels): void {
    const group = this.#groups.get(keyOf(labels));
    if (group) group.failureMs = this.#world.now();
  }

  /** Deletes a group, if it exists. */
  delete(labels: GroupLabels): void {
    this.#groups.delete(keyOf(labels));
  }

  /** Series by job. */
  series(): ReadonlyMap<string, number> {
    this.#expire();
    const counts = new Map<string, number>();
    for (const group of this.#groups.values()) {
      const job = jobOf(group.labels);
      counts.set(job, (counts.get(job) ?? 0) + sizeOf(group.families.values()));
    }
    return counts;
  }

  #create(labels: GroupLabels, key: string): PushGroup {
    const group: PushGroup = { labels, families: new Map(), untilMs: 0, pushMs: undefined, failureMs: undefined };
    this.#groups.set(key, group);
    return group;
  }

  #check(labels: GroupLabels, key: string, families: readonly PushedFamily[], replaces: boolean): void {
    const job = jobOf(labels);
    const others = [...this.#groups].filter(([other]) => other !== key);
    const ofJob = others.filter(([, group]) => jobOf(group.labels) === job);
    if (!this.#groups.has(key)) {
      const jobs = new Set(others.map(([, group]) => jobOf(group.labels)));
      if (!jobs.has(job) && jobs.size >= this.#limits.jobs) {
        throw new PushRefused(429, `there are ${jobs.size} jobs already: see localPush.limits.jobs`);
      }
      if (ofJob.length >= MAX_GROUPS_OF_A_JOB) {
        throw new PushRefused(429, `the job ${job} has ${ofJob.length} groups already`);
      }
    }
    const names = new Set(families.map(({ name }) => name));
    const stays = replaces
      ? []
      : [...(this.#groups.get(key)?.families.values() ?? [])].filter(({ name }) => !names.has(name));
    const size =
      sizeOf(families) + sizeOf(stays) + ofJob.reduce((sum, [, group]) => sum + sizeOf(group.families.values()), 0);
    if (size > this.#limits.series) {
      throw new PushRefused(
        413,
        `the job ${job} would have ${size} series, at most ${this.#limits.series}: see localPush.limits.series`,
      );
    }
    for (const { name, type, samples } of families) {
      if (name in HELP) throw new PushRefused(400, `${name} is a metric of the agent itself`);
      // A part of a histogram without TYPE is a separate family, and one with TYPE may have the name of another family.
      for (const one of new Set([name, ...samples.map((sample) => sample.name)])) {
        const owner = this.#world.ownerOf(one);
        if (owner !== undefined) throw new PushRefused(409, `${one} is a family of ${owner}: choose another name`);
      }
      const other = others.find(([, group]) => (group.families.get(name)?.type ?? type) !== type);
      if (other) {
        const theirs = other[1].families.get(name)?.type;
        throw new PushRefused(409, `${name} is a ${theirs} in another group, but a ${type} here`);
      }
    }
  }

  #expire(): void {
    const nowMs = this.#world.now();
    for (const [key, { untilMs }] of this.#groups) {
      if (untilMs > nowMs) continue;
      this.#groups.delete(key);
      this.#world.onExpired();
    }
  }

  #collect(out: Snapshot): void {
    this.#expire();
    this.#families.begin();
    for (const { labels, families, pushMs, failureMs } of this.#groups.values()) {
      for (const { name, type, help, samples } of families.values()) {
        const family = this.#families.of({ name, type, help });
        for (const sample of samples) out.addSeries(family, keyWith(sample.name, sample.labels, labels), sample.value);
      }
      const times = [
        [pushTime, pushMs],
        [failureTime, failureMs],
      ] as const;
      for (const [name, time] of times) {
        out.addSeries(
          this.#families.of({ name, type: 'gauge', help: HELP[name] ?? '' }),
          keyWith(name, [], labels),
          (time ?? 0) / 1000,
        );
      }
    }
  }
}

const jobOf = (labels: GroupLabels): string => labels.find(([name]) => name === 'job')?.[1] ?? '';

const keyOf = (labels: GroupLabels): string => JSON.stringify([...labels].sort(byName));

function sizeOf(families: Iterable<PushedFamily>): number {
  let size = 0;
  for (const { samples } of families) size += samples.length;
  return size;
}

/**
 * The labels of the group replace those of the line, as in a Pushgateway. After the job in order of their names: a label may
 * be of the group in one push and of the line in another, and the series is the same.
 */
function keyWith(name: string, own: GroupLabels, group: GroupLabels): string {
  const names = new Set(group.map(([label]) => label));
  const [job, ...others] = group;
  const rest = [...others, ...own.filter(([label]) => !names.has(label))].sort(byName);
  return name + blockOfPairs(job === undefined ? rest : [job, ...rest]);
}
