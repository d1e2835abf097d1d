import { constants, gunzipSync, gzipSync } from 'node:zlib';

/** Text of one shard, about: 8 to 16 pods. As gzip members of this size cost 0.2 % more than one stream. */
export const SHARD_BYTES = 64 * 1024;

/** What a dead slot costs, about: so that objects that come and go between two rebuilds are a debt as well. */
const SLOT_BYTES = 64;

/** An object's place in the store. */
export interface Slot {
  shard: Shard;
  /** Bytes of its text in the shard's member; 0 when it is not there yet. */
  stored: number;
  /** The text that takes its place at the next rebuild; `GONE` when the object was deleted. */
  pending: Buffer | undefined;
  /** CRC-32 of the newest text: an event that changes none of the samples leaves the shard alone. */
  checksum: number;
}

/** Stands for the text of a deleted object; known by identity. */
export const GONE = Buffer.alloc(0);

/** An object's text, taken out of its shard. */
export interface Entry {
  readonly slot: Slot;
  readonly text: Buffer;
}

/** Is told what leaves and what comes when a shard is read for a rebuild. */
export interface Tally {
  add(text: Buffer): void;
  remove(text: Buffer): void;
}

/**
 * The texts of some objects, one after the other, as one gzip member. The member never changes: a rebuild makes new
 * shards, so that whoever holds members holds a consistent text.
 */
export class Shard {
  readonly member: Buffer;
  /** Bytes of the text in `member`. */
  readonly stored: number;
  readonly slots: Slot[] = [];
  /** Bytes of the text once everything pending is in. */
  size: number;
  /** Bytes of pending texts and of dead objects: what a rebuild would free. */
  debt = 0;

  constructor(entries: readonly Entry[]) {
    const text = joined(entries);
    this.stored = text.length;
    this.size = text.length;
    this.member = text.length > 0 ? gzipped(text) : GONE;
    for (const { slot, text } of entries) {
      slot.shard = this;
      slot.stored = text.length;
      slot.pending = undefined;
      this.slots.push(slot);
    }
  }

  /** Puts a new object behind the others. */
  append(slot: Slot): void {
    this.slots.push(slot);
    this.size += slot.pending?.length ?? 0;
    this.debt += slot.pending?.length ?? 0;
  }

  /** Gives an object another text, or `GONE`. */
  replace(slot: Slot, text: Buffer): void {
    this.size += text.length - (slot.pending?.length ?? slot.stored);
    this.debt += text.length - (slot.pending?.length ?? 0);
    if (text === GONE) this.debt += slot.stored + SLOT_BYTES;
    slot.pending = text;
  }

  /** The texts as they are now. The shard is to be dropped after it. */
  read(tally: Tally): Entry[] {
    const text = textOf(this);
    const entries: Entry[] = [];
    let start = 0;
    for (const slot of this.slots) {
      const stored = text.subarray(start, start + slot.stored);
      start += slot.stored;
      if (slot.pending) {
        tally.remove(stored);
        tally.add(slot.pending);
      }
      if (slot.pending !== GONE) entries.push({ slot, text: slot.pending ?? stored });
    }
    return entries;
  }
}

/** Workspace of {@link joined}: 64 KiB of garbage for each rebuild would be collected late, and be most of the memory. */
let workspace = Buffer.alloc(0);

/** The texts one after the other, until the next call. */
function joined(entries: readonly Entry[]): Buffer {
  const size = entries.reduce((sum, { text }) => sum + text.length, 0);
  if (workspace.length < size) workspace = Buffer.allocUnsafeSlow(2 * size);
  let at = 0;
  for (const { text } of entries) at += text.copy(workspace, at);
  return workspace.subarray(0, size);
}

/** The text in a shard's member. */
export function textOf({ member, stored }: Pick<Shard, 'member' | 'stored'>): Buffer {
  // In one piece: zlib ends only when there is room left.
  return stored > 0 ? gunzipSync(member, { chunkSize: Math.max(stored + 1, 1024) }) : member;
}

/** A member in memory of its own: zlib gives views of 16 KiB buffers, of which a kept member would keep all. */
export function gzipped(text: Buffer): Buffer {
  const member = gzipSync(text, { level: constants.Z_BEST_SPEED });
  const kept = Buffer.allocUnsafeSlow(member.length);
  member.copy(kept);
  return kept;
}
