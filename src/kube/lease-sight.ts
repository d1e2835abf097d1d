import { proofOfHolder } from './lease-peers.ts';
import { type Candidate, holderOf, isHeldBy, isReleased, type Lease, recordText, validMs } from './lease-record.ts';

/**
 * The Lease as last seen, and how long it belongs to another candidate. Clocks are never compared: a record has expired
 * when it has not changed for its duration on our own clock.
 */
export class LeaseSight {
  readonly #candidate: Candidate;
  readonly #durationMs: number;
  readonly #monotonicMs: () => number;
  #lease: Lease | undefined;
  /** The record as of its last change. */
  #text: string | undefined;
  #othersUntil = Number.NEGATIVE_INFINITY;
  /** Proof of a holder whose process has ended. */
  #dead: string | undefined;

  /** `durationMs` applies to records without a duration. */
  constructor(candidate: Candidate, durationMs: number, monotonicMs: () => number) {
    this.#candidate = candidate;
    this.#durationMs = durationMs;
    this.#monotonicMs = monotonicMs;
  }

  get lease(): Lease | undefined {
    return this.#lease;
  }

  /** When the Lease of another holder expires, on our clock. */
  get othersUntil(): number {
    return this.#othersUntil;
  }

  /** Whether its record names this candidate. */
  get isOurs(): boolean {
    return this.#lease !== undefined && isHeldBy(this.#lease, this.#candidate);
  }

  /** Proof of another holder, as its peers know it; undefined when that process has ended. */
  get otherHolder(): string | undefined {
    const proof = this.#lease && !this.isOurs ? proofOfHolder(this.#lease) : undefined;
    return proof === this.#dead ? undefined : proof;
  }

  /**
   * Stores the record and when it last changed. Returns the holder's name if the Lease has a new holder other than this
   * candidate.
   */
  observe(lease: Lease): string | undefined {
    const before = this.#lease;
    this.#lease = lease;
    const text = recordText(lease);
    if (text === this.#text) return undefined;
    this.#text = text;
    const hasEnded = this.#dead !== undefined && proofOfHolder(lease) === this.#dead;
    const isFree = isHeldBy(lease, this.#candidate) || isReleased(lease) || hasEnded;
    this.#othersUntil = isFree ? Number.NEGATIVE_INFINITY : this.#monotonicMs() + validMs(lease, this.#durationMs);
    const holder = holderOf(lease);
    return !isFree && (before === undefined || holderOf(before) !== holder) ? holder : undefined;
  }

  /** The process of that holder has ended: its Lease is free before it expires. */
  ended(proof: string): void {
    this.#dead = proof;
    if (this.#lease && proofOfHolder(this.#lease) === proof) this.#othersUntil = Number.NEGATIVE_INFINITY;
  }
}
