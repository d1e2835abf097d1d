import type { Packing } from './packing.ts';
import type { PendingText, TextArena } from './text-arena.ts';

/**
 * Approximate text size of one block: ten pods, and with one more still a single zstd block. Twice the size would save
 * a tenth of the bytes, but cost twice the CPU when one of its objects changes.
 */
export const TEXT_BLOCK_BYTES = 112 * 1024;

/** An object's slot in the store. */
export interface Slot {
  block: TextBlock;
  /** Bytes of its text in the block's member; 0 when it is not in it yet. */
  stored: number;
  /** The text that replaces it at the next rebuild, or a marker that the object is gone. */
  pending: PendingText | Gone | undefined;
  /** CRC-32 of the newest text: an event that changes no sample does not touch the block. */
  checksum: number;
}

/**
 * Approximate cost of a dead slot: so that objects that come and go between two rebuilds also count as pending work.
 */
const SLOT_BYTES = 64;

/** Marker for the text of a deleted object. */
export class Gone {
  readonly key: string;

  constructor(key: string) {
    this.key = key;
  }
}

/** No text, and therefore no member. */
export const NOTHING = Buffer.alloc(0);

/** Bytes of an object's newest text. */
export const sizeOf = ({ pending, stored }: Slot): number => (pending ? textBytesOf(pending) : stored);

const textBytesOf = (pending: Slot['pending']): number =>
  pending === undefined || pending instanceof Gone ? 0 : pending.text.length;

/** Bytes that a rebuild frees for a slot. */
const pendingBytesOf = ({ pending, stored }: Slot): number =>
  pending instanceof Gone ? stored + SLOT_BYTES : textBytesOf(pending);

/** The text of an object, extracted from its block. */
export interface ObjectText {
  readonly slot: Slot;
  readonly text: Buffer;
}

/** Called for changes when a block is read for a rebuild. */
export interface Changes {
  /** The text of an object; `now` is empty when it is gone. */
  replaced(before: Buffer, now: Buffer): void;
  /** The object with this key no longer has a slot. */
  gone(key: string): void;
}

/**
 * The concatenated texts of some objects, compressed into one member. The bytes of a member never change: a rebuild
 * creates new blocks, so that a reader holding members has a consistent text.
 */
export class TextBlock {
  /** Bytes of the text in `member`. */
  readonly stored: number;
  readonly slots: Slot[] = [];
  /** Bytes of the text including everything pending. */
  size: number;
  /** Bytes of pending texts and of dead objects: what a rebuild would free. */
  pendingBytes = 0;
  readonly #packing: Packing;
  readonly #arena: TextArena;
  #member: Buffer;
  /** The buffers that contain the texts returned by {@link read}. */
  #unpacked: Buffer = NOTHING;

  /** Takes over the entries; pending texts in the arena are released. */
  constructor(packing: Packing, arena: TextArena, entries: readonly ObjectText[]) {
    this.#packing = packing;
    this.#arena = arena;
    const text = joined(entries);
    this.stored = text.length;
    this.size = text.length;
    this.#member = text.length > 0 ? packing.pack(text) : NOTHING;
    for (const { slot, text } of entries) {
      slot.block = this;
      slot.stored = text.length;
      this.#release(slot);
      this.slots.push(slot);
    }
  }

  get member(): Buffer {
    return this.#member;
  }

  /** Copies the member into `memory` at `offset`, where it is from now on. Returns its length. */
  moveMember(memory: Buffer, offset: number): number {
    const moved = memory.subarray(offset, offset + this.#member.length);
    this.#member.copy(moved);
    this.#member = moved;
    return moved.length;
  }

  /** The text in the member. */
  get text(): Buffer {
    return this.stored > 0 ? this.#packing.unpack(this.#member, this.stored) : NOTHING;
  }

  /** Appends a new object. */
  append(slot: Slot): void {
    this.slots.push(slot);
    this.size += textBytesOf(slot.pending);
    this.pendingBytes += textBytesOf(slot.pending);
  }

  /** Sets the text of an object, even one that was gone, or marks it as gone. */
  replace(slot: Slot, pending: PendingText | Gone): void {
    this.size += textBytesOf(pending) - sizeOf(slot);
    this.pendingBytes -= pendingBytesOf(slot);
    this.#release(slot);
    slot.pending = pending;
    this.pendingBytes += pendingBytesOf(slot);
  }

  /** The current texts. The block is to be discarded afterwards, and then freed. */
  read(changes: Changes): ObjectText[] {
    const { text } = this;
    this.#unpacked = text;
    const entries: ObjectText[] = [];
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

  /** Releases the memory of what was read, when it is no longer needed. */
  free(): void {
    // Node.js and V8 would retain it until a full garbage collection: 200 changing blocks leave 23 MB behind. Smaller
    // texts may share their memory with other buffers.
    const { buffer, length } = this.#unpacked;
    if (length > Buffer.poolSize && buffer instanceof ArrayBuffer) buffer.transfer(0);
    this.#unpacked = NOTHING;
  }

  #release(slot: Slot): void {
    if (slot.pending !== undefined && !(slot.pending instanceof Gone)) this.#arena.release(slot.pending);
    slot.pending = undefined;
  }
}

/**
 * Workspace of {@link joined}: allocating this for each rebuild would create garbage that is collected late and takes
 * up most of the memory.
 */
const workspace = Buffer.allocUnsafeSlow(2 * TEXT_BLOCK_BYTES);

/** The concatenated texts, valid until the next call. */
function joined(entries: readonly ObjectText[]): Buffer {
  const size = entries.reduce((sum, { text }) => sum + text.length, 0);
  const target = size > workspace.length ? Buffer.allocUnsafeSlow(size) : workspace;
  let at = 0;
  for (const { text } of entries) at += text.copy(target, at);
  return target.subarray(0, size);
}
