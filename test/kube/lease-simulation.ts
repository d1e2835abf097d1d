import { Registry } from 'prom-client';
import { createLog } from '../../src/base/log.ts';
import { ApiError, type KubeApi, type KubeRequest } from '../../src/kube/api.ts';
import { LeaseElection } from '../../src/kube/lease.ts';
import type { LeaseOptions } from '../../src/kube/lease-options.ts';
import type { LeasePeers, PeerAnswer, PeerQuestion } from '../../src/kube/lease-peers.ts';
import type { Lease } from '../../src/kube/lease-record.ts';
import type { Random } from '../kit/random.ts';
import type { Timeline } from '../kit/timeline.ts';

/** The fate of a message: its delay, or its loss. */
export type Network = () => number | 'lost';

/** The other candidates as seen by one of them: which is at each address now, and the connection to it. */
export interface Neighbours {
  readonly at: readonly (() => SimulatedProcess)[];
  readonly network: (index: number) => number | 'lost';
}

/** As in the real client: longer than the interval between two heartbeats. */
const SILENCE_MS = 25_000;

/** When what was lost is sent again. */
const RESEND_MS = 3000;

/** The API server: one Lease with optimistic locking. */
export class LeaseServer {
  lease: Lease | undefined;
  #version = 0;
  /** Called with each record that is stored. */
  readonly watchers = new Set<(lease: Lease) => void>();

  /** Changes the Lease like a manual edit. */
  edit(change: (lease: Lease) => Lease | undefined): void {
    const changed = this.lease && change(this.lease);
    this.lease = changed && this.#stored(changed);
  }

  answer({ method = 'GET', path, query, body }: Omit<KubeRequest, 'signal'>): Lease {
    const wanted = body as Lease | undefined;
    const refuse = (status: number) => new ApiError(`${method} ${path}`, status, '');
    if (method === 'POST') {
      if (this.lease) throw refuse(409);
      this.lease = this.#stored(wanted as Lease);
    } else {
      if (!this.lease) throw refuse(404);
      if (method === 'PUT') {
        if (wanted?.metadata?.resourceVersion !== this.lease.metadata?.resourceVersion) throw refuse(409);
        if (query?.dryRun === 'All') return this.lease;
        this.lease = this.#stored(wanted as Lease);
      }
    }
    return this.lease;
  }

