import { randomUUID } from 'node:crypto';
import { errorText } from '../base/error-text.ts';
import type { Log } from '../base/log.ts';
import type { Election, ElectionHooks, ElectionStatus } from './election.ts';
import { ElectionFailures } from './election-failures.ts';
import { Leadership } from './leadership.ts';
import { LeaseConsent } from './lease-consent.ts';
import { type LeaseMetrics, leaseMetrics } from './lease-metrics.ts';
import type { LeaseOptions, LeaseWorld } from './lease-options.ts';
import { LeasePace } from './lease-pace.ts';
import { type PeerAnswer, type PeerQuestion, proofOf, proofOfHolder, watchHolder } from './lease-peers.ts';
import {
  type Candidate,
  holderOf,
  isHeldBy,
  isReleased,
  type Lease,
  newLease,
  noteOf,
  renewed,
  takenOver,
  transitionsOf,
  withNote,
} from './lease-record.ts';
import { isConflict, isNotFound, LateResponse, LeaseStore } from './lease-store.ts';
import { ObservedLease } from './observed-lease.ts';

const STOP_MS = 3000;
/** A response within this fraction of the longest patience is not late. */
const SHORT = 0.4;

/**
 * Leader election with one Lease, as in client-go. Clocks are never compared: a record has expired when it has not
 * changed for its duration on our own clock. The leader counts from when it *began* its last successful renewal, and
 * stops acting as leader 5 s (of 15) before another candidate may take over. So the two clocks may differ in speed by a
 * fifth, and the process may be suspended at any point.
 */
