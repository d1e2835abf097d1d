import { randomUUID } from 'node:crypto';
import type { Log } from '../base/log.ts';
import type { Election, ElectionHooks, ElectionStatus } from './election.ts';
import { type LeaseMetrics, leaseMetrics } from './lease-metrics.ts';
import type { LeaseOptions, LeaseWorld } from './lease-options.ts';
import { type PeerAnswer, type PeerQuestion, proofOf, proofOfHolder, watchHolder } from './lease-peers.ts';
import {
  type Candidate,
  holderOf,
  isHeldBy,
  isReleased,
  type Lease,
  newLease,
  noteOf,
  released,
  renewed,
  takenOver,
  transitionsOf,
  validMs,
  withNote,
} from './lease-record.ts';
import { LeaseSight } from './lease-sight.ts';
import { isConflict, isNotFound, LeaseStore } from './lease-store.ts';

/**
 * Pauses are this fraction of `retryMs`, spread so that candidates do not send requests simultaneously. The leader
 * renews more often than a standby checks, which costs a millisecond of CPU each time. A standby checks often enough
 * that a new leader's first push still arrives within lease duration + retry period after the old leader dies.
 */
const PAUSE = { master: [0.4, 0.8], standby: [0.7, 0.95] } as const;
const [, LONGEST_PAUSE] = PAUSE.standby;
/** While the API server does not respond, the peers are asked at this fraction of `retryMs`. */
const ASK_PAUSE = 0.4;

const STOP_MS = 3000;

/** Grace period on top of the longest pause, after which the API server counts as unreachable. */
const REACH_MS = 1500;
/** How long to wait for answers from other candidates. */
const CONSENT_MS = 1500;

/**
 * Leader election with one Lease, as in client-go. Clocks are never compared: a record has expired when it has not
 * changed for its duration on our own clock. The leader counts from when it *began* its last successful renewal, and
 * stops acting as leader 5 s (of 15) before another candidate may take over. So the two clocks may differ in speed by a
 * fifth, and the process may be suspended at any point.
 */
