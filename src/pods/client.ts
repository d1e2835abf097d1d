import { Counter, Gauge, type Registry } from 'prom-client';
import { doubledMs } from '../base/backoff.ts';
import { type Clock, monotonicMs, sleep } from '../base/clock.ts';
import { errorText } from '../base/error-text.ts';
import type { Log } from '../base/log.ts';
import type { ContainerInfo, PodInfo } from '../kube/pod-info.ts';
import type { IdentitySource } from './source.ts';

/** The pod and container of a cgroup. */
interface Identity {
  readonly pod: PodInfo;
  /** Undefined for a pod's own cgroup, its sandbox, and a container that is too new. */
  readonly container?: ContainerInfo;
}

/** The status of a client. */
interface IdentityStatus {
  readonly source: string;
  /** Since the last successful response; since the start if there was none. */
  readonly ageSeconds: number;
  readonly pods: number;
  /** Why the source is unavailable. */
  readonly failure?: string;
}

/** The environment of the client. */
interface IdentityWorld extends Pick<Clock, 'monotonicMs' | 'sleep'> {
  readonly log: Log;
  readonly registry: Registry;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
}

/** The environment outside of tests. */
export const realIdentityWorld = (log: Log, registry: Registry): IdentityWorld => ({
  log,
  registry,
  monotonicMs,
  random: Math.random,
  sleep,
});

const SHORTEST_PAUSE_MS = 1000;

/**
 * How often one id triggers an immediate request, if the caller looks it up each cycle: after that it is not just a new
 * container, but for example a sandbox, which no source lists.
 */
const PROMPTS = 4;
const MAX_UNKNOWN = 2000;

/**
 * Maintains the pods of this node: polls a source periodically, and as soon as there is an unknown container. If the
 * source is unavailable, the last response is used; its age is a metric.
 */
export class IdentityClient {
  readonly #source: IdentitySource;
  readonly #refreshMs: number;
  readonly #world: IdentityWorld;
  readonly #refreshes: Counter;
  readonly #stopping = new AbortController();
  #byContainer = new Map<string, Identity>();
  #byPod = new Map<string, PodInfo>();
  /** Number of lookups of each unknown id. */
  readonly #unknown = new Map<string, number>();
  #wake = new AbortController();
  #answeredAt: number;
  #hasAnswered: boolean = false;
  #failures = 0;
  #failure: string | undefined;
  #running: Promise<void> | undefined;

  constructor(source: IdentitySource, refreshMs: number, world: IdentityWorld) {
    this.#source = source;
    this.#refreshMs = refreshMs;
    this.#world = world;
    this.#answeredAt = world.monotonicMs();
    const registers = [world.registry];
    const labels = { source: source.name };
    const age = () => this.ageSeconds;
    const pods = () => this.pods.size;
    new Gauge({
      name: 'firesteel_identity_age_seconds',
      help: 'Time since the last successful response of the pod source, or since the start if there was none.',
      labelNames: ['source'],
      registers,
      collect() {
        this.set(labels, age());
      },
    });
    new Gauge({
      name: 'firesteel_identity_pods',
      help: 'Known pods of this node.',
      labelNames: ['source'],
      registers,
      collect() {
        this.set(labels, pods());
      },
    });
    this.#refreshes = new Counter({
      name: 'firesteel_identity_refreshes_total',
      help: 'Requests to the pod source, by result: changed, unchanged or error.',
      labelNames: ['source', 'result'],
      registers,
    });
  }

  /** Seconds since the last successful response. */
  get ageSeconds(): number {
    return (this.#world.monotonicMs() - this.#answeredAt) / 1000;
  }

  /** The current status. */
  get status(): IdentityStatus {
    const failure = this.#failure === undefined ? {} : { failure: this.#failure };
    return { source: this.#source.name, ageSeconds: this.ageSeconds, pods: this.pods.size, ...failure };
  }

  /** All known pods by their uid; static ones also by the uid assigned by the kubelet. */
  get pods(): ReadonlyMap<string, PodInfo> {
    return this.#byPod;
  }

  /** The same, once the source has responded: after that, a missing pod does not exist. */
  get answered(): ReadonlyMap<string, PodInfo> | undefined {
    return this.#hasAnswered ? this.#byPod : undefined;
  }

  /** Starts polling; to be called only once. */
  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#source.close();
  }

  /**
   * The identity of a container's cgroup, by the container's id, otherwise by the uid in the path above it. An unknown
   * id triggers an immediate request to the source.
   */
  find(containerId: string, podUid: string): Identity | undefined {
    const known = this.#byContainer.get(containerId);
    if (known) return known;
    this.#prompt(containerId);
    return this.findPod(podUid);
  }

  /** The pod with that uid, or that hash of its static configuration. */
  findPod(podUid: string): Identity | undefined {
    const pod = this.#byPod.get(podUid);
    return pod && { pod };
  }

  #prompt(id: string): void {
    const before = this.#unknown.get(id) ?? 0;
    if (before >= PROMPTS) return;
    if (this.#unknown.size >= MAX_UNKNOWN) this.#unknown.clear();
    this.#unknown.set(id, before + 1);
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    const { monotonicMs, sleep, random } = this.#world;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const began = monotonicMs();
      this.#wake = new AbortController();
      await this.#refresh();
      // Agents that were started together, by a rollout for example, must not keep polling in sync.
      await sleep(this.#refreshMs * (0.9 + 0.2 * random()), AbortSignal.any([signal, this.#wake.signal]));
      const pause = doubledMs(this.#failures + 1, { firstMs: SHORTEST_PAUSE_MS, longestMs: this.#refreshMs });
      const left = began + pause - monotonicMs();
      if (left > 0) await sleep(left, signal);
    }
  }

  async #refresh(): Promise<void> {
    const { log, monotonicMs } = this.#world;
    const source = this.#source.name;
    try {
      const pods = await this.#source.pods(this.#stopping.signal);
      if (pods) this.#take(pods);
      this.#refreshes.inc({ source, result: pods ? 'changed' : 'unchanged' });
      this.#answeredAt = monotonicMs();
      this.#failures = 0;
      if (this.#failure !== undefined) log.info({ source }, 'pod source recovered');
      this.#failure = undefined;
    } catch (cause) {
      if (this.#stopping.signal.aborted) return;
      this.#refreshes.inc({ source, result: 'error' });
      this.#failures = Math.min(this.#failures + 1, 10);
      const message = errorText(cause);
      if (message !== this.#failure) {
        log.warn({ source, error: message }, 'pod source unavailable; using the last known pods');
      }
      this.#failure = message;
    }
  }

  #take(pods: readonly PodInfo[]): void {
    const byContainer = new Map<string, Identity>();
    const byPod = new Map<string, PodInfo>();
    for (const pod of pods) {
      byPod.set(pod.uid, pod);
      if (pod.configHash !== undefined) byPod.set(pod.configHash, pod);
      for (const container of pod.containers) {
        // cgroups are named after the id without the runtime: containerd://<id>.
        const id = container.id.slice(container.id.indexOf('://') + 3);
        if (container.id !== '') byContainer.set(id, { pod, container });
      }
    }
    this.#byContainer = byContainer;
    this.#byPod = byPod;
    this.#hasAnswered = true;
    for (const id of this.#unknown.keys()) if (byContainer.has(id)) this.#unknown.delete(id);
  }
}
