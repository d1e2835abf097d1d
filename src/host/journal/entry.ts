import { type Cursor, hex } from './cursor.ts';
import { viewU64 } from './window.ts';

/** An entry without its fields. */
export interface EntryPosition extends Cursor {
  /** Offset in its file. */
  readonly offset: number;
}

/** Bytes of an entry object before its items. */
export const ENTRY_HEAD = 64;

/** An entry as stored in its object; the text of its hash is created on demand, which is rare. */
export class FileEntry implements EntryPosition {
  readonly seqnumId: string;
  readonly bootId: string;
  readonly offset: number;
  readonly seqnum: number;
  readonly realtime: number;
  readonly monotonic: number;
  readonly #high: number;
  readonly #low: number;

  /** Reads the object at `at` of `view`, which has its {@link ENTRY_HEAD} bytes. */
  constructor(seqnumId: string, bootId: string, offset: number, view: DataView, at: number) {
    this.seqnumId = seqnumId;
    this.bootId = bootId;
    this.offset = offset;
    this.seqnum = viewU64(view, at + 16);
    this.realtime = viewU64(view, at + 24);
    this.monotonic = viewU64(view, at + 32);
    this.#low = view.getUint32(at + 56, true);
    this.#high = view.getUint32(at + 60, true);
  }

  /** Whether its numbers are plausible. */
  get isPlausible(): boolean {
    return this.seqnum <= Number.MAX_SAFE_INTEGER && this.realtime <= Number.MAX_SAFE_INTEGER;
  }

  get xorHash(): string {
    const low = hex(this.#low);
    return this.#high === 0 ? low : hex(this.#high) + low.padStart(8, '0');
  }
}

/** The cursor of an entry, by itself. */
export const cursorOf = ({ seqnumId, seqnum, bootId, monotonic, realtime, xorHash }: EntryPosition): Cursor => ({
  ...{ seqnumId, seqnum, bootId, monotonic, realtime, xorHash },
});
