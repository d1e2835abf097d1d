import type { Log } from '../base/log.ts';
import type { Sleep } from './lease-store.ts';

/** How a state agent stands, as its peers see it. */
export interface ShardReport {
  readonly shard: number;
  readonly totalShards: number;
  readonly isMaster: boolean;
  /** Whether it has listed everything. */
  readonly isSettled: boolean;
  /** Whether it is about to end. */
  readonly isStopping: boolean;
}

/** The world of {@link Resharding}. */
export interface ReshardingWorld {
  /** This agent. */
  readonly own: () => ShardReport;
  /** All that answer, this one among them or not. */
  readonly peers: (patienceMs: number) => Promise<readonly ShardReport[]>;
  readonly sleep: Sleep;
  readonly monotonic: () => number;
  readonly log: Log;
}

const LOOK_MS = 1000;
const PATIENCE_MS = 1500;
/** Then an agent counts as ready though a shard is missing: node agents ask it for the names of pods. */
const WAIT_MS = 300_000;
/** A last push and the release of the Lease have to follow within Kubernetes' 30 s. */
const LINGER_MS = 20_000;

/**
 * Lets the number of shards change without a series missing: agents of the new number are ready only when all of its
 * shards have one that knows its objects, so that a rollout leaves the old ones alone until then; and an agent whose
 * shard is no more pushes on until the new ones all do. For a while two of them push an object, with the same values.
 */
export class Resharding {
  readonly #world: ReshardingWorld;
  #ready: boolean = false;

  constructor(world: ReshardingWorld) {
    this.#world = world;
  }

  /** Whether all shards of this agent's number are known by somebody. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Looks until they are, or for five minutes. */
  async watch(signal: AbortSignal): Promise<void> {
    const { own, peers, sleep, monotonic, log } = this.#world;
    const began = monotonic();
    while (!signal.aborted && !this.#ready) {
      const isLate = monotonic() - began > WAIT_MS;
      const reports = own().isSettled ? [own(), ...(await peers(PATIENCE_MS))] : [];
      // One without a master is still waiting for its Lease; one with a master of another number is about to take over.
      const hasMasters = reports.every(({ shard }) => reports.some((one) => one.shard === shard && one.isMaster));
      this.#ready = isLate || (hasMasters && isComplete(reports, own().totalShards, ({ isSettled }) => isSettled));
      if (isLate) log.warn({ totalShards: own().totalShards }, 'not all shards have a state agent that is ready');
      if (!this.#ready) await sleep(LOOK_MS, signal);
    }
  }

  /** Resolves when this agent, which is to end, is not missed: its shard has another one, or all others do without it. */
  async linger(): Promise<void> {
    const { own, peers, sleep, monotonic, log } = this.#world;
    const { shard, totalShards } = own();
    if (totalShards === 1 || !own().isMaster) return;
    const began = monotonic();
    const { signal } = new AbortController();
    while (monotonic() - began < LINGER_MS && own().isMaster) {
      const reports = (await peers(PATIENCE_MS)).filter(({ isStopping }) => !isStopping);
      const numbers = new Set(reports.map((report) => report.totalShards));
      if (reports.some((report) => report.shard === shard && report.isSettled)) return;
      if (
        [...numbers].some((number) => isComplete(reports, number, ({ isMaster, isSettled }) => isMaster && isSettled))
      ) {
        return;
      }
      await sleep(LOOK_MS, signal);
    }
    log.warn({ shard, totalShards }, 'this shard ends, and no other state agents have taken its objects over');
  }
}

/** Whether each shard of that number has an agent that is `good`. */
const isComplete = (reports: readonly ShardReport[], totalShards: number, good: (report: ShardReport) => boolean) =>
  Array.from({ length: totalShards }, (_, shard) => shard).every((shard) =>
    reports.some((one) => one.shard === shard && one.totalShards === totalShards && !one.isStopping && good(one)),
  );
