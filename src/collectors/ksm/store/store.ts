import { crc32 } from 'node:zlib';
import { KeyMap } from '../../../base/key-map.ts';
import { turn } from '../../../base/turns.ts';
import type { Family } from '../../../metrics/family.ts';
import { headerText } from '../../../metrics/text/format.ts';
import { BlockSet } from './block-set.ts';
import { changedLines } from './changed-lines.ts';
import type { EndedSeriesTracker } from './ended-series.ts';
import { FamilyTally } from './family-tally.ts';
import { type Packing, ZSTD_BLOCK_BYTES } from './packing.ts';
import { familyLines, regroup } from './regroup.ts';
import type { TextArena } from './text-arena.ts';
import {
  type Changes,
  Gone,
  NOTHING,
  type ObjectText,
  type Slot,
  sizeOf,
  TEXT_BLOCK_BYTES,
  TextBlock,
} from './text-block.ts';

/** With more than this pending, blocks are rebuilt immediately: a standby agent never pushes. */
const MAX_PENDING_BYTES = 4 * 1024 * 1024;

/** All sample lines of a store: header lines first, then the objects. */
export interface StoreText {
  /** Compressed texts; concatenated, they form one payload in the packing's compression. */
  readonly members: readonly Buffer[];
  /** Bytes before compression. */
  readonly textBytes: number;
  readonly samples: number;
}

/** The sizes of a store, for the self metrics. */
export interface StoreSizes {
  readonly objects: number;
  readonly blocks: number;
  /** Bytes of text, uncompressed and compressed. */
  readonly textBytes: number;
  readonly memberBytes: number;
  /** Changes that are not in the members yet, and the texts they replace. */
  readonly pendingBytes: number;
}

/**
 * The sample lines of all objects of one resource, stored in compressed blocks of about 112 KiB. Changes are buffered
 * until the next payload, which compresses only the changed blocks: an unchanged store costs nothing, whatever its
 * size. An object costs its compressed text (500 bytes for a pod of two containers) and about 200 bytes of index.
 */
export class ObjectStore {
  readonly #families: readonly Family[];
  readonly #packing: Packing;
  readonly #arena: TextArena;
  readonly #index = new KeyMap<Slot>();
  /** Slots of deleted objects, which remain until the next rebuild. */
  #gone = 0;
  readonly #blocks = new BlockSet();
  readonly #dirty = new Set<TextBlock>();
  /** Counts what is in the members, without pending changes. */
  readonly #tally = new FamilyTally();
  readonly #changes: Changes;
  readonly #ended: EndedSeriesTracker | undefined;
  /** The block with room for new objects, and the only one that may be less than half full. */
  #open: TextBlock | undefined;
  readonly #bytes = { textBytes: 0, memberBytes: 0 };
  #pendingBytes = 0;
  /** The last payload, until a block changes. */
  #text: StoreText | undefined;
  #header: { readonly text: string; readonly member: Buffer } = { text: '', member: NOTHING };