export class LeaseElection implements Election {
  readonly #options: LeaseOptions;
  readonly #world: LeaseWorld;
  readonly #hooks: ElectionHooks;
  readonly #metrics: LeaseMetrics;
  readonly #store: LeaseStore;
  readonly #candidate: Candidate;
  readonly #stopping = new AbortController();
  #masterUntil = Number.NEGATIVE_INFINITY;
  readonly #sight: LeaseSight;
  #announced: 'master' | 'slave' = 'slave';
  /** Why this process became leader, or lost leadership. */
  #reason = '';
  #failure: string | undefined;
  /** Until when we have promised another candidate that it may continue as leader. */
  #promisedUntil = Number.NEGATIVE_INFINITY;
  /** When the API server last responded. */
  #reachedAt = Number.NEGATIVE_INFINITY;
  /** Whether a takeover is in progress. */
  #isTakingOver: boolean = false;
  /** Whether leadership is based on the peers' consent, not on the Lease. */
  #withoutLease: boolean = false;
  /** Whether the agent is about to stop. */
  #isRetired = false;
  #wake = new AbortController();
  /** Proof of the previous holder of the Lease. */
  #previous = '';
  #asking: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: LeaseOptions, world: LeaseWorld, hooks: ElectionHooks = {}) {
    const { namespace, name, identity } = options;
    this.#options = options;
    this.#world = world;
    this.#hooks = hooks;
    this.#store = new LeaseStore(world.api, world.sleep, namespace, name);
    this.#candidate = { identity, process: randomUUID() };
    this.#sight = new LeaseSight(this.#candidate, options.durationMs, world.monotonic);
    this.#metrics = leaseMetrics(
      world.registry,
      name,
      () => this.isMaster() && !this.#isRetired,
      () => this.isMaster() && this.#withoutLease,
    );
  }

  /** Created on each use, since a child logger keeps the level its parent had when it was created. */
  get #log(): Log {
    const { namespace, name, identity } = this.#options;
    return this.#world.log.child({ lease: `${namespace}/${name}`, identity });
  }

  isMaster(): boolean {
    return this.#world.monotonic() < this.#masterUntil;
  }

  get status(): ElectionStatus {
    const { namespace, name } = this.#options;
    const { lease } = this.#sight;
    return {
      lease: `${namespace}/${name}`,
      master: this.isMaster(),
      holder: lease ? holderOf(lease) : '',
      transitions: lease ? transitionsOf(lease) : 0,
      withoutLease: this.isMaster() && this.#withoutLease,
    };
  }

  start(): void {
    this.#running ??= this.#run();
    const { peers, sleep } = this.#world;
    if (!peers) return;
    void watchHolder(peers, {
      lease: this.status.lease,
      holder: () => this.#sight.otherHolder,
      onEnd: (proof) => this.#holderEnded(proof),
      sleep,
      signal: this.#stopping.signal,
    });
  }

  /**
   * Answers a holder that cannot reach the API server. Consent has the same effect as a renewal: from now on the Lease
   * belongs to the other process for its duration by our clock. The holder counts a shorter time, starting before it
   * asked.
   */
  answer({ lease, proof, previous, transitions }: PeerQuestion): PeerAnswer {
    const { durationMs, retryMs } = this.#options;
    const now = this.#world.monotonic();
    if (lease !== this.status.lease) return 'other';
    if (proof === proofOf(this.#candidate)) return 'self';
    if (this.isMaster()) return 'leads';
    if (this.#isTakingOver || now - this.#reachedAt < LONGEST_PAUSE * retryMs + REACH_MS) return 'reaches';
    const seen = this.#sight.lease;
    // A candidate that has not seen the Lease yet has to watch it for its duration before it may take it.
    if (seen === undefined) return 'granted';
    const known = proofOfHolder(seen);
    const isNewer = known !== undefined && known === previous && transitions > transitionsOf(seen);
    if (known !== proof && !isNewer) return 'stranger';
    this.#promisedUntil = now + validMs(seen, durationMs);
    return 'granted';
  }

  /** Whether this process is the holder that a peer asks about. */
  isHolder({ lease, proof }: Pick<PeerQuestion, 'lease' | 'proof'>): boolean {
    return lease === this.status.lease && proof === proofOf(this.#candidate);
  }

  retire(): void {
    this.#isRetired = true;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    this.#end('the agent is stopping');
    const done = new AbortController();
    const finished = this.#finish().finally(() => done.abort());
    await Promise.race([finished, this.#world.sleep(STOP_MS, done.signal)]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#round();
      this.#announce();
      this.#wake = new AbortController();
      await this.#world.sleep(this.#pauseMs(), AbortSignal.any([signal, this.#wake.signal]));
      this.#announce();
    }
  }

  /** Until the next round is due, or until our leadership or the Lease of another holder ends. */
  #pauseMs(): number {
    const [shortest, longest] = this.isMaster() ? PAUSE.master : PAUSE.standby;
    const pause = this.#options.retryMs * (shortest + (longest - shortest) * this.#world.random());
    const end = this.isMaster() ? this.#masterUntil : this.#sight.othersUntil;
    const left = end - this.#world.monotonic();
    return left > 0 ? Math.min(pause, left) : pause;
  }

  async #round(): Promise<void> {
    try {
      await this.#acquireOrRenew();
      this.#reachedAt = this.#world.monotonic();
      if (this.#failure !== undefined) this.#log.info('leader election recovered');
      this.#failure = undefined;
    } catch (error) {
      // Another candidate was faster; the next round shows which one.
      if (isConflict(error)) {
        this.#reachedAt = this.#world.monotonic();
        return;
      }
      this.#metrics.errors.inc();
      const { message } = error as Error;
      if (message !== this.#failure) this.#log.warn({ err: error }, 'leader election failed; retrying');
      this.#failure = message;
      this.#asking ??= this.#keepAskingPeers().finally(() => {
        this.#asking = undefined;
      });
    }
  }

  /** Asks the peers in parallel with the rounds, which may hang, until a round succeeds. */
  async #keepAskingPeers(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#failure !== undefined && !signal.aborted) {
      await this.#askPeers();
      this.#announce();
      await this.#world.sleep(this.#options.retryMs * ASK_PAUSE, signal);
    }
  }

  /** The API server is unreachable: the last holder of the Lease remains leader as long as all peers agree. */
  async #askPeers(): Promise<void> {
    const { peers, monotonic } = this.#world;
    const { lease } = this.#sight;
    if (!peers || !lease || !this.#sight.isOurs || this.#stopping.signal.aborted) return;
    const began = monotonic();
    const question = {
      lease: this.status.lease,
      proof: proofOf(this.#candidate),
      previous: this.#previous,
      transitions: transitionsOf(lease),
    };
    const { against } = await peers.consent(question, CONSENT_MS);
    const { isOurs: isStillOurs } = this.#sight;
    const hasPromised = monotonic() < this.#promisedUntil;
    if (this.#stopping.signal.aborted || this.#failure === undefined || !isStillOurs || hasPromised) return;
    if (against !== undefined) {
      if (this.#withoutLease)
        this.#log.warn({ against }, 'not all other state agents agree to continue without the Lease');
      this.#withoutLease = false;
      return;
    }
    if (!this.#withoutLease)
      this.#log.warn('no state agent can reach the API server: the leader continues without the Lease');
    this.#withoutLease = true;
    this.#reason = 'no state agent can reach the API server';
    this.#masterUntil = Math.max(this.#masterUntil, began + this.#options.renewDeadlineMs);
  }

  /** The Lease is free before it expires: its holder has ended. */
  #holderEnded(proof: string): void {
    this.#log.info({ holder: this.status.holder }, 'the process holding the Lease has ended');
    this.#sight.ended(proof);
    this.#wake.abort();
  }

  async #acquireOrRenew(): Promise<void> {
    const { durationMs } = this.#options;
    const { monotonic, now } = this.#world;
    const { lease: known } = this.#sight;
    if (this.isMaster() && known) {
      try {
        await this.#put(renewed(known, this.#candidate, durationMs, now()));
        return;
      } catch (error) {
        // Edited or deleted in the meantime, by a person or a candidate: read the current record.
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }
    const lease = await this.#store.get(this.#patienceMs());
    if (lease !== undefined) this.#observe(lease);
    // A deleted Lease may have a leader that does not know yet, so its record counts until it expires.
    const othersUntil = Math.max(this.#sight.othersUntil, this.#promisedUntil);
    if (monotonic() < othersUntil) {
      this.#end(`held by ${(lease && holderOf(lease)) || 'no one: the Lease was edited or deleted'}`);
    } else if (lease === undefined) {
      const { namespace, name } = this.#options;
      await this.#put(newLease(namespace, name, this.#candidate, durationMs, now()), 'the Lease did not exist');
    } else if (isHeldBy(lease, this.#candidate)) {
      await this.#put(renewed(lease, this.#candidate, durationMs, now()), 'renewed the Lease after a failure');
    } else {
      const why = isReleased(lease) ? 'the Lease was free' : `the Lease held by ${holderOf(lease) || 'no one'} expired`;
      await this.#put(takenOver(lease, this.#candidate, durationMs, now()), why);
      this.#previous = proofOfHolder(lease) ?? '';
    }
  }

  async #put(body: Lease, reason?: string): Promise<void> {
    const began = this.#world.monotonic();
    this.#isTakingOver = reason !== undefined;
    try {
      const noted = withNote(body, this.#world.notes?.note(false));
      this.#holds(await this.#store.put(noted, this.#patienceMs()), began, reason);
    } finally {
      this.#isTakingOver = false;
    }
  }

  /**
   * How long to wait for a response: one of two tries may hang, and a response is useless once leadership has ended.
   */
  #patienceMs(): number {
    const patience = this.#options.renewDeadlineMs / 2;
    return this.isMaster() ? Math.min(patience, this.#masterUntil - this.#world.monotonic()) : patience;
  }

  /** The API server has stored our record; it is valid from when the request was sent. */
  #holds(lease: Lease, began: number, reason?: string): void {
    this.#observe(lease);
    this.#metrics.renewed.set(this.#world.now() / 1000);
    if (this.#stopping.signal.aborted) return;
    if (reason !== undefined) this.#reason = reason;
    this.#withoutLease = false;
    this.#masterUntil = began + this.#options.renewDeadlineMs;
  }

  /** Stores the record and when it last changed. */
  #observe(lease: Lease): void {
    this.#metrics.transitions.set(transitionsOf(lease));
    this.#world.notes?.noted(noteOf(lease));
    const holder = this.#sight.observe(lease);
    if (holder === undefined) return;
    const isOurName = holder === this.#candidate.identity;
    this.#log.info(
      { holder },
      isOurName
        ? 'a previous process with this identity holds the Lease; waiting for it to expire'
        : 'another candidate holds the Lease',
    );
  }

  /** Ends leadership, if this process was the leader. */
  #end(reason: string): void {
    if (this.#announced === 'master') this.#reason = reason;
    this.#masterUntil = Number.NEGATIVE_INFINITY;
    this.#announce();
  }

  /** Logs a change of role and calls the hook, once. */
  #announce(): void {
    const role = this.isMaster() ? 'master' : 'slave';
    if (role === this.#announced) return;
    this.#announced = role;
    if (role === 'master') {
      this.#log.info({ reason: this.#reason }, 'became leader');
      this.#hooks.onMaster?.();
      return;
    }
    const ended = this.#masterUntil === Number.NEGATIVE_INFINITY;
    const reason = ended
      ? this.#reason
      : `the Lease was not renewed in time: ${this.#failure ?? 'the process was suspended'}`;
    this.#log.warn({ reason }, 'lost leadership');
    this.#hooks.onSlave?.();
  }

  /** Waits for the running round, then releases the Lease if this process holds it. */
  async #finish(): Promise<void> {
    const release = async (lease: Lease | undefined) => {
      if (!lease || !isHeldBy(lease, this.#candidate)) return;
      const noted = withNote(lease, this.#world.notes?.note(true));
      await this.#store.put(released(noted, this.#world.now()), STOP_MS);
      this.#log.info('released the Lease');
    };
    try {
      await this.#running;
      await release(this.#sight.lease).catch(async (error: unknown) => {
        if (!isConflict(error)) throw error;
        await release(await this.#store.get(STOP_MS));
      });
    } catch (error) {
      this.#log.warn({ err: error }, 'failed to release the Lease; it has to expire');
    }
  }
}
