import type { PackedText } from './batch.ts';

/**
 * Which blocks of prepared text have to be sent: those that changed at once, the others every `refreshMs`, since
 * receivers show a series for five minutes only. Their turns are spread over the cycles between.
 */
export class Refresh {
  readonly #refreshMs: number;
  /** When each block was last chosen. A block that changes is another buffer. */
  readonly #chosenMs = new WeakMap<Buffer, number>();
  #lastMs: number | undefined;

  constructor(refreshMs: number) {
    this.#refreshMs = refreshMs;
  }

  /** The blocks to send in the cycle of `stampMs`. */
  choose({ members, compression }: PackedText, stampMs: number): PackedText {
    const passedMs = this.#lastMs === undefined ? 0 : stampMs - this.#lastMs;
    this.#lastMs = stampMs;
    const waiting = members.filter((member) => this.#chosenMs.has(member)).sort((a, b) => this.#age(b, a));
    const turns = Math.ceil((waiting.length * passedMs) / this.#refreshMs);
    const due = new Set(
      waiting.filter(
        (member, index) => index < turns || stampMs - (this.#chosenMs.get(member) ?? 0) >= this.#refreshMs,
      ),
    );
    const chosen = members.filter((member) => due.has(member) || !this.#chosenMs.has(member));
    for (const member of chosen) this.#chosenMs.set(member, stampMs);
    return { members: chosen, compression };
  }

  #age(one: Buffer, other: Buffer): number {
    return (this.#chosenMs.get(other) ?? 0) - (this.#chosenMs.get(one) ?? 0);
  }
}
