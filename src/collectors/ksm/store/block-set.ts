import type { TextBlock } from './text-block.ts';

/**
 * Payloads after which an unchanged block counts as settled: in a cluster with so many events that each payload changes a quarter
 * of the blocks, nearly all change earlier, and moving them would be wasted work.
 */
const SETTLED_AFTER = 16;
/** About 16 members. */
const SLAB_BYTES = 112 * 1024;
/** Slabs filled per payload: a millisecond, and as much memory until a garbage collection frees the members' old one. */
const SLABS_PER_PAYLOAD = 16;

/** A piece of memory with members, one after another. */
interface Slab {
  /** How many members it had when it was filled. */
  readonly filled: number;
  /** The blocks whose members are still in it, in this order. */
  readonly blocks: Set<TextBlock>;
}

/**
 * The blocks of a store. The members of those that have not changed for some payloads are moved next to each other into slabs: a
 * sender passes such neighbours to the kernel as one buffer, which costs a seventh of the CPU of a push less than passing
 * hundreds. A slab that has lost half of its members is dissolved, so that at most half of the memory is unused.
 */
export class BlockSet {
  /** Blocks outside slabs, oldest first, with the number of the payload since which they are. */
  readonly #loose = new Map<TextBlock, number>();
  readonly #slabs = new Map<TextBlock, Slab>();
  readonly #order = new Set<Slab>();
  #payloads = 0;

  get size(): number {
    return this.#loose.size + this.#slabs.size;
  }

  /** Slabs first, each in its order. */
  *[Symbol.iterator](): Generator<TextBlock> {
    for (const { blocks } of this.#order) yield* blocks;
    yield* this.#loose.keys();
  }

  add(block: TextBlock): void {
    this.#loose.set(block, this.#payloads);
  }

  delete(block: TextBlock): void {
    if (this.#loose.delete(block)) return;
    const slab = this.#slabs.get(block);
    if (slab === undefined) return;
    this.#slabs.delete(block);
    slab.blocks.delete(block);
    if (slab.blocks.size * 2 <= slab.filled) this.#dissolve(slab);
  }

  /** To be called once per payload, before the members are read: moves settled ones. Returns whether any has moved. */
  settle(): boolean {
    this.#payloads++;
    let made = 0;
    for (; made < SLABS_PER_PAYLOAD; made++) {
      const blocks = this.#settled();
      if (blocks.length < 2) break;
      this.#fill(blocks);
    }
    return made > 0;
  }

  /** The blocks for a slab. Less than a slab only where there is nothing else to wait for. */
  #settled(): TextBlock[] {
    const blocks: TextBlock[] = [];
    let bytes = 0;
    for (const [block, since] of this.#loose) {
      if (this.#payloads - since < SETTLED_AFTER) return [];
      blocks.push(block);
      bytes += block.member.length;
      if (bytes >= SLAB_BYTES) break;
    }
    return blocks;
  }

  #fill(blocks: readonly TextBlock[]): void {
    const memory = Buffer.allocUnsafeSlow(blocks.reduce((sum, { member }) => sum + member.length, 0));
    const slab: Slab = { filled: blocks.length, blocks: new Set(blocks) };
    let at = 0;
    for (const block of blocks) {
      at += block.moveMember(memory, at);
      this.#loose.delete(block);
      this.#slabs.set(block, slab);
    }
    this.#order.add(slab);
  }

  #dissolve(slab: Slab): void {
    this.#order.delete(slab);
    for (const block of slab.blocks) {
      this.#slabs.delete(block);
      this.add(block);
    }
  }
}
