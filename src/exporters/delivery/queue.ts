import type { Group } from '../../metrics/group.ts';
import { type Body, wireBytes } from '../exporter.ts';

/** Limits of a queue. */
interface QueueLimits {
  /** Batches per group. Parts of one batch count as one. */
  readonly cycles: number;
  /** Compressed bytes of all groups together. The newest batch of each group stays, whatever its size. */
  readonly bytes: number;
}

/**
 * The batches queued in memory for one receiver. In each group, the newest is sent first, and the oldest is dropped
 * first.
 */
export class MemoryQueue {
  readonly #limits: QueueLimits;
  /** Ordered by timestamp, oldest first. */
  readonly #bodies = new Map<Group, Body[]>();
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get sizes(): { bodies: number; bytes: number; oldestStampMs?: number } {
    const all = [...this.#bodies.values()];
    const oldest = Math.min(...all.flatMap(([first]) => (first ? [first.stampMs] : [])));
    return {
      bodies: all.reduce((sum, { length }) => sum + length, 0),
      bytes: this.#bytes,
      ...(Number.isFinite(oldest) && { oldestStampMs: oldest }),
    };
  }

  has(group: Group): boolean {
    return (this.#bodies.get(group)?.length ?? 0) > 0;
  }

  /** Inserts a batch by age. Returns those that no longer fit, oldest first. */
  add(body: Body): Body[] {
    const bodies = this.#bodies.get(body.group) ?? [];
    this.#bodies.set(body.group, bodies);
    const place = bodies.findLastIndex(({ stampMs }) => stampMs <= body.stampMs) + 1;
    bodies.splice(place, 0, body);
    this.#bytes += wireBytes(body);
    const displaced: Body[] = [];
    while (cyclesOf(bodies) > this.#limits.cycles) displaced.push(this.#takeFirst(bodies));
    while (this.#bytes > this.#limits.bytes) {
      const oldest = this.#oldest();
      if (oldest === undefined) break;
      displaced.push(this.#takeFirst(oldest));
    }
    return displaced;
  }

  /** Removes and returns the newest batch of a group. */
  takeNewest(group: Group): Body | undefined {
    const body = this.#bodies.get(group)?.pop();
    if (body) this.#bytes -= wireBytes(body);
    return body;
  }

  /** Removes and returns everything, oldest first. */
  takeAll(): Body[] {
    const all = [...this.#bodies.values()].flat().sort((one, other) => one.stampMs - other.stampMs);
    this.#bodies.clear();
    this.#bytes = 0;
    return all;
  }

  #takeFirst(bodies: Body[]): Body {
    const body = bodies.shift() as Body;
    this.#bytes -= wireBytes(body);
    return body;
  }

  /** The group with the oldest batch, among those with more than one. */
  #oldest(): Body[] | undefined {
    const candidates = [...this.#bodies.values()].filter((bodies) => cyclesOf(bodies) > 1);
    return candidates.sort(([one], [other]) => (one?.stampMs ?? 0) - (other?.stampMs ?? 0))[0];
  }
}

const cyclesOf = (bodies: readonly Body[]): number => new Set(bodies.map(({ stampMs }) => stampMs)).size;
