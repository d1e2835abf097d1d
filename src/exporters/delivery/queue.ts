import type { Group } from '../../metrics/group.ts';
import { type Batch, wireBytes } from '../exporter.ts';

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
  readonly #batches = new Map<Group, Batch[]>();
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get sizes(): { bodies: number; bytes: number; oldestStampMs?: number } {
    const all = [...this.#batches.values()];
    const oldest = Math.min(...all.flatMap(([first]) => (first ? [first.stampMs] : [])));
    return {
      bodies: all.reduce((sum, { length }) => sum + length, 0),
      bytes: this.#bytes,
      ...(Number.isFinite(oldest) && { oldestStampMs: oldest }),
    };
  }

  has(group: Group): boolean {
    return (this.#batches.get(group)?.length ?? 0) > 0;
  }

  /** Inserts a batch by age. Returns those that no longer fit, oldest first. */
  add(batch: Batch): Batch[] {
    const batches = this.#batches.get(batch.group) ?? [];
    this.#batches.set(batch.group, batches);
    const place = batches.findLastIndex(({ stampMs }) => stampMs <= batch.stampMs) + 1;
    batches.splice(place, 0, batch);
    this.#bytes += wireBytes(batch);
    const displaced: Batch[] = [];
    while (cyclesOf(batches) > this.#limits.cycles) displaced.push(...this.#takeFirst(batches));
    while (this.#bytes > this.#limits.bytes) {
      const oldest = this.#oldest();
      if (oldest === undefined) break;
      displaced.push(...this.#takeFirst(oldest));
    }
    return displaced;
  }

  /** Removes and returns the newest batch of a group. */
  takeNewest(group: Group): Batch | undefined {
    const batch = this.#batches.get(group)?.pop();
    if (batch) this.#bytes -= wireBytes(batch);
    return batch;
  }

  /** Removes and returns everything, oldest first. */
  takeAll(): Batch[] {
    const all = [...this.#batches.values()].flat().sort((one, other) => one.stampMs - other.stampMs);
    this.#batches.clear();
    this.#bytes = 0;
    return all;
  }

  #takeFirst(batches: Batch[]): Batch[] {
    const taken = batches.splice(0, 1);
    for (const batch of taken) this.#bytes -= wireBytes(batch);
    return taken;
  }

  /** The group with the oldest batch, among those with more than one. */
  #oldest(): Batch[] | undefined {
    const candidates = [...this.#batches.values()].filter((batches) => cyclesOf(batches) > 1);
    return candidates.sort(([one], [other]) => (one?.stampMs ?? 0) - (other?.stampMs ?? 0))[0];
  }
}

const cyclesOf = (batches: readonly Batch[]): number => new Set(batches.map(({ stampMs }) => stampMs)).size;