  /** `families` are those that the texts may contain; `ended` receives the series that leave the text. */
  constructor(families: readonly Family[], packing: Packing, arena: TextArena, ended?: EndedSeriesTracker) {
    this.#families = families;
    this.#packing = packing;
    this.#arena = arena;
    this.#ended = ended;
    this.#changes = {
      replaced: (stored, pending) => {
        const [before, now] = changedLines(stored, pending);
        this.#tally.remove(before);
        this.#tally.add(now);
        ended?.replaced(before, now);
      },
      gone: (key) => {
        this.#index.delete(key);
        this.#gone--;
      },
    };
  }

  get size(): number {
    return this.#index.size - this.#gone;
  }

  get sizes(): StoreSizes {
    return { ...this.#bytes, objects: this.size, blocks: this.#blocks.size, pendingBytes: this.#pendingBytes };
  }

  /** Sets the sample lines of an object, each with its newline, of which it makes a copy; empty when it has none. */
  set(key: string, lines: string | Buffer): void {
    const text = typeof lines === 'string' ? Buffer.from(lines) : lines;
    const checksum = crc32(text) | 0;
    const slot = this.#index.get(key);
    const isGone = slot?.pending instanceof Gone;
    if (slot !== undefined && !isGone && slot.checksum === checksum && sizeOf(slot) === text.length) return;
    const pending = this.#arena.hold(text);
    if (slot === undefined) {
      const block = this.#openBlock();
      const added = { block, stored: 0, pending, checksum };
      this.#index.set(key, added);
      this.#change(block, () => block.append(added));
      if (block.size >= TEXT_BLOCK_BYTES) this.#rebuild(block);
    } else {
      // An object that comes back keeps its slot, so that the series it has again do not count as ended.
      if (isGone) this.#gone--;
      this.#noteUnpushed(slot, pending.text);
      slot.checksum = checksum;
      this.#change(slot.block, () => slot.block.replace(slot, pending));
    }
    this.#rebuildExcess();
  }

  /** Removes an object; does nothing when it is absent. */
  delete(key: string): void {
    const slot = this.#index.get(key);
    if (slot === undefined || slot.pending instanceof Gone) return;
    this.#gone++;
    this.#noteUnpushed(slot, NOTHING);
    this.#change(slot.block, () => slot.block.replace(slot, new Gone(key)));
    this.#rebuildExcess();
  }

  /**
   * Compresses pending changes and returns everything, the same object as before when nothing has changed for some
   * payloads. Changes made in the meantime may be left for the next payload, but an object is never included partially.
   */
  text(): StoreText | Promise<StoreText> {
    return this.#dirty.size === 0 ? this.#whole() : this.#settle().then(() => this.#whole());
  }

  #whole(): StoreText {
    if (this.#blocks.settle()) this.#text = undefined;
    this.#text ??= {
      members: [this.#headerMember(), ...[...this.#blocks].map(({ member }) => member)].filter(
        ({ length }) => length > 0,
      ),
      textBytes: this.#bytes.textBytes + Buffer.byteLength(this.#header.text),
      samples: this.#tally.series,
    };
    return this.#text;
  }

  /** The same text regrouped by family, sorted by name; uncompressed, in chunks of whole lines. */
  async *byFamily(): AsyncGenerator<Buffer> {
    await this.#settle();
    const counted = this.#present().map((family) => ({
      family,
      bytes: this.#tally.families.get(family.name)?.bytes ?? 0,
    }));
    yield* regroup([...this.#blocks], counted);
  }

  /** The families that have series in the members. */
  families(): { family: Family; series: number }[] {
    return this.#present().map((family) => ({ family, series: this.#tally.families.get(family.name)?.series ?? 0 }));
  }

  /** The sample lines of one family, a chunk per block that has some. */
  async *lines(name: string): AsyncGenerator<string> {
    await this.#settle();
    if (this.#tally.families.has(name)) yield* familyLines([...this.#blocks], name);
  }

  /** Rebuilds the blocks that have changed, a millisecond each. */
  async #settle(): Promise<void> {
    for (const block of [...this.#dirty]) {
      await turn();
      // Another rebuild may have been faster: a merge, or the next call.
      if (this.#dirty.has(block)) this.#rebuild(block);
    }
  }

  /** A text removed before it was in a member was never sent by us, but another agent may have pushed it. */
  #noteUnpushed({ pending }: Slot, now: Buffer): void {
    if (pending && !(pending instanceof Gone) && this.#ended?.isUnasked) {
      this.#ended.replaced(...changedLines(pending.text, now));
    }
  }

  #openBlock(): TextBlock {
    if (this.#open === undefined) {
      this.#open = new TextBlock(this.#packing, this.#arena, []);
      this.#blocks.add(this.#open);
    }
    return this.#open;
  }

  #change(block: TextBlock, change: () => void): void {
    this.#pendingBytes -= block.pendingBytes;
    change();
    this.#pendingBytes += block.pendingBytes;
    this.#dirty.add(block);
  }

  #rebuildExcess(): void {
    for (const block of this.#dirty) {
      if (this.#pendingBytes <= MAX_PENDING_BYTES) return;
      this.#rebuild(block);
    }
  }

  /**
   * Replaces a block by as many as its text now needs; a remainder of less than half a block is merged into the open
   * block.
   */
  #rebuild(block: TextBlock): void {
    const taken = [block];
    let entries = this.#take(block);
    const open = this.#open;
    if (open !== undefined && bytesOf(entries) < TEXT_BLOCK_BYTES / 2) {
      taken.push(open);
      entries = [...this.#take(open), ...entries];
    }
    for (const piece of evenPieces(entries)) {
      const rebuilt = new TextBlock(this.#packing, this.#arena, piece);
      this.#blocks.add(rebuilt);
      this.#count(rebuilt, 1);
      if (rebuilt.size < TEXT_BLOCK_BYTES) this.#open ??= rebuilt;
    }
    for (const one of taken) one.free();
  }

  #take(block: TextBlock): ObjectText[] {
    this.#blocks.delete(block);
    this.#count(block, -1);
    this.#dirty.delete(block);
    this.#pendingBytes -= block.pendingBytes;
    if (this.#open === block) this.#open = undefined;
    return block.read(this.#changes);
  }

  #count({ stored, member }: TextBlock, sign: 1 | -1): void {
    this.#bytes.textBytes += sign * stored;
    this.#bytes.memberBytes += sign * member.length;
    this.#text = undefined;
  }

  #present(): Family[] {
    return this.#families
      .filter(({ name }) => this.#tally.families.has(name))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  #headerMember(): Buffer {
    const text = this.#present().map(headerText).join('');
    if (text !== this.#header.text) this.#header = { text, member: this.#packing.pack(Buffer.from(text)) };
    return text === '' ? NOTHING : this.#header.member;
  }
}

const bytesOf = (entries: readonly ObjectText[]): number => entries.reduce((sum, { text }) => sum + text.length, 0);

/** Splits into pieces of about equal size, each at most a block, and at least half a block if there is enough. */
function evenPieces(entries: readonly ObjectText[]): ObjectText[][] {
  const total = bytesOf(entries);
  const count = total <= ZSTD_BLOCK_BYTES ? 1 : Math.ceil(total / TEXT_BLOCK_BYTES);
  const pieces: ObjectText[][] = Array.from({ length: count }, () => []);
  let before = 0;
  for (const entry of entries) {
    pieces[Math.min(count - 1, Math.floor((before * count) / total) || 0)]?.push(entry);
    before += entry.text.length;
  }
  return pieces.filter((piece) => piece.length > 0);
}