export class LeaseElection implements Election {
  readonly #options: LeaseOptions;
  readonly #world: LeaseWorld;
  readonly #metrics: LeaseMetrics;
  readonly #store: LeaseStore;
  readonly #leadership: Leadership;
  readonly #candidate: Candidate;
  readonly #stopping = new AbortController();
  readonly #observed: ObservedLease;
  readonly #failures: ElectionFailures;
  readonly #pace: LeasePace;
  readonly #consent: LeaseConsent;
  /** Whether the agent is about to stop. */
  #isRetired = false;
  /** Fires when this process has given up the Lease for good. */
  readonly #released = new AbortController();
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: LeaseOptions, world: LeaseWorld, hooks: ElectionHooks = {}) {
    const { namespace, name, identity } = options;
    this.#options = options;
    this.#world = world;
    this.#failures = new ElectionFailures(world.log, world.monotonicMs, { lease: `${namespace}/${name}`, identity });
    this.#store = new LeaseStore(world.api, world.sleep, namespace, name);
    this.#leadership = new Leadership({ monotonicMs: world.monotonicMs, log: () => this.#log, hooks });
    this.#candidate = { identity, process: randomUUID() };
    this.#observed = new ObservedLease(this.#candidate, options.durationMs, world.monotonicMs);
    const { monotonicMs, sleep, random, peers } = world;
    const shared = { options, observed: this.#observed, leadership: this.#leadership, monotonicMs, sleep };
    this.#pace = new LeasePace({ ...shared, random, isFailing: () => this.#failures.failure !== undefined });
    this.#consent = new LeaseConsent({
      ...{ ...shared, lease: `${namespace}/${name}`, candidate: this.#candidate, peers },
      log: () => this.#log,
      hurry: () => this.#pace.hurry(),
      failure: () => this.#failures.failure,
      stopping: this.#stopping.signal,
    });
    this.#metrics = leaseMetrics(
      world.registry,
      name,
      () => this.isLeader() && !this.#isRetired,
      () => this.isLeader() && this.#leadership.withoutLease,
    );
  }

  /** Created on each use, since a child logger keeps the level its parent had when it was created. */
  get #log(): Log {
    const { namespace, name, identity } = this.#options;
    return this.#world.log.child({ lease: `${namespace}/${name}`, identity });
  }

  isLeader(): boolean {
    return this.#leadership.isHeld;
  }

  get unready(): string | undefined {
    const { failure = `the Lease ${this.status.lease} has not been read yet` } = this.#failures;
    return this.#store.mayWrite ? undefined : `election: ${failure}`;
  }

  get status(): ElectionStatus {
    const { namespace, name } = this.#options;
    const { lease } = this.#observed;
    const { failure } = this.#failures;
    return {
      lease: `${namespace}/${name}`,
      master: this.isLeader(),
      holder: lease ? holderOf(lease) : '',
      transitions: lease ? transitionsOf(lease) : 0,
      withoutLease: this.isLeader() && this.#leadership.withoutLease,
      ...(failure !== undefined && { failure }),
    };
  }

  start(): void {
    this.#running ??= this.#run();
    const { peers, sleep } = this.#world;
    if (!peers) return;
    void watchHolder(peers, {
      lease: this.status.lease,
      holder: () => this.#observed.otherHolder,
      onEnd: (proof) => this.#holderEnded(proof),
      onPresence: (isPresent) => this.#pace.holderSeen(isPresent),
      sleep,
      signal: this.#stopping.signal,
    });
  }

  /**
   * Takes a Lease from a watch, which may be another Lease, or outdated. Only requests decide who leads, so it can only
   * affect when the next one is sent.
   */
  shows(lease: Lease): void {
    const { namespace, name } = this.#options;
    const isThis = lease.metadata?.name === name && lease.metadata.namespace === namespace;
    if (!isThis || this.isLeader() || !this.#observed.isNewer(lease)) return;
    this.#observe(lease);
    if (!this.#observed.shown()) this.#pace.hurry();
  }

  /** Answers a holder that cannot reach the API server. */
  answer(question: PeerQuestion): PeerAnswer {
    return this.#consent.answer(question);
  }

  /** Whether this process is the holder that a peer asks about. */
  isHolder({ lease, proof }: Pick<PeerQuestion, 'lease' | 'proof'>): boolean {
    return !this.released.aborted && lease === this.status.lease && proof === proofOf(this.#candidate);
  }

  /** Fires when this process has given up the Lease for good, so that peers need not wait. */
  get released(): AbortSignal {
    return this.#released.signal;
  }

  retire(): void {
    this.#isRetired = true;
  }

  /** Renews the Lease now if it is ours, to store a new note. */
  renewSoon(): void {
    if (this.isLeader()) this.#pace.hurry();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    this.#pace.hurry();
    this.#leadership.end('the agent is stopping');
    const done = new AbortController();
    const finished = this.#finish().finally(() => done.abort());
    await Promise.race([finished, this.#world.sleep(STOP_MS, done.signal)]);
    this.#released.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#pace.begin();
      await this.#round();
      this.#leadership.announce(this.#failures.last);
      await this.#pace.pause();
      this.#leadership.announce(this.#failures.last);
    }
  }

  async #round(): Promise<void> {
    this.#consent.tries();
    try {
      await this.#acquireOrRenew();
      this.#consent.reached();
      // Otherwise a standby that may not write would only notice when it is needed.
      await this.#store.tryOut(this.#observed.lease, this.#pace.patienceMs());
      this.#failures.over();
    } catch (error) {
      // A wait that the end of leadership cut short is no cause: the cause is what failed before.
      const isCut = error instanceof LateResponse && error.patienceMs < SHORT * this.#pace.longestPatienceMs;
      if (isCut && this.#failures.last !== undefined) return;
      if (!this.#failures.add(error)) {
        this.#consent.reached();
        return;
      }
      this.#metrics.errors.inc();
      this.#consent.seek();
    }
  }

  /** The Lease is free before it expires: its holder has ended. */
  #holderEnded(proof: string): void {
    this.#log.info({ holder: this.status.holder }, 'the process that holds the Lease has ended');
    this.#observed.ended(proof);
    this.#pace.hurry();
  }

  async #acquireOrRenew(): Promise<void> {
    const { durationMs } = this.#options;
    const { monotonicMs, wallMs } = this.#world;
    const { lease: known } = this.#observed;
    if (this.isLeader() && known) {
      try {
        await this.#put(renewed(known, this.#candidate, durationMs, wallMs()));
        return;
      } catch (error) {
        // Edited or deleted in the meantime, by a person or a candidate: read the current record.
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }
    const lease = await this.#store.get(this.#pace.patienceMs());
    if (lease !== undefined) this.#observe(lease);
    // A deleted Lease may have a leader that does not know yet, so its record counts until it expires.
    const othersUntil = Math.max(this.#observed.othersUntil, this.#consent.promisedUntil);
    if (monotonicMs() < othersUntil) {
      this.#leadership.end(`held by ${(lease && holderOf(lease)) || 'no one: the Lease was edited or deleted'}`);
    } else if (lease === undefined) {
      const { namespace, name } = this.#options;
      if (await this.#consent.isLed()) return;
      await this.#put(newLease(namespace, name, this.#candidate, durationMs, wallMs()), 'the Lease did not exist');
    } else if (isHeldBy(lease, this.#candidate)) {
      await this.#put(renewed(lease, this.#candidate, durationMs, wallMs()), 'renewed the Lease after a failure');
    } else {
      const why = isReleased(lease) ? 'the Lease was free' : `the Lease held by ${holderOf(lease) || 'no one'} expired`;
      await this.#put(takenOver(lease, this.#candidate, durationMs, wallMs()), why);
      this.#consent.previous = proofOfHolder(lease) ?? '';
    }
  }

  async #put(body: Lease, reason?: string): Promise<void> {
    const began = this.#world.monotonicMs();
    this.#consent.isTakingOver = reason !== undefined;
    try {
      const noted = withNote(body, this.#world.notes?.note(false));
      this.#holds(await this.#store.put(noted, this.#pace.patienceMs()), began, reason);
    } finally {
      this.#consent.isTakingOver = false;
    }
  }

  /** The API server has stored our record; it is valid from when the request was sent. */
  #holds(lease: Lease, began: number, reason?: string): void {
    this.#observe(lease);
    this.#metrics.renewed.set(this.#world.wallMs() / 1000);
    if (this.#stopping.signal.aborted) return;
    this.#leadership.hold(began + this.#options.renewDeadlineMs, reason);
  }

  /** Stores the record and when it last changed. */
  #observe(lease: Lease): void {
    this.#metrics.transitions.set(transitionsOf(lease));
    this.#world.notes?.noted(noteOf(lease));
    const holder = this.#observed.observe(lease);
    if (holder === undefined) return;
    const isOurName = holder === this.#candidate.identity;
    this.#log.info(
      { holder },
      isOurName
        ? 'a previous process with this identity holds the Lease; waiting for it to expire'
        : 'another candidate holds the Lease',
    );
  }

  /** Waits for the running round, then releases the Lease if this process holds it. */
  async #finish(): Promise<void> {
    const { wallMs, notes } = this.#world;
    const prepare = (lease: Lease) => withNote(lease, notes?.note(true));
    try {
      await this.#running;
      const releasing = { prepare, wallMs, patienceMs: STOP_MS };
      const wasHeld = await this.#store.release(this.#observed.lease, this.#candidate, releasing);
      if (wasHeld) this.#log.info('released the Lease');
    } catch (error) {
      this.#log.warn(
        { reason: errorText(error) },
        'failed to release the Lease; the next leader must wait until it expires',
      );
    }
  }
}
