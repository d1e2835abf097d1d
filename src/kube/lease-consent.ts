import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { type Leadership, WITHOUT_LEASE } from './leadership.ts';
import type { LeaseOptions } from './lease-options.ts';
import { type LeasePeers, type PeerAnswer, type PeerQuestion, proofOf, proofOfHolder } from './lease-peers.ts';
import { type Candidate, transitionsOf, validMs } from './lease-record.ts';
import type { ObservedLease } from './observed-lease.ts';

/** While the API server does not respond, the peers are asked at this fraction of `retryMs`. */
const ASK_PAUSE = 0.4;
/** How long to wait for answers from other candidates. */
const CONSENT_MS = 1500;
/** How long a request may be without a response before the API server counts as unreachable. */
const REACH_MS = 1500;

/** What consent depends on. */
interface ConsentWorld extends Pick<Clock, 'monotonicMs' | 'sleep'> {
  readonly options: LeaseOptions;
  /** `namespace/name` of the Lease. */
  readonly lease: string;
  readonly candidate: Candidate;
  readonly observed: ObservedLease;
  readonly leadership: Leadership;
  readonly peers: LeasePeers | undefined;
  /** Called on each use. */
  readonly log: () => Log;
  /** Begins the next round now, unless one is running. */
  readonly hurry: () => void;
  /** Why the last round failed; undefined when it did not. */
  readonly failure: () => string | undefined;
  readonly stopping: AbortSignal;
}

/**
 * What candidates agree on while the API server is unreachable: its last holder continues as leader if all others
 * consent, and consent has the same effect as a renewal ([decision 11](docs/decisions/0011-outage-of-the-api-server.md)).
 */
export class LeaseConsent {
  /** Whether a takeover is in progress: from then on this candidate consents to nothing. */
  isTakingOver: boolean = false;
  /** Proof of the previous holder of the Lease. */
  previous = '';
  readonly #world: ConsentWorld;
  /** When the API server last responded. */
  #reachedAt = Number.NEGATIVE_INFINITY;
  /** When the first request since then was sent; undefined before. */
  #triedAt: number | undefined;
  /** Until when we have promised another candidate that it may continue as leader. */
  #promisedUntil = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  /** Whether it was logged that another candidate leads without a Lease. */
  #hasWaited: boolean = false;

  constructor(world: ConsentWorld) {
    this.#world = world;
  }

  /** Until when we have promised another candidate that it may continue as leader. */
  get promisedUntil(): number {
    return this.#promisedUntil;
  }

  /**
   * Answers a holder that cannot reach the API server. From consent on the Lease belongs to the other process for its
   * duration by our clock. The holder counts a shorter time, starting before it asked.
   */
  answer({ lease, proof, previous, transitions }: PeerQuestion): PeerAnswer {
    const { options, observed, leadership, candidate, monotonicMs } = this.#world;
    const now = monotonicMs();
    if (lease !== this.#world.lease) return 'other';
    if (proof === proofOf(candidate)) return 'self';
    if (leadership.isHeld) return 'leads';
    if (this.isTakingOver || this.#reaches(now)) return 'reaches';
    const seen = observed.lease;
    // A candidate that has not seen the Lease yet has to watch it for its duration before it may take it. If the Lease was
    // deleted, it asks this holder before it creates another one.
    if (seen === undefined) return 'granted';
    const known = proofOfHolder(seen);
    const isNewer = known !== undefined && known === previous && transitions > transitionsOf(seen);
    if (known !== proof && !isNewer) return 'stranger';
    this.#promisedUntil = now + validMs(seen, options.durationMs);
    return 'granted';
  }

  /** A request to the API server is sent. */
  tries(): void {
    this.#triedAt ??= this.#world.monotonicMs();
  }

  /** The API server has responded. */
  reached(): void {
    this.#reachedAt = this.#world.monotonicMs();
    this.#triedAt = undefined;
  }

  /**
   * Whether there may be a leader although there is no Lease, and this candidate has never seen one: it may have been
   * deleted under a leader, which creates it again at its next renewal.
   */
  async isLed(): Promise<boolean> {
    const { candidate, observed, peers } = this.#world;
    if (!peers || observed.lease !== undefined) return false;
    const question = { lease: this.#world.lease, proof: proofOf(candidate), previous: '', transitions: 0 };
    this.isTakingOver = true;
    const isLed = await peers.isLed(question, CONSENT_MS).finally(() => {
      this.isTakingOver = false;
    });
    if (isLed && !this.#hasWaited)
      this.#world.log().info('the Lease does not exist, but another state agent leads; waiting for it');
    this.#hasWaited = isLed;
    return isLed;
  }

  /** Whether this candidate reaches the API server as far as it knows; if its last contact was some time ago, it checks. */
  #reaches(now: number): boolean {
    const { options, hurry } = this.#world;
    if (this.#triedAt !== undefined) return now - this.#triedAt < REACH_MS;
    if (now - this.#reachedAt > options.retryMs * ASK_PAUSE) {
      hurry();
      this.#triedAt = now;
    }
    return true;
  }

  /** Asks the peers in parallel with the rounds, which may hang, until a round succeeds. */
  seek(): void {
    this.#asking ??= this.#keepAsking().finally(() => {
      this.#asking = undefined;
    });
  }

  async #keepAsking(): Promise<void> {
    const { options, leadership, sleep, failure, stopping } = this.#world;
    while (failure() !== undefined && !stopping.aborted) {
      await this.#ask();
      leadership.announce(failure());
      await sleep(options.retryMs * ASK_PAUSE, stopping);
    }
  }

  /** The last holder of the Lease remains leader as long as all peers agree. */
  async #ask(): Promise<void> {
    const { options, candidate, observed, leadership, peers, monotonicMs, failure, stopping } = this.#world;
    const { lease } = observed;
    if (!peers || !lease || !observed.isOurs || stopping.aborted) return;
    const began = monotonicMs();
    const question = {
      lease: this.#world.lease,
      proof: proofOf(candidate),
      previous: this.previous,
      transitions: transitionsOf(lease),
    };
    const { against } = await peers.consent(question, CONSENT_MS);
    const { isOurs: isStillOurs } = observed;
    const hasPromised = monotonicMs() < this.#promisedUntil;
    if (stopping.aborted || failure() === undefined || !isStillOurs || hasPromised) return;
    const log = this.#world.log();
    if (against !== undefined) {
      if (leadership.withoutLease)
        log.warn({ against }, 'not all other state agents agree to continue without the Lease');
      leadership.withoutLease = false;
      return;
    }
    if (!leadership.withoutLease)
      log.warn({ reason: failure() }, `${WITHOUT_LEASE}: the leader continues without the Lease`);
    leadership.holdByConsent(began + options.renewDeadlineMs);
  }
}
