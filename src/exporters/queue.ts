import { type Body, wireBytes } from './exporter.ts';

/**
 * The bodies of one group that wait for one receiver, bounded: the newest is sent first, the oldest is given up
 * first.
 */
export class BodyQueue {
  readonly #depth: number;
  readonly #bodies: Body[] = [];

  constructor(depth: number) {
    this.#depth = depth;
  }

  get length(): number {
    return this.#bodies.length;
  }

  get bytes(): number {
    return this.#bodies.reduce((sum, body) => sum + wireBytes(body), 0);
  }

  /** Adds the newest body; gives back what had to go for it. */
  push(body: Body): Body[] {
    this.#bodies.push(body);
    return this.#bodies.splice(0, Math.max(0, this.#bodies.length - this.#depth));
  }

  /** Takes the newest body out. */
  pop(): Body | undefined {
    return this.#bodies.pop();
  }

  /** Puts a body that was not delivered back where its age belongs; gives it back when there is no room left. */
  restore(body: Body): Body | undefined {
    if (this.#bodies.length >= this.#depth) return body;
    const later = this.#bodies.findIndex((other) => other.stampMs > body.stampMs);
    this.#bodies.splice(later === -1 ? this.#bodies.length : later, 0, body);
    return undefined;
  }
}
