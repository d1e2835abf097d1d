import { createHash } from 'node:crypto';
import { type Candidate, type Lease, processOf } from './lease-record.ts';
import type { Sleep } from './lease-store.ts';

/**
 * What a candidate answers to the holder of the Lease, which does not reach the API server and asks whether it may go on:
 * `granted`, a promise not to become master for the duration of the Lease; `reaches`, the API server answers here, so the
 * Lease decides; `leads`, the master is here; `stranger`, the Lease that was last seen here has another holder. `self`
 * and `other` are no candidates besides: the one that asks, and one of another Lease.
 */
export const PEER_ANSWERS = ['granted', 'reaches', 'leads', 'stranger', 'self', 'other'] as const;

export type PeerAnswer = (typeof PEER_ANSWERS)[number];

/** What the holder asks. */
export interface PeerQuestion {
  /** `namespace/name` of the Lease. */
  readonly lease: string;
  /** {@link proofOf} the holder. */
  readonly proof: string;
  /** The same of whom it took the Lease over from, for those who have not seen that any more; may be empty. */
  readonly previous: string;
  /** How often the Lease had changed hands by then. */
  readonly transitions: number;
}

/** The way to the other candidates that does without the API server. */
export interface LeasePeers {
  /**
   * Whether all other candidates agree that the holder goes on, or have ended; for whoever does not agree, or can't be
   * asked, `against` says why. Takes `patienceMs` at most.
   */
  consent(question: PeerQuestion, patienceMs: number): Promise<{ readonly against: string | undefined }>;
  /**
   * Stays with the holder, as long as `isWanted` when it is asked now and then; resolves to true when that process has
   * certainly ended, and to false when nothing is known of it.
   */
  ended(holder: Pick<PeerQuestion, 'lease' | 'proof'>, isWanted: () => boolean, signal: AbortSignal): Promise<boolean>;
}

/**
 * Shows that one is the holder of the Lease: only who may read it knows the nonce of its holder, which does not go over
 * the network between candidates.
 */
export const proofOf = ({ process }: Pick<Candidate, 'process'>): string =>
  createHash('sha256').update(`firesteel holder ${process}`).digest('hex');

/** The proof that the holder of a Lease would bring; undefined when it has none. */
export function proofOfHolder(lease: Lease): string | undefined {
  const process = processOf(lease);
  return process === undefined ? undefined : proofOf({ process });
}

/** What it takes to wait for the end of holders. */
export interface HolderWatch {
  readonly lease: string;
  /** Whose end is of interest now, as a proof. */
  readonly holder: () => string | undefined;
  readonly onEnd: (proof: string) => void;
  readonly sleep: Sleep;
  readonly signal: AbortSignal;
}

/** Pause before the holder of the Lease is looked for again. */
const LOOK_MS = 5000;

/** Waits beside another holder for the end of its process, and then beside the next one. */
export async function watchHolder(peers: LeasePeers, watch: HolderWatch): Promise<void> {
  const { lease, holder, onEnd, sleep, signal } = watch;
  while (!signal.aborted) {
    const proof = holder();
    if (proof !== undefined && (await peers.ended({ lease, proof }, () => holder() === proof, signal))) onEnd(proof);
    await sleep(LOOK_MS, signal);
  }
}
