import type { Registry } from 'prom-client';
import { leaseMetrics } from './lease-metrics.ts';

/** Decides which of several replicas is the master. */
export interface Election {
  /**
   * Whether this process is the master at this moment. Ask again right before each upload: the answer changes by time
   * alone, also while the process was stopped.
   */
  isMaster(): boolean;
  /** What the status page tells. */
  readonly status: ElectionStatus;
  /** Begins; a slave until proven otherwise. Once only. */
  start(): void;
  /**
   * The agent is about to end: it still pushes as master, but its `firesteel_leader` says 0, as the last value that
   * receivers get of a series is the one that they show for minutes.
   */
  retire(): void;
  /** Ends mastership at once and gives the Lease up, so that the next one need not wait; takes 3 s at most, once only. */
  stop(): Promise<void>;
}

/** How an election stands. */
export interface ElectionStatus {
  /** `namespace/name` of the Lease; empty where there is no election. */
  readonly lease: string;
  readonly master: boolean;
  /** Who holds the Lease as far as known; empty for nobody. */
  readonly holder: string;
  readonly transitions: number;
  /** Whether this is the master only because no other state agent reaches the API server either. */
  readonly withoutLease: boolean;
}

/** Are called after a change, synchronously; must not throw. */
export interface ElectionHooks {
  onMaster?(): void;
  onSlave?(): void;
}

/** Where there is nobody to share with: master from the start to the end. */
export function soleMaster(registry: Registry, { onMaster, onSlave }: ElectionHooks = {}): Election {
  let master = false;
  let retired = false;
  leaseMetrics(registry, '', () => master && !retired);
  return {
    isMaster: () => master,
    get status() {
      return { lease: '', master, holder: '', transitions: 0, withoutLease: false };
    },
    start() {
      master = true;
      onMaster?.();
    },
    retire() {
      retired = true;
    },
    async stop() {
      master = false;
      onSlave?.();
    },
  };
}
