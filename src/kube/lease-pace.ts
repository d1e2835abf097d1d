import type { Leadership } from './leadership.ts';
import type { LeaseOptions, LeaseWorld } from './lease-options.ts';
import type { ObservedLease } from './observed-lease.ts';

/** Without an explicit reason, each abort would create an error with a stack. */
const WOKEN = 'woken';

/**
 * Pauses are this fraction of `retryMs`, spread so that candidates do not send requests simultaneously. A standby checks
 * often enough that a new leader's first push still arrives within lease duration + retry period after the old leader
 * dies. While it is connected to the leader, so that it notices immediately when that process ends, it checks less often: a
 * request costs 2 ms of CPU in a process that is idle otherwise. The same holds for a leader's renewals, each of which is
 * also an event for every watcher of Leases. A leader whose renewal failed retries soon: of two attempts, one may hang.
 */
const PAUSE = { leader: [1.4, 1.65], failing: [0.3, 0.5], standby: [0.7, 0.95], watcher: [2.9, 3.3] } as const;

/** What the pause between two rounds depends on. */
interface Situation {
  readonly isLeader: boolean;
  /** Whether the last round failed. */
  readonly isFailing: boolean;
  /** Whether the agent would notice immediately if the leader's process ended. */
  readonly seesHolder: boolean;
  /** How long ago the leader sent its last successful renewal. */
  readonly renewedMsAgo: number;
}

/** What the pace depends on. */
interface PaceWorld extends Pick<LeaseWorld, 'monotonicMs' | 'sleep' | 'random'> {
  readonly options: LeaseOptions;
  readonly observed: ObservedLease;
  readonly leadership: Leadership;
  /** Whether the last round failed. */
  readonly isFailing: () => boolean;
}

/**
 * When the rounds of an election begin, after a pause or when something has happened, and how long their requests may take.
 */
export class LeasePace {
  readonly #world: PaceWorld;
  /** Ends the pause between two rounds. */
  #wake = new AbortController();
  /** Whether the agent would notice immediately if the holder's process ended. */
  #seesHolder: boolean = false;

  constructor(world: PaceWorld) {
    this.#world = world;
  }

  /** Ends the pause. During a round, requests another one right after it. */
  hurry(): void {
    this.#wake.abort(WOKEN);
  }

  /** Whether the agent would notice immediately if the holder's process ended. */
  holderSeen(isSeen: boolean): void {
    this.#seesHolder = isSeen;
    if (!isSeen) this.hurry();
  }

  /** A round begins. */
  begin(): void {
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
  }

  /**
   * How long to wait for a response: one of two attempts may hang, and there must be time left to ask the other candidates.
   */
  get longestPatienceMs(): number {
    return 0.4 * this.#world.options.renewDeadlineMs;
  }

  /** The same, within the leadership of this process. */
  patienceMs(): number {
    const { leadership, monotonicMs } = this.#world;
    const left = leadership.isHeld ? leadership.until - monotonicMs() : Number.POSITIVE_INFINITY;
    return Math.min(this.longestPatienceMs, left);
  }

  /** Waits until the next round is due. */
  async pause(): Promise<void> {
    do await this.#world.sleep(this.#pauseMs(), this.#wake.signal);
    while (!this.#wake.signal.aborted && this.#isShown);
  }

  /** Until the next round is due, or until our leadership or the Lease of another holder ends. */
  #pauseMs(): number {
    const { options, observed, leadership, isFailing, monotonicMs, random } = this.#world;
    const isLeader = leadership.isHeld;
    const now = monotonicMs();
    if (this.#isShown) return observed.shownUntil - now;
    const left = (isLeader ? leadership.until : observed.othersUntil) - now;
    const renewedMsAgo = options.renewDeadlineMs - left;
    const situation = { isLeader, isFailing: isFailing(), seesHolder: this.#seesHolder, renewedMsAgo };
    const pause = pauseMs(situation, options.retryMs, random());
    return left > 0 ? Math.min(pause, left) : pause;
  }

  /** Whether a watch shows that another holder renews the Lease, so that a request would say nothing new. */
  get #isShown(): boolean {
    const { observed, leadership, isFailing, monotonicMs } = this.#world;
    return !leadership.isHeld && !isFailing() && monotonicMs() < observed.shownUntil;
  }
}

/**
 * The pause between two rounds in milliseconds; `random` in [0, 1], where 1 gives the longest. That of a leader begins
 * when it sends a renewal: begun at the response, it would leave too little time for the next one when each takes
 * seconds.
 */
function pauseMs(situation: Situation, retryMs: number, random: number): number {
  const { isLeader, isFailing, seesHolder, renewedMsAgo } = situation;
  const leader = isFailing ? 'failing' : 'leader';
  const standby = seesHolder && !isFailing ? 'watcher' : 'standby';
  const role = isLeader ? leader : standby;
  const [shortest, longest] = PAUSE[role];
  const pause = retryMs * (shortest + (longest - shortest) * random);
  return role === 'leader' ? Math.max(pause - renewedMsAgo, retryMs * PAUSE.failing[0]) : pause;
}
