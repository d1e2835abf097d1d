import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';

/** The state of a state agent, as reported to its peers. */
export interface ShardReport {
  readonly shard: number;
  readonly totalShards: number;
  /** Whether it is the leader; the word of the API. */
  readonly isMaster: boolean;
  /** Whether it could push: all of its lists are complete, and it may use the Lease. */
  readonly isSettled: boolean;
  /** Whether it is about to stop. */
  readonly isStopping: boolean;
}

/** Dependencies of {@link Resharding}. */
interface ReshardingWorld extends Pick<Clock, 'monotonicMs' | 'sleep'> {
  /** This agent. */
  readonly own: () => ShardReport;
  /** All agents that answer; may include this one. */
  readonly peers: (patienceMs: number) => Promise<readonly ShardReport[]>;
  readonly log: Log;
}

const POLL_MS = 1000;
const PATIENCE_MS = 1500;
/**
 * After this time an agent counts as ready even though a shard is missing: node agents need it for the names of pods.
 */
const WAIT_MS = 300_000;
/**
 * How long a leader whose shard goes away waits for those that take over: they have to list the cluster, one of a pair after
 * the other. The chart gives the pods of several shards 300 s to stop.
 */
const LINGER_MS = 240_000;
/** The same while no other agent answers: then all of them are stopping, and Kubernetes may give them only 30 s. */
const ALONE_MS = 20_000;
/** How often in a row a successor must answer: when a shard goes away, both of its agents are stopped, but not at the same moment. */
const CONFIRMATIONS = 2;

/**
 * Lets the number of shards change without losing series. Agents of the new number are ready only when each of its
 * shards has an agent that has listed its objects, so a rollout leaves the old agents running until then. An agent
 * whose shard goes away keeps pushing until all new ones push. For a while two agents push the same object, with the
 * same values.
 */
export class Resharding {
  readonly #world: ReshardingWorld;
  #ready: boolean = false;

  constructor(world: ReshardingWorld) {
    this.#world = world;
  }

  /** Whether every shard of this agent's number has an agent that has listed its objects. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Polls until all shards are ready, for at most five minutes. */
  async watch(signal: AbortSignal): Promise<void> {
    const { own, peers, sleep, monotonicMs, log } = this.#world;
    const began = monotonicMs();
    while (!signal.aborted && !this.#ready) {
      const isLate = monotonicMs() - began > WAIT_MS;
      const reports = own().isSettled ? [own(), ...(await peers(PATIENCE_MS))] : [];
      // A shard without a leader is still waiting for its Lease; one whose leader has another number is about to take
      // over.
      const allHaveLeaders = reports.every(({ shard }) => reports.some((one) => one.shard === shard && one.isMaster));
      this.#ready = isLate || (allHaveLeaders && isComplete(reports, own().totalShards, ({ isSettled }) => isSettled));
      if (isLate)
        log.warn(
          { totalShards: own().totalShards },
          'not all shards have a ready state agent; continuing without them',
        );
      if (!this.#ready) await sleep(POLL_MS, signal);
    }
  }

  /**
   * Resolves when this agent, which is about to stop, is no longer needed: another agent has its shard, or the others
   * cover all objects without it.
   */
  async linger(): Promise<void> {
    const { own, peers, sleep, monotonicMs, log } = this.#world;
    const { shard, totalShards } = own();
    if (totalShards === 1 || !own().isMaster) return;
    const began = monotonicMs();
    let lastReportMs = began;
    let confirmations = 0;
    const { signal } = new AbortController();
    while (monotonicMs() - began < LINGER_MS && monotonicMs() - lastReportMs < ALONE_MS && own().isMaster) {
      const reports = (await peers(PATIENCE_MS)).filter(({ isStopping }) => !isStopping);
      if (reports.length > 0) lastReportMs = monotonicMs();
      const numbers = new Set(reports.map((report) => report.totalShards));
      confirmations = reports.some((report) => report.shard === shard && report.isSettled) ? confirmations + 1 : 0;
      if (confirmations === CONFIRMATIONS) return;
      if (
        [...numbers].some((number) => isComplete(reports, number, ({ isMaster, isSettled }) => isMaster && isSettled))
      ) {
        return;
      }
      await sleep(POLL_MS, signal);
    }
    log.warn({ shard, totalShards }, 'this shard is stopping, but no other state agents have taken over its objects');
  }
}

/** Whether each shard of that number has an agent that satisfies `isGood`. */
const isComplete = (reports: readonly ShardReport[], totalShards: number, isGood: (report: ShardReport) => boolean) =>
  Array.from({ length: totalShards }, (_, shard) => shard).every((shard) =>
    reports.some((one) => one.shard === shard && one.totalShards === totalShards && !one.isStopping && isGood(one)),
  );
