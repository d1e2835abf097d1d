import type { Registry } from 'prom-client';
import type { Log } from '../base/log.ts';
import type { KubeApi } from './api.ts';
import type { LeasePeers } from './lease-peers.ts';
import type { Sleep } from './lease-store.ts';

/** Which Lease, for whom, and how fast; the durations are those of client-go. */
export interface LeaseOptions {
  readonly namespace: string;
  readonly name: string;
  /** A name for people: the pod's. Need not be unique. */
  readonly identity: string;
  /** After so long without a change of the record another one may take it; 15 s. */
  readonly durationMs: number;
  /** The master is none any more so long after it began its last successful renewal; 10 s. */
  readonly renewDeadlineMs: number;
  /** Longest pause between two rounds; 2 s. */
  readonly retryMs: number;
}

/** One text that the holder of a Lease leaves there for the next one; it is written with each renewal. */
export interface LeaseNotes {
  /** Undefined when what is there stays right; `isLast` when the Lease is given up. */
  note(isLast: boolean): string | undefined;
  /** What is there now; is called before the hook `onMaster`. */
  noted(text: string | undefined): void;
}

/** The world, as an election sees it. */
export interface LeaseWorld {
  readonly api: Pick<KubeApi, 'json'>;
  readonly log: Log;
  readonly registry: Registry;
  /** Milliseconds that never step and go on while the process is stopped; the origin does not matter. */
  readonly monotonic: () => number;
  /** Milliseconds since 1970; only written into the record. */
  readonly now: () => number;
  /** Gives [0, 1). */
  readonly random: () => number;
  readonly sleep: Sleep;
  /** Written beside the record, for the next holder. */
  readonly notes?: LeaseNotes | undefined;
  /** The other candidates; without, the Lease alone decides. */
  readonly peers?: LeasePeers | undefined;
}
