import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { type Candidate, type Lease, processOf } from './lease-record.ts';

/**
 * A candidate's answer to the holder of the Lease, which cannot reach the API server and asks whether it may continue
 * as leader. `granted`: a promise not to become leader for the duration of the Lease. `reaches`: this candidate reaches
 * the API server, so the Lease decides. `leads`: this candidate is the leader. `stranger`: the Lease last seen by this
 * candidate has another holder. `self` and `other` are not competing candidates: the process that asks, and a candidate
 * for another Lease.
 */
export const PEER_ANSWERS = ['granted', 'reaches', 'leads', 'stranger', 'self', 'other'] as const;

export type PeerAnswer = (typeof PEER_ANSWERS)[number];

/** The question the holder asks its peers. */
export interface PeerQuestion {
  /** `namespace/name` of the Lease. */
  readonly lease: string;
  /** {@link proofOf} the holder. */
  readonly proof: string;
  /** Proof of the previous holder, for candidates that have not seen the latest change; may be empty. */
  readonly previous: string;
  /** Number of transitions of the Lease by then. */
  readonly transitions: number;
}

/** Access to the other candidates without the API server. */
export interface LeasePeers {
  /**
   * Whether all other candidates agree that the holder continues, or have ended. If one disagrees or cannot be asked,
   * `against` says why. Takes at most `patienceMs`.
   */
  consent(question: PeerQuestion, patienceMs: number): Promise<{ readonly against: string | undefined }>;
  /** Whether another candidate for this Lease answers that it is the leader. Takes at most `patienceMs`. */
  isLed(question: PeerQuestion, patienceMs: number): Promise<boolean>;
  /**
   * Watches the holder while it is wanted. Resolves to true when that process has certainly ended or given up the Lease
   * for good, and to false when its state is unknown.
   */
  ended(holder: Pick<PeerQuestion, 'lease' | 'proof'>, view: HolderView, signal: AbortSignal): Promise<boolean>;
}

/** Who watches a holder. */
export interface HolderView {
  /** Polled: whether this holder is still the one to watch. */
  isWanted(): boolean;
  /** Called when the connection to the holder is established or lost. */
  onPresence(isPresent: boolean): void;
}

/**
 * Proves that a process holds the Lease: only those who may read the Lease know its holder's nonce, which is never sent
 * over the network between candidates.
 */
export const proofOf = ({ process }: Pick<Candidate, 'process'>): string =>
  createHash('sha256').update(`firesteel holder ${process}`).digest('hex');

/** The proof that the holder of a Lease would present; undefined when it has none. */
export function proofOfHolder(lease: Lease): string | undefined {
  const process = processOf(lease);
  return process === undefined ? undefined : proofOf({ process });
}

/** Dependencies of {@link watchHolder}. */
interface HolderWatch extends Pick<Clock, 'sleep'> {
  readonly lease: string;
  /** Proof of the holder to watch now. */
  readonly holder: () => string | undefined;
  readonly onEnd: (proof: string) => void;
  readonly onPresence: HolderView['onPresence'];
  readonly signal: AbortSignal;
}

/** Pause before looking for the holder of the Lease again. */
const POLL_MS = 5000;

/** Waits for the process of the current holder to end, then for that of the next one. */
export async function watchHolder(peers: LeasePeers, watch: HolderWatch): Promise<void> {
  const { lease, holder, onEnd, onPresence, sleep, signal } = watch;
  while (!signal.aborted) {
    const proof = holder();
    const view = { isWanted: () => holder() === proof, onPresence };
    if (proof !== undefined && (await peers.ended({ lease, proof }, view, signal))) onEnd(proof);
    await sleep(POLL_MS, signal);
  }
}
