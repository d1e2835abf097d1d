import type { PackedText } from './sample-batch.ts';

/**
 * Selects the members of prepared text to send: changed ones immediately, the others every `refreshMs`, because
 * receivers show a series for five minutes only. The unchanged ones are spread over the cycles in between.
 */
export class Refresh {
  readonly #refreshMs: number;
  /** When each member was last sent. A changed one is a new buffer. */
  readonly #chosenMs = new WeakMap<Buffer, number>();
  #lastMs: number | undefined;

  constructor(refreshMs: number) {
    this.#refreshMs = refreshMs;
  }

  /** The members to send in the cycle of `stampMs`. */
  choose({ members, ...text }: PackedText, stampMs: number): PackedText {
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
    return { members: chosen, ...text };
  }

  #age(one: Buffer, other: Buffer): number {
    return (this.#chosenMs.get(other) ?? 0) - (this.#chosenMs.get(one) ?? 0);
  }
}