  #stored(lease: Lease): Lease {
    this.#version++;
    const { metadata } = lease;
    const stored = { ...lease, metadata: { ...metadata, resourceVersion: String(this.#version) } };
    for (const watcher of this.watchers) watcher(structuredClone(stored));
    return stored;
  }
}

/** A process with its own clocks that participates in the election; can be stopped, continued and killed. */
export class SimulatedProcess {
  readonly election: LeaseElection;
  /** Added to its wall clock. */
  wallShift = 0;
  #state: 'running' | 'stopped' | 'killed' = 'running';
  readonly #timeline: Timeline;
  readonly #origin: number;
  readonly #rate: number;
  /** Messages that arrived while it was stopped. */
  readonly #backlog: (() => void)[] = [];

  /** `rate` is the speed of its clocks; not all agents follow Leases. */
  constructor(
    timeline: Timeline,
    server: LeaseServer,
    network: Network,
    options: LeaseOptions,
    rate: number,
    random: Random,
    neighbours?: Neighbours,
    followsLeases = random.chance(0.7),
  ) {
    this.#timeline = timeline;
    this.#origin = random.below(1e9);
    this.#rate = rate;
    this.election = new LeaseElection(options, {
      api: this.#api(server, network),
      log: createLog('silent'),
      registry: new Registry(),
      monotonicMs: () => this.#monotonic(),
      wallMs: () => 1_790_000_000_000 + this.#monotonic() + this.wallShift,
      random: () => random.below(1e6) / 1e6,
      sleep: (ms, signal) => this.#sleep(ms, signal),
      peers: neighbours && this.#peers(neighbours),
    });
    if (followsLeases) server.watchers.add((lease) => this.#show(lease, network));
  }

  /** A watch: what is lost on the way arrives later, as over TCP. */
  #show(lease: Lease, network: Network): void {
    const delay = network();
    if (delay === 'lost') this.#timeline.in(RESEND_MS, () => this.#show(lease, network));
    else this.#timeline.in(delay, () => this.#deliver(() => this.election.shows(lease)));
  }

  /** SIGSTOP. */
  stop(): void {
    if (this.#state === 'running') this.#state = 'stopped';
  }

  /** SIGCONT. */
  continue(): void {
    if (this.#state !== 'stopped') return;
    this.#state = 'running';
    for (const run of this.#backlog.splice(0)) run();
  }

  kill(): void {
    this.#state = 'killed';
  }

  get runs(): boolean {
    return this.#state === 'running';
  }

  /** Whether it would push: also checked for a stopped one, which may be continued at any moment. */
  get isLeader(): boolean {
    return this.#state !== 'killed' && this.election.isLeader();
  }

  #monotonic(): number {
    return this.#origin + this.#timeline.now * this.#rate;
  }

  #deliver(run: () => void): void {
    if (this.#state === 'stopped') this.#backlog.push(run);
    else if (this.#state === 'running') run();
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
      this.#timeline.in(Math.max(ms, 1) / this.#rate, () => this.#deliver(resolve));
    });
  }

  /** As over TCP: a killed process refuses connections immediately, a suspended one does not respond. */
  #peers({ at, network }: Neighbours): LeasePeers {
    const ask = (index: number, question: PeerQuestion): Promise<PeerAnswer | 'gone'> =>
      new Promise((resolve) => {
        const send = (run: () => void) => {
          const delay = network(index);
          if (delay !== 'lost') this.#timeline.in(delay, run);
        };
        send(() => {
          const other = at[index]?.();
          const back = (answer: PeerAnswer | 'gone') => send(() => this.#deliver(() => resolve(answer)));
          if (other === undefined || other.#state === 'killed') back('gone');
          else other.#deliver(() => back(other.election.answer(question)));
        });
      });
    const askAll = (question: PeerQuestion, patienceMs: number) => {
      const late = this.#sleep(patienceMs, new AbortController().signal).then(() => 'silence' as const);
      return Promise.all(at.map((_, index) => Promise.race([ask(index, question), late])));
    };
    return {
      consent: async (question, patienceMs) => {
        const answers = await askAll(question, patienceMs);
        const against = answers.find((answer) => !['granted', 'self', 'other', 'gone'].includes(answer));
        return { against };
      },
      isLed: async (question, patienceMs) => (await askAll(question, patienceMs)).includes('leads'),
      ended: async (question, { isWanted, onPresence }, signal) => {
        const found = at.findIndex((process) => process().runs && process().election.isHolder(question));
        const holder = at[found]?.();
        if (!holder || network(found) === 'lost') return false;
        onPresence(true);
        let heardAt = this.#monotonic();
        let hasEnded = false;
        while (!hasEnded && isWanted() && !signal.aborted && this.#monotonic() - heardAt < SILENCE_MS) {
          await this.#sleep(500, signal);
          const isConnected = network(found) !== 'lost';
          if (isConnected && holder.runs) heardAt = this.#monotonic();
          hasEnded = isConnected && (holder.#state === 'killed' || holder.election.released.aborted);
        }
        onPresence(false);
        return hasEnded;
      },
    };
  }

  #api(server: LeaseServer, network: Network): Pick<KubeApi, 'json'> {
    const send = (run: () => void) => {
      const delay = network();
      if (delay !== 'lost') this.#timeline.in(delay, run);
    };
    return {
      json: <T>({ signal, ...request }: KubeRequest): Promise<T> =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
          send(() => {
            let settle: () => void;
            try {
              const lease = structuredClone(server.answer(request));
              settle = () => resolve(lease as T);
            } catch (error) {
              settle = () => reject(error as Error);
            }
            send(() => this.#deliver(settle));
          });
        }),
    };
  }
}
