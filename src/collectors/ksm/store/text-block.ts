import type { Packing } from './packing.ts';
import type { TextArena, Waiting } from './text-arena.ts';

/**
 * Text of one block, about: ten pods, and with one more still a single block of zstd. Twice as much would save a tenth of
 * the bytes, and cost twice the CPU for a change of one object in it.
 */
export const TEXT_BLOCK_BYTES = 112 * 1024;

/** An object's place in the store. */
export interface Slot {
  block: TextBlock;
  /** Bytes of its text in the block's member; 0 when it is not there yet. */
  stored: number;
  /** The text that takes its place at the next rebuild, or that the object is gone. */
  pending: Waiting | Gone | undefined;
  /** CRC-32 of the newest text: an event that changes none of the samples leaves the block alone. */
  checksum: number;
}

/** What a dead slot costs, about: so that objects that come and go between two rebuilds are a debt as well. */
const SLOT_BYTES = 64;

/** Stands for the text of a deleted object. */
export class Gone {
  readonly key: string;

  constructor(key: string) {
    this.key = key;
  }
}

/** No text, and so no member. */
export const NOTHING = Buffer.alloc(0);

/** Bytes of an object's newest text. */
export const sizeOf = ({ pending, stored }: Slot): number => (pending ? waitingBytes(pending) : stored);

const waitingBytes = (pending: Slot['pending']): number =>
  pending === undefined || pending instanceof Gone ? 0 : pending.text.length;

/** What a rebuild frees of a slot. */
const debtOf = ({ pending, stored }: Slot): number =>
  pending instanceof Gone ? stored + SLOT_BYTES : waitingBytes(pending);

/** An object's text, taken out of its block. */
export interface Entry {
  readonly slot: Slot;
  readonly text: Buffer;
}

/** Is called for what changes when a block is read for a rebuild. */
export interface Changes {
  /** The text of an object; `now` is empty when it is gone. */
  replaced(before: Buffer, now: Buffer): void;
  /** The object with this key has no slot any more. */
  gone(key: string): void;
}

/**
 * The texts of some objects, one after the other, compressed into one member. The member never changes: a rebuild makes
 * new blocks, so that whoever holds members holds a consistent text.
 */
export class TextBlock {
  readonly member: Buffer;
  /** Bytes of the text in `member`. */
  readonly stored: number;
  readonly slots: Slot[] = [];
  /** Bytes of the text once everything pending is in. */
  size: number;
  /** Bytes of pending texts and of dead objects: what a rebuild would free. */
  debt = 0;
  readonly #packing: Packing;
  readonly #arena: TextArena;
  /** What the texts that {@link read} gave are parts of. */
  #unpacked: Buffer = NOTHING;

  /** Takes the entries over; what waits in the arena is released. */
  constructor(packing: Packing, arena: TextArena, entries: readonly Entry[]) {
    this.#packing = packing;
    this.#arena = arena;
    const text = joined(entries);
    this.stored = text.length;
    this.size = text.length;
    this.member = text.length > 0 ? packing.pack(text) : NOTHING;
    for (const { slot, text } of entries) {
      slot.block = this;
      slot.stored = text.length;
      this.#release(slot);
      this.slots.push(slot);
    }
  }

  /** The text in the member. */
  get text(): Buffer {
    return this.stored > 0 ? this.#packing.unpack(this.member, this.stored) : NOTHING;
  }

  /** Puts a new object behind the others. */
  append(slot: Slot): void {
    this.slots.push(slot);
    this.size += waitingBytes(slot.pending);
    this.debt += waitingBytes(slot.pending);
  }

  /** Gives an object another text, also one that was gone, or makes it gone. */
  replace(slot: Slot, pending: Waiting | Gone): void {
    this.size += waitingBytes(pending) - sizeOf(slot);
    this.debt -= debtOf(slot);
    this.#release(slot);
    slot.pending = pending;
    this.debt += debtOf(slot);
  }

  /** The texts as they are now. The block is to be dropped after it, and then freed. */
  read(changes: Changes): Entry[] {
    const { text } = this;
    this.#unpacked = text;
    const entries: Entry[] = [];
    let start = 0;
    for (const slot of this.slots) {
      const stored = text.subarray(start, start + slot.stored);
      start += slot.stored;
      const { pending } = slot;
      if (pending instanceof Gone) {
        changes.replaced(stored, NOTHING);
        changes.gone(pending.key);
        continue;
      }
      if (pending) changes.replaced(stored, pending.text);
      entries.push({ slot, text: pending?.text ?? stored });
    }
    return entries;
  }

  /** Gives the memory of what was read back, when nobody needs it any more. */
  free(): void {
    // Node.js and V8 would keep it until all of the heap is looked through: 200 blocks that change leave 23 MB behind.
    // Smaller texts may share their memory with other buffers.
    const { buffer, length } = this.#unpacked;
    if (length > Buffer.poolSize) (buffer as ArrayBuffer).transfer(0);
    this.#unpacked = NOTHING;
  }

  #release(slot: Slot): void {
    if (slot.pending !== undefined && !(slot.pending instanceof Gone)) this.#arena.release(slot.pending);
    slot.pending = undefined;
  }
}

/** Workspace of {@link joined}: so much garbage for each rebuild would be collected late, and be most of the memory. */
const workspace = Buffer.allocUnsafeSlow(2 * TEXT_BLOCK_BYTES);

/** The texts one after the other, until the next call. */
function joined(entries: readonly Entry[]): Buffer {
  const size = entries.reduce((sum, { text }) => sum + text.length, 0);
  const target = size > workspace.length ? Buffer.allocUnsafeSlow(size) : workspace;
  let at = 0;
  for (const { text } of entries) at += text.copy(target, at);
  return target.subarray(0, size);
}
