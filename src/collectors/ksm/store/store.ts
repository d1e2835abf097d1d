import { crc32 } from 'node:zlib';
import { turn } from '../../../base/turns.ts';
import type { Family } from '../../../metrics/family.ts';
import { headerText } from '../../../metrics/text/format.ts';
import type { EndedSeries } from './ended-series.ts';
import { FamilyTally } from './family-tally.ts';
import { BLOCK_BYTES, type Packing } from './packing.ts';
import { linesOf, regroup } from './regroup.ts';
import type { TextArena } from './text-arena.ts';
import { type Changes, type Entry, Gone, NOTHING, SHARD_BYTES, Shard, type Slot, sizeOf } from './text-block.ts';

/** Beyond this much waiting for a rebuild, shards are rebuilt at once: a standby agent never pushes. */
const MAX_DEBT_BYTES = 4 * 1024 * 1024;

/** All sample lines of a store: header lines first, then the objects. */
export interface StoreBody {
  /** Packed texts; one after the other they are one body in the packing's compression. */
  readonly members: readonly Buffer[];
  /** Bytes before compression. */
  readonly textBytes: number;
  readonly samples: number;
}

/** The sizes of a store, for the self metrics. */
export interface StoreSizes {
  readonly objects: number;
  readonly shards: number;
  /** Bytes of text, and of its compressed form. */
  readonly textBytes: number;
  readonly memberBytes: number;
  /** Changes not in the members yet, and what they replace. */
  readonly debtBytes: number;
}

/**
 * The sample lines of all objects of one resource, in shards of about 112 KiB that are kept compressed. Changes wait
 * until the next body, which compresses the changed shards only: an unchanged store costs nothing, whatever its size.
 * An object costs its compressed text (500 bytes for a pod of two containers) and about 200 bytes of index.
 */
export class ObjectStore {
  readonly #families: readonly Family[];
  readonly #packing: Packing;
  readonly #arena: TextArena;
  readonly #index = new Map<string, Slot>();
  /** Slots of deleted objects, which stay until the next rebuild. */
  #gone = 0;
  readonly #shards = new Set<Shard>();
  readonly #dirty = new Set<Shard>();
  /** Counts what is in the members, changes waiting left out. */
  readonly #tally = new FamilyTally();
  readonly #changes: Changes;
  readonly #ended: EndedSeries | undefined;
  /** The shard with room for new objects, and the only one that may be less than half full. */
  #open: Shard | undefined;
  readonly #bytes = { textBytes: 0, memberBytes: 0 };
  #debt = 0;
  /** The last body, until a shard changes. */
  #body: StoreBody | undefined;
  #header: { readonly text: string; readonly member: Buffer } = { text: '', member: NOTHING };

  /** `families` are those that the texts may have; `ended` gets the series that leave the text. */
  constructor(families: readonly Family[], packing: Packing, arena: TextArena, ended?: EndedSeries) {
    this.#families = families;
    this.#packing = packing;
    this.#arena = arena;
    this.#ended = ended;
    this.#changes = {
      replaced: (before, now) => {
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
    return { ...this.#bytes, objects: this.size, shards: this.#shards.size, debtBytes: this.#debt };
  }

  /** Sets the sample lines of an object, each with its newline; `text` is empty when it has none. */
  set(key: string, text: string): void {
    const pending = this.#arena.hold(text);
    const checksum = crc32(pending.text) | 0;
    const slot = this.#index.get(key);
    if (slot === undefined) {
      const shard = this.#openShard();
      const added = { shard, stored: 0, pending, checksum };
      this.#index.set(key, added);
      this.#change(shard, () => shard.append(added));
      if (shard.size >= SHARD_BYTES) this.#rebuild(shard);
    } else if (slot.checksum === checksum && sizeOf(slot) === pending.text.length) {
      this.#arena.release(pending);
    } else {
      // One that comes back keeps its slot, so that the series it has again do not look as if they had ended.
      if (slot.pending instanceof Gone) this.#gone--;
      this.#noteUnpushed(slot, pending.text);
      slot.checksum = checksum;
      this.#change(slot.shard, () => slot.shard.replace(slot, pending));
    }
    this.#payBack();
  }

  /** Removes an object; nothing happens when it is not there. */
  delete(key: string): void {
    const slot = this.#index.get(key);
    if (slot === undefined || slot.pending instanceof Gone) return;
    this.#gone++;
    this.#noteUnpushed(slot, NOTHING);
    this.#change(slot.shard, () => slot.shard.replace(slot, new Gone(key)));
    this.#payBack();
  }

  /**
   * Compresses what has changed until now and gives everything, the same object as before when nothing has. Changes made
   * meanwhile may be left for the next body, but no object is ever there by half.
   */
  body(): StoreBody | Promise<StoreBody> {
    return this.#dirty.size === 0 ? this.#whole() : this.#settle().then(() => this.#whole());
  }

  #whole(): StoreBody {
    this.#body ??= {
      members: [this.#headerMember(), ...[...this.#shards].map(({ member }) => member)].filter(
        ({ length }) => length > 0,
      ),
      textBytes: this.#bytes.textBytes + Buffer.byteLength(this.#header.text),
      samples: this.#tally.series,
    };
    return this.#body;
  }

