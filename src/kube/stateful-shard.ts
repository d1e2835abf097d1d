import { sleep } from '../base/clock.ts';
import { errorText } from '../base/error-text.ts';
import type { Log } from '../base/log.ts';
import type { KubeApi } from './api.ts';
import type { KubeObject } from './object.ts';
import { controllerOf } from './workload.ts';

/** The pod of this agent, part of a StatefulSet. */
export interface ShardedPod {
  readonly namespace: string;
  readonly pod: string;
}

/** Which shard this agent is, and of how many. */
interface Sharding {
  readonly shard: number;
  readonly totalShards: number;
}

interface StatefulSet extends KubeObject {
  readonly spec?: { readonly replicas?: number | null; readonly ordinals?: { readonly start?: number } | null } | null;
}

/** How often the number of replicas is checked. */
const POLL_MS = 30_000;
const PATIENCE_MS = 10_000;
/** Attempts at startup, one second apart: a pod may start before its RBAC permissions are in effect. */
const MAX_TRIES = 10;
const RETRY_MS = 1000;

/**
 * kube-state-metrics' automatic sharding: the ordinal of the pod is its shard, and the number of replicas of its
 * StatefulSet is the number of shards. Rejects when the pod does not belong to a StatefulSet, or is beyond its replicas
 * and about to be deleted.
 */
export async function shardingOf(
  api: Pick<KubeApi, 'json'>,
  { namespace, pod }: ShardedPod,
  signal: AbortSignal,
): Promise<Sharding> {
  const inNamespace = `namespaces/${encodeURIComponent(namespace)}`;
  const object = await api.json<KubeObject>({ path: `/api/v1/${inNamespace}/pods/${encodeURIComponent(pod)}`, signal });
  const owner = controllerOf(object);
  if (owner?.kind !== 'StatefulSet' || owner.name === undefined) {
    throw new Error(`pod ${namespace}/${pod} does not belong to a StatefulSet (controller: ${owner?.kind ?? 'none'})`);
  }
  const path = `/apis/apps/v1/${inNamespace}/statefulsets/${encodeURIComponent(owner.name)}`;
  const { spec } = await api.json<StatefulSet>({ path, signal });
  const ordinal = /-(\d+)$/.exec(pod)?.[1];
  const shard = Number(ordinal) - (spec?.ordinals?.start ?? 0);
  const totalShards = spec?.replicas ?? 1;
  if (!(shard >= 0 && shard < totalShards)) {
    throw new Error(`pod ${namespace}/${pod} is not among the ${totalShards} replicas of StatefulSet ${owner.name}`);
  }
  return { shard, totalShards };
}

/** The sharding of this agent's pod, and its changes. */
export class StatefulShard {
  readonly #api: Pick<KubeApi, 'json'>;
  readonly #pod: ShardedPod;
  readonly #log: Log;
  readonly #onChange: () => void;
  readonly #pollMs: number;
  readonly #stopping = new AbortController();
  #current: Sharding;

  private constructor(
    api: Pick<KubeApi, 'json'>,
    pod: ShardedPod,
    current: Sharding,
    { log, onChange, pollMs = POLL_MS }: StatefulShardWorld,
  ) {
    this.#api = api;
    this.#pod = pod;
    this.#current = current;
    this.#log = log;
    this.#onChange = onChange;
    this.#pollMs = pollMs;
  }

  /** Asks the API server, with a few retries. */
  static async find(api: Pick<KubeApi, 'json'>, pod: ShardedPod, world: StatefulShardWorld): Promise<StatefulShard> {
    for (let tries = 1; ; tries++) {
      try {
        const found = await shardingOf(api, pod, AbortSignal.timeout(PATIENCE_MS));
        return new StatefulShard(api, pod, found, world);
      } catch (cause) {
        if (tries === MAX_TRIES) throw cause;
        world.log.warn({ reason: errorText(cause), tries }, 'the shard of this pod is not known yet; retrying');
        await sleep(RETRY_MS);
      }
    }
  }

  get current(): Sharding {
    return this.#current;
  }

  start(): void {
    void this.#watch();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    let failed = false;
    for (;;) {
      await sleep(this.#pollMs, signal, { ref: false });
      if (signal.aborted) return;
      try {
        const found = await shardingOf(
          this.#api,
          this.#pod,
          AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
        );
        failed = false;
        const { shard, totalShards } = this.#current;
        if (found.shard === shard && found.totalShards === totalShards) continue;
        this.#log.info({ ...found, before: this.#current }, 'the number of replicas of the StatefulSet has changed');
        this.#current = found;
        this.#onChange();
      } catch (cause) {
        // Includes the error of a pod that is about to be scaled away: it continues with its last known shard until it
        // stops.
        if (!failed && !signal.aborted)
          this.#log.warn(
            { reason: errorText(cause) },
            'failed to check the shard of this pod; keeping the last known one',
          );
        failed = true;
      }
    }
  }
}

/** Dependencies of {@link StatefulShard} besides the API server. */
interface StatefulShardWorld {
  readonly log: Log;
  /** Called when the sharding has changed. */
  readonly onChange: () => void;
  readonly pollMs?: number;
}
