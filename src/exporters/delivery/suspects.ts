import type { Body } from '../exporter.ts';

/** So often a body may be refused without a clear reason while the receiver takes others. */
const MOST_REFUSALS = 10;
/** Bodies that are remembered at once; beyond, the one that was refused first is forgotten and may try as often again. */
const MOST_BODIES = 256;

/**
 * Tells a body that is refused for itself from a receiver that refuses all: an answer that names no line leaves it open,
 * but what is refused again and again while others are taken would hold up everything behind it for ever.
 */
export class Suspects {
  readonly #refusals = new Map<string, { count: number; takenBefore: number }>();
  #taken = 0;

  /** A body was taken. */
  taken(): void {
    this.#taken++;
  }

  /** A body was refused, and the answer does not say why; returns whether it is the body's own fault. */
  refused({ group, stampMs, samples }: Body): boolean {
    const key = `${group} ${stampMs} ${samples}`;
    const known = this.#refusals.get(key) ?? { count: 0, takenBefore: this.#taken };
    if (this.#taken > known.takenBefore) known.count++;
    known.takenBefore = this.#taken;
    this.#refusals.set(key, known);
    if (this.#refusals.size > MOST_BODIES) this.#refusals.delete(this.#refusals.keys().next().value as string);
    if (known.count < MOST_REFUSALS) return false;
    this.#refusals.delete(key);
    return true;
  }
}