  /** The same text regrouped by family, families by name; plain, in pieces that end with a line. */
  async *byFamily(): AsyncGenerator<Buffer> {
    await this.#settle();
    const counted = this.#present().map((family) => ({
      family,
      bytes: this.#tally.families.get(family.name)?.bytes ?? 0,
    }));
    yield* regroup([...this.#shards], counted);
  }

  /** The families that have series in the members. */
  families(): { family: Family; series: number }[] {
    return this.#present().map((family) => ({ family, series: this.#tally.families.get(family.name)?.series ?? 0 }));
  }

  /** The sample lines of one family, a piece for each shard that has some. */
  async *lines(name: string): AsyncGenerator<string> {
    await this.#settle();
    if (this.#tally.families.has(name)) yield* linesOf([...this.#shards], name);
  }

  /** Rebuilds the shards that have changed, a millisecond each. */
  async #settle(): Promise<void> {
    for (const shard of [...this.#dirty]) {
      await turn();
      // Another one may have been faster: a merge, or the next call.
      if (this.#dirty.has(shard)) this.#rebuild(shard);
    }
  }

  /** A text that leaves before it was in a member is known to nobody else, but another agent may have pushed it. */
  #noteUnpushed({ pending }: Slot, now: Buffer): void {
    if (pending && !(pending instanceof Gone) && this.#ended?.isUnasked) this.#ended.replaced(pending.text, now);
  }

  #openShard(): Shard {
    if (this.#open === undefined) {
      this.#open = new Shard(this.#packing, this.#arena, []);
      this.#shards.add(this.#open);
    }
    return this.#open;
  }

  #change(shard: Shard, change: () => void): void {
    this.#debt -= shard.debt;
    change();
    this.#debt += shard.debt;
    this.#dirty.add(shard);
  }

  #payBack(): void {
    for (const shard of this.#dirty) {
      if (this.#debt <= MAX_DEBT_BYTES) return;
      this.#rebuild(shard);
    }
  }

  /** Replaces a shard by as many as its text now needs; what is less than half a shard joins the open one. */
  #rebuild(shard: Shard): void {
    const taken = [shard];
    let entries = this.#take(shard);
    const open = this.#open;
    if (open !== undefined && bytesOf(entries) < SHARD_BYTES / 2) {
      taken.push(open);
      entries = [...this.#take(open), ...entries];
    }
    for (const group of evenGroups(entries)) {
      const rebuilt = new Shard(this.#packing, this.#arena, group);
      this.#shards.add(rebuilt);
      this.#count(rebuilt, 1);
      if (rebuilt.size < SHARD_BYTES) this.#open ??= rebuilt;
    }
    for (const one of taken) one.free();
  }

  #take(shard: Shard): Entry[] {
    this.#shards.delete(shard);
    this.#count(shard, -1);
    this.#dirty.delete(shard);
    this.#debt -= shard.debt;
    if (this.#open === shard) this.#open = undefined;
    return shard.read(this.#changes);
  }

  #count({ stored, member }: Shard, sign: 1 | -1): void {
    this.#bytes.textBytes += sign * stored;
    this.#bytes.memberBytes += sign * member.length;
    this.#body = undefined;
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

const bytesOf = (entries: readonly Entry[]): number => entries.reduce((sum, { text }) => sum + text.length, 0);

/** Splits into groups of about the same size, each a block or less: of half a shard at least, if there is enough. */
function evenGroups(entries: readonly Entry[]): Entry[][] {
  const total = bytesOf(entries);
  const count = total <= BLOCK_BYTES ? 1 : Math.ceil(total / SHARD_BYTES);
  const groups: Entry[][] = Array.from({ length: count }, () => []);
  let before = 0;
  for (const entry of entries) {
    groups[Math.min(count - 1, Math.floor((before * count) / total) || 0)]?.push(entry);
    before += entry.text.length;
  }
  return groups.filter((group) => group.length > 0);
}
