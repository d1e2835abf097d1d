import { proofOfHolder } from './lease-peers.ts';
import { type Candidate, holderOf, isHeldBy, isReleased, type Lease, recordText, validMs } from './lease-record.ts';

/**
 * How long a record that a watch has shown delays requests, as a fraction of its duration: a little longer than the
 * longest pause of a leader. A watch may be silently broken, and until the next request the standby does not
 * know the records that it has to wait for.
 */
const SHOWN_SHARE = 0.3;

/**
 * The Lease as last seen, and how long it belongs to another candidate. Clocks are never compared: a record has expired
 * when it has not changed for its duration on our own clock.
 */
export class ObservedLease {
  readonly #candidate: Candidate;
  readonly #durationMs: number;
  readonly #monotonicMs: () => number;
  #lease: Lease | undefined;
  /** The record as of its last change. */
  #text: string | undefined;
  #othersUntil = Number.NEGATIVE_INFINITY;
  /** Proof of a holder whose process has ended. */
  #dead: string | undefined;
  #shownUntil = Number.NEGATIVE_INFINITY;

  /** `durationMs` applies to records without a duration. */
  constructor(candidate: Candidate, durationMs: number, monotonicMs: () => number) {
    this.#candidate = candidate;
    this.#durationMs = durationMs;
    this.#monotonicMs = monotonicMs;
  }

  /** Until when requests for the Lease can wait because a watch has shown it; in the past when it has not. */
  get shownUntil(): number {
    return this.#shownUntil;
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

  /** Whether this is a later record than the one last seen. A watch may be behind a request. */
  isNewer(lease: Lease): boolean {
    return !(Number(lease.metadata?.resourceVersion) <= Number(this.#lease?.metadata?.resourceVersion ?? 0));
  }

  /**
   * A watch has shown the last record: it delays requests until the next one is overdue. Returns whether it has another
   * holder.
   */
  shown(): boolean {
    const now = this.#monotonicMs();
    const isHeld = now < this.#othersUntil;
    this.#shownUntil = isHeld ? now + SHOWN_SHARE * this.#durationMs : Number.NEGATIVE_INFINITY;
    return isHeld;
  }

  /** The process of that holder has ended: its Lease is free before it expires. */
  ended(proof: string): void {
    this.#dead = proof;
    this.#shownUntil = Number.NEGATIVE_INFINITY;
    if (this.#lease && proofOfHolder(this.#lease) === proof) this.#othersUntil = Number.NEGATIVE_INFINITY;
  }
}
