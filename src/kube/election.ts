import type { Registry } from 'prom-client';
import { leaseMetrics } from './lease-metrics.ts';

/** Decides which of several replicas is the leader. */
export interface Election {
  /**
   * Whether this process is the leader right now. Check again right before each push: the answer can change by time
   * alone, even while the process was suspended.
   */
  isLeader(): boolean;
  /**
   * Why this process may be unable to become leader; undefined once it has shown that it can, whatever happens later.
   */
  readonly unready: string | undefined;
  /** The state shown on the status page. */
  readonly status: ElectionStatus;
  /** Starts as a standby. Call once only. */
  start(): void;
  /**
   * The agent is about to stop: it still pushes as leader, but its `firesteel_leader` is 0, since receivers show the
   * last value of a series for minutes.
   */
  retire(): void;
  /**
   * Ends leadership immediately and releases the Lease, so that the next leader need not wait. Takes at most 3 s; call
   * once only.
   */
  stop(): Promise<void>;
}

/** The state of an election. */
export interface ElectionStatus {
  /** `namespace/name` of the Lease; empty without an election. */
  readonly lease: string;
  /** Whether this process is the leader; the word of the API. */
  readonly master: boolean;
  /** The holder of the Lease as far as known; empty without one. */
  readonly holder: string;
  readonly transitions: number;
  /** Whether this process is the leader only because it cannot renew the Lease and no other state agent reaches the API server. */
  readonly withoutLease: boolean;
  /** Why the Lease could not be read or written the last time; unset when it could. */
  readonly failure?: string;
}

/** Called synchronously after a change; must not throw. */
export interface ElectionHooks {
  onLeader?(): void;
  onStandby?(): void;
}

/** For a single replica: leader from start to stop. */
export function soleLeader(registry: Registry, { onLeader, onStandby }: ElectionHooks = {}): Election {
  let isLeader = false;
  let retired = false;
  leaseMetrics(registry, '', () => isLeader && !retired);
  return {
    isLeader: () => isLeader,
    unready: undefined,
    get status() {
      return { lease: '', master: isLeader, holder: '', transitions: 0, withoutLease: false };
    },
    start() {
      isLeader = true;
      onLeader?.();
    },
    retire() {
      retired = true;
    },
    async stop() {
      isLeader = false;
      onStandby?.();
    },
  };
}
