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
 * Pauses are this part of `retryMs`, spread so that candidates don't ask together. The master renews more often than a
 * standby looks, which costs a millisecond of CPU each time; a standby looks often enough that a new master's first push
 * still comes within lease duration + retry period after the death of the old one.
 */
const PAUSE = { master: [0.4, 0.8], standby: [0.7, 0.95] } as const;
const [, LONGEST_PAUSE] = PAUSE.standby;
/** While the API server does not answer, the others are asked as often. */
const ASK_PAUSE = 0.4;

const STOP_MS = 3000;

/** An answer of the API server counts for so long beyond the longest pause: then it is not reached. */
const REACH_MS = 1500;
/** How long other candidates may take to answer. */
const CONSENT_MS = 1500;

/**
 * Election by one Lease, as client-go does it. Clocks are never compared: a record has expired when it did not change
 * for its duration on our own clock. The master, in turn, counts from the moment at which it *began* its last
 * successful renewal, and stops believing in it 5 s (of 15) before anybody else may; so both clocks may differ in speed
 * by a fifth, and the process may be stopped at any point.
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
  #told: 'master' | 'slave' = 'slave';
  /** Why this is the master, or is none any more. */
  #reason = '';
  #failure: string | undefined;
  /** Until when another one may go on as master, which we have promised. */
  #promisedUntil = Number.NEGATIVE_INFINITY;
  /** When the API server last answered. */
  #reachedAt = Number.NEGATIVE_INFINITY;
  /** Whether a take-over is on its way. */
  #isTakingOver: boolean = false;
  /** Whether it was the others' consent that made this the master, not the Lease. */
  #withoutLease: boolean = false;
  /** Whether the agent is about to end. */
  #isRetired = false;
  #wake = new AbortController();
  /** Proof of whom the Lease was taken over from. */
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

  /** Made anew each time, since a child keeps the level that its parent had. */
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
   * Answers a holder that does not reach the API server. Consent is worth what a renewal is: from now on the Lease is the
   * other one's for its duration, by our clock, while the holder counts less, from before it asked.
   */
  answer({ lease, proof, previous, transitions }: PeerQuestion): PeerAnswer {
    const { durationMs, retryMs } = this.#options;
    const now = this.#world.monotonic();
    if (lease !== this.status.lease) return 'other';
    if (proof === proofOf(this.#candidate)) return 'self';
    if (this.isMaster()) return 'leads';
    if (this.#isTakingOver || now - this.#reachedAt < LONGEST_PAUSE * retryMs + REACH_MS) return 'reaches';
    const seen = this.#sight.lease;
    // Who has not seen the Lease yet has to watch it for its duration before it may take it.
    if (seen === undefined) return 'granted';
    const known = proofOfHolder(seen);
    const isNewer = known !== undefined && known === previous && transitions > transitionsOf(seen);
    if (known !== proof && !isNewer) return 'stranger';
    this.#promisedUntil = now + validMs(seen, durationMs);
    return 'granted';
  }

  /** Whether this is the holder that a peer wants to know about. */
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
    this.#end('the agent stops');
    const done = new AbortController();
    const finished = this.#finish().finally(() => done.abort());
    await Promise.race([finished, this.#world.sleep(STOP_MS, done.signal)]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#round();
      this.#tell();
      this.#wake = new AbortController();
      await this.#world.sleep(this.#pauseMs(), AbortSignal.any([signal, this.#wake.signal]));
      this.#tell();
    }
  }

  /** Until the next round is due, or something ends: our mastership, or another one's. */
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
      if (this.#failure !== undefined) this.#log.info('the election goes on');
      this.#failure = undefined;
    } catch (error) {
      // Another candidate was faster; the next round sees who.
      if (isConflict(error)) {
        this.#reachedAt = this.#world.monotonic();
        return;
      }
      this.#metrics.errors.inc();
      const { message } = error as Error;
      if (message !== this.#failure) this.#log.warn({ err: error }, 'leader election failed; retrying');
      this.#failure = message;
      this.#asking ??= this.#askOn().finally(() => {
        this.#asking = undefined;
      });
    }
  }

  /** Beside the rounds, which may hang, until one succeeds. */
  async #askOn(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#failure !== undefined && !signal.aborted) {
      await this.#goOn();
      this.#tell();
      await this.#world.sleep(this.#options.retryMs * ASK_PAUSE, signal);
    }
  }

  /** The API server can't be reached: the last holder of the Lease is the master as long as all others agree. */
  async #goOn(): Promise<void> {
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
        this.#log.warn({ against }, 'not all other state agents agree to go on without the Lease');
      this.#withoutLease = false;
      return;
    }
    if (!this.#withoutLease)
      this.#log.warn('no state agent reaches the API server: the master goes on without the Lease');
    this.#withoutLease = true;
    this.#reason = 'no state agent reaches the API server';
    this.#masterUntil = Math.max(this.#masterUntil, began + this.#options.renewDeadlineMs);
  }

  /** The Lease is free before it expires: its holder is no more. */
  #holderEnded(proof: string): void {
    this.#log.info({ holder: this.status.holder }, 'the process that holds the Lease has ended');
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
        // Edited or deleted meanwhile, by a person or a candidate: see what is there.
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }
    const lease = await this.#store.get(this.#patienceMs());
    if (lease !== undefined) this.#observe(lease);
    // A Lease that was deleted may have a master that does not know yet, so its record counts until it expires.
    const othersUntil = Math.max(this.#sight.othersUntil, this.#promisedUntil);
    if (monotonic() < othersUntil) {
      this.#end(`held by ${(lease && holderOf(lease)) || 'nobody, after an edit by hand'}`);
    } else if (lease === undefined) {
      const { namespace, name } = this.#options;
      await this.#put(newLease(namespace, name, this.#candidate, durationMs, now()), 'there was no Lease');
    } else if (isHeldBy(lease, this.#candidate)) {
      await this.#put(renewed(lease, this.#candidate, durationMs, now()), 'renewed after a failure');
    } else {
      const why = isReleased(lease) ? 'the Lease was free' : `the Lease of ${holderOf(lease) || 'nobody'} expired`;
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

  /** How long to wait for an answer: of two tries one may hang, and none is worth anything once mastership has ended. */
  #patienceMs(): number {
    const patience = this.#options.renewDeadlineMs / 2;
    return this.isMaster() ? Math.min(patience, this.#masterUntil - this.#world.monotonic()) : patience;
  }

  /** The API server has written our record; it is worth something from when it was asked to. */
  #holds(lease: Lease, began: number, reason?: string): void {
    this.#observe(lease);
    this.#metrics.renewed.set(this.#world.now() / 1000);
    if (this.#stopping.signal.aborted) return;
    if (reason !== undefined) this.#reason = reason;
    this.#withoutLease = false;
    this.#masterUntil = began + this.#options.renewDeadlineMs;
  }

  /** Remembers the record, and when it last changed. */
  #observe(lease: Lease): void {
    this.#metrics.transitions.set(transitionsOf(lease));
    this.#world.notes?.noted(noteOf(lease));
    const holder = this.#sight.observe(lease);
    if (holder === undefined) return;
    const isOurName = holder === this.#candidate.identity;
    this.#log.info(
      { holder },
      isOurName ? 'an earlier process of this name holds the Lease; it has to expire' : 'another one holds the Lease',
    );
  }

  /** Is no master from now on, if it was one. */
  #end(reason: string): void {
    if (this.#told === 'master') this.#reason = reason;
    this.#masterUntil = Number.NEGATIVE_INFINITY;
    this.#tell();
  }

  /** Tells of a change, once. */
  #tell(): void {
    const role = this.isMaster() ? 'master' : 'slave';
    if (role === this.#told) return;
    this.#told = role;
    if (role === 'master') {
      this.#log.info({ reason: this.#reason }, 'master from now on');
      this.#hooks.onMaster?.();
      return;
    }
    const ended = this.#masterUntil === Number.NEGATIVE_INFINITY;
    const reason = ended ? this.#reason : `not renewed in time: ${this.#failure ?? 'the process stood still'}`;
    this.#log.warn({ reason }, 'no longer master');
    this.#hooks.onSlave?.();
  }

  /** Waits for the round that runs, then gives the Lease up if it is ours. */
  async #finish(): Promise<void> {
    const giveUp = async (lease: Lease | undefined) => {
      if (!lease || !isHeldBy(lease, this.#candidate)) return;
      const noted = withNote(lease, this.#world.notes?.note(true));
      await this.#store.put(released(noted, this.#world.now()), STOP_MS);
      this.#log.info('the Lease is released');
    };
    try {
      await this.#running;
      await giveUp(this.#sight.lease).catch(async (error: unknown) => {
        if (!isConflict(error)) throw error;
        await giveUp(await this.#store.get(STOP_MS));
      });
    } catch (error) {
      this.#log.warn({ err: error }, 'the Lease could not be released; it has to expire');
    }
  }
}
