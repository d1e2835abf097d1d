import type { Body, Exporter } from '../exporters/exporter.ts';
import type { ThrottledLog } from '../log.ts';
import { compress, encodeByObject } from '../metrics/encoder.ts';
import { gauge } from '../metrics/family.ts';
import { GROUPS, type Group } from '../metrics/group.ts';
import type { CollectorResult } from '../metrics/outcome.ts';
import type { PreparedBody } from '../metrics/prepared.ts';
import type { AgentRegistry } from '../metrics/registry.ts';
import { Snapshot } from '../metrics/snapshot.ts';

const up = gauge('up', 'Whether the agent pushes this job; there as long as it does, so absence is the alarm.');

export interface CycleOptions {
  readonly registry: AgentRegistry;
  readonly exporters: readonly Exporter[];
  /** Groups that only one of several agents may push, and whether this is the one; asked again before each upload. */
  readonly mayPush?: Partial<Record<Group, () => boolean>>;
  readonly now: () => number;
  readonly log: ThrottledLog;
}

/** What one cycle did. */
export interface CycleReport {
  readonly stampMs: number;
  readonly samples: number;
  readonly results: readonly CollectorResult[];
}

/** One turn of the agent: collect everything, encode each group once, hand it to every exporter. */
export class PushCycle {
  readonly #options: CycleOptions;
  #lastStampMs = 0;

  constructor(options: CycleOptions) {
    this.#options = options;
  }

  /**
   * All samples of a cycle carry the time at which its collection began. Collectors have `deadlineMs`, less when
   * `signal` fires.
   */
  async run(deadlineMs: number, signal?: AbortSignal): Promise<CycleReport> {
    const { registry, exporters, now } = this.#options;
    // A clock that was set back must not give two cycles one stamp.
    const stampMs = Math.max(Math.trunc(now()), this.#lastStampMs + 1);
    this.#lastStampMs = stampMs;
    const { groups, results } = await registry.gather(deadlineMs, signal);
    for (const result of results) this.#tell(result);
    let samples = 0;
    for (const group of GROUPS) {
      const snapshots = groups.get(group);
      const takers = exporters.filter((exporter) => exporter.accepts(group));
      const mayPush = this.#options.mayPush?.[group];
      if (!snapshots || takers.length === 0 || mayPush?.() === false) continue;
      const prepared = await this.#prepared(group, deadlineMs, signal);
      if (prepared === undefined) continue;
      const body = { ...(await encodeGroup(group, stampMs, snapshots, prepared)), ...(mayPush && { mayPush }) };
      samples += body.samples;
      for (const exporter of takers) exporter.deliver(body);
    }
    return { stampMs, samples, results };
  }

  /** The parts of a group that are kept compressed; undefined while one is not complete: better late than half. */
  async #prepared(group: Group, deadlineMs: number, outer?: AbortSignal): Promise<PreparedBody[] | undefined> {
    const timeout = AbortSignal.timeout(deadlineMs);
    const signal = outer ? AbortSignal.any([outer, timeout]) : timeout;
    const bodies: PreparedBody[] = [];
    for (const prepared of this.#options.registry.prepared) {
      if (prepared.group !== group) continue;
      const body = await prepared.body(signal);
      if (body === undefined) return undefined;
      bodies.push(body);
    }
    return bodies;
  }

  #tell({ group, collector, outcome, errors }: CollectorResult): void {
    const { log } = this.#options;
    const name = `${group}.${collector}`;
    const [level, next] =
      outcome === 'fault'
        ? (['warn', 'its series are missing from this push'] as const)
        : (['info', 'the rest of the collector goes on'] as const);
    for (const { message: reason } of errors) {
      log.say(level, `${name}: ${reason}`, { collector: name, reason, next }, 'collection failed');
    }
  }
}

async function encodeGroup(
  group: Group,
  stampMs: number,
  snapshots: readonly Snapshot[],
  prepared: readonly PreparedBody[],
): Promise<Body> {
  const pushed = new Snapshot();
  pushed.add(up, 1);
  const fresh = [pushed, ...snapshots];
  const { members, textBytes } = await compress(encodeByObject(fresh));
  return {
    group,
    stampMs,
    samples: sum([...fresh.map(({ size }) => size), ...prepared.map((part) => part.samples)]),
    textBytes: sum([textBytes, ...prepared.map((part) => part.textBytes)]),
    members: [members, ...prepared.map((part) => part.members)].flat(),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
