import type { Registry } from 'prom-client';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { KubeApi } from './api.ts';
import type { LeasePeers } from './lease-peers.ts';

/** Options of the election; the durations are those of client-go. */
export interface LeaseOptions {
  readonly namespace: string;
  readonly name: string;
  /** A human-readable name: the name of the pod. Need not be unique. */
  readonly identity: string;
  /** Another candidate may take the Lease after the record has not changed for this long; 15 s. */
  readonly durationMs: number;
  /** The leader loses leadership this long after it began its last successful renewal; 10 s. */
  readonly renewDeadlineMs: number;
  /** Longest pause between two rounds; 2 s. */
  readonly retryMs: number;
}

/** A note that the holder stores on the Lease for the next holder; written with each renewal. */
interface LeaseNotes {
  /** Undefined when the stored note is still correct; `isLast` when the Lease is being released. */
  note(isLast: boolean): string | undefined;
  /** Reports the stored note; called before the hook `onLeader`. */
  noted(text: string | undefined): void;
}

/**
 * Dependencies of an election. Its monotonic clock also advances while the process is suspended; wall time is only
 * written into the record.
 */
export interface LeaseWorld extends Clock {
  readonly api: Pick<KubeApi, 'json'>;
  readonly log: Log;
  readonly registry: Registry;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
  /** Stored with the record, for the next holder. */
  readonly notes?: LeaseNotes | undefined;
  /** The other candidates; if unset, the Lease alone decides. */
  readonly peers?: LeasePeers | undefined;
}
