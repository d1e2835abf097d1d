import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { ElectionHooks } from './election.ts';

interface LeadershipWorld extends Pick<Clock, 'monotonicMs'> {
  /** Called on each use. */
  readonly log: () => Log;
  readonly hooks: ElectionHooks;
}

/** Nothing more is known when the others consent: the API server may respond, and refuse only this renewal. */
export const WITHOUT_LEASE = 'the Lease cannot be renewed, and no other state agent reaches the API server';

/** Until when this process is the leader, by its own clock, and what was logged and called about it. */
export class Leadership {
  readonly #world: LeadershipWorld;
  #until = Number.NEGATIVE_INFINITY;
  /** Why this process became leader, or lost leadership. */
  #reason = '';
  /** Whether leadership is based on the peers' consent, not on the Lease. */
  #withoutLease: boolean = false;
  #announced: 'leader' | 'standby' = 'standby';

  constructor(world: LeadershipWorld) {
    this.#world = world;
  }

  /** Whether this process is the leader right now. */
  get isHeld(): boolean {
    return this.#world.monotonicMs() < this.#until;
  }

  /** When it ends unless it is renewed; in the past while another is the leader. */
  get until(): number {
    return this.#until;
  }

  get withoutLease(): boolean {
    return this.#withoutLease;
  }

  /** After setting it to false, leadership without the Lease ends when its time is up. */
  set withoutLease(value: boolean) {
    this.#withoutLease = value;
  }

  /** Records that the Lease is ours until then; `reason` if it was not before. */
  hold(until: number, reason?: string): void {
    if (reason !== undefined) this.#reason = reason;
    this.#withoutLease = false;
    this.#until = until;
  }

  /** Records that all other candidates consent to this process as leader until then. */
  holdByConsent(until: number): void {
    this.#withoutLease = true;
    this.#reason = WITHOUT_LEASE;
    this.#until = Math.max(this.#until, until);
  }

  /** Ends leadership, if this process was the leader. */
  end(reason: string): void {
    if (this.#announced === 'leader') this.#reason = reason;
    this.#until = Number.NEGATIVE_INFINITY;
    this.announce(undefined);
  }

  /** Logs a change of role and calls the hook, once. `failure` is why the Lease was not renewed. */
  announce(failure: string | undefined): void {
    const { log, hooks } = this.#world;
    const role = this.isHeld ? 'leader' : 'standby';
    if (role === this.#announced) return;
    this.#announced = role;
    if (role === 'leader') {
      log().info({ reason: this.#reason }, 'became leader');
      hooks.onLeader?.();
      return;
    }
    const hasEnded = this.#until === Number.NEGATIVE_INFINITY;
    const late = `the Lease was not renewed in time: ${failure ?? 'the process was suspended'}`;
    log().warn({ reason: hasEnded ? this.#reason : late }, 'lost leadership');
    hooks.onStandby?.();
  }
}
