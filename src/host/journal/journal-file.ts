import { ENTRY_HEAD, type EntryPosition, FileEntry } from './entry.ts';
import { EntryIndex } from './entry-index.ts';
import { type JournalField, readField, type Unreadable } from './field.ts';
import { FieldNames } from './field-names.ts';
import { type Header, id128, MIN_HEADER_BYTES, readJournalHeader, UnsupportedJournal } from './header.ts';
import { type ReadAt, viewU64, Window } from './window.ts';

/** Losses since the file was opened. */
interface Damage {
  /** Lost entries. */
  entries: number;
  /** Lost fields, by reason. */
  fields: Record<Unreadable, number>;
}

const ENTRY = 3;
/** journald writes at most 1024. */
const MAX_FIELDS = 4096;
const MAX_REMEMBERED = 16_384;
/** Offsets of the data objects of the entry that is being read: files are read one at a time. */
const ITEMS = new Float64Array(MAX_FIELDS);

/**
 * A file of systemd's journal, read through a {@link Window}: regular and compact, with any hash. Damage only affects
 * the damaged part: an entry, or a field of the entries that share it.
 */
export class JournalFile {
  readonly damage: Damage = { entries: 0, fields: { corrupt: 0, unsupported: 0, 'too large': 0 } };
  readonly #readAt: ReadAt;
  readonly #window: Window;
  readonly #headerBytes = Buffer.alloc(MIN_HEADER_BYTES);
  readonly #index: EntryIndex;
  readonly #names: FieldNames;
  /** Fields by the offset of their data object; entries share most of them. */
  readonly #remembered = new Map<number, JournalField>();
  #header: Header;
  #bootId = '';
  readonly #bootBytes = Buffer.alloc(16);

  /** `wanted` are the names of the fields to read; all without it. Throws UnsupportedJournal and what `readAt` throws. */
  constructor(readAt: ReadAt, wanted?: ReadonlySet<string>) {
    this.#readAt = readAt;
    this.#window = new Window(readAt);
    this.#names = new FieldNames(wanted);
    this.#header = this.#readHeader();
    const { isCompact, headerBytes } = this.#header;
    const firstArray = () => this.#header.firstArray;
    this.#index = new EntryIndex({ window: this.#window, isCompact, headerBytes, firstArray });
  }

  get header(): Header {
    return this.#header;
  }

  /** How many entries were complete at the last {@link refresh}. */
  get entries(): number {
    return this.#header.entries;
  }

  /** Refreshes the view of the file. Throws UnsupportedJournal if the file was replaced. */
  refresh(): void {
    this.#window.refresh();
    const { fileId } = this.#header;
    const header = this.#readHeader();
    if (header.fileId !== fileId) throw new UnsupportedJournal('the file was replaced');
    this.#header = header;
    this.#index.refresh();
  }

  /** Fields that could not be read. */
  get unreadableFields(): number {
    const { corrupt, unsupported, 'too large': tooLarge } = this.damage.fields;
    return corrupt + unsupported + tooLarge;
  }

  /** Releases memory while there is nothing to read. */
  release(): void {
    this.#window.release();
    this.#remembered.clear();
  }

  /**
   * The entry `index`, counted from 0. Undefined for one that is damaged, and for the last one of a file that is written
   * while it is not complete: see {@link mayCome}.
   */
  entry(index: number): EntryPosition | undefined {
    const offset = this.#index.offset(index, this.entries);
    if (offset === undefined) return undefined;
    const window = this.#window;
    if (!window.seek(offset, ENTRY_HEAD)) return undefined;
    const { buffer, view, at } = window;
    if (buffer[at] !== ENTRY) return undefined;
    if (!isEqual(buffer, at + 40, this.#bootBytes)) {
      buffer.copy(this.#bootBytes, 0, at + 40, at + 56);
      this.#bootId = id128(buffer, at + 40);
    }
    const entry = new FileEntry(this.#header.seqnumId, this.#bootId, offset, view, at);
    return entry.isPlausible ? entry : undefined;
  }

  /** Whether an entry that can't be read may only not be complete yet. */
  mayCome(index: number): boolean {
    return !this.#header.isArchived && index >= this.entries - 1;
  }

  /** The wanted fields of an entry, in the order of the file; unreadable ones are omitted and counted. */
  fields({ offset }: Pick<EntryPosition, 'offset'>): JournalField[] {
    const count = this.#readItems(offset);
    const fields: JournalField[] = [];
    for (let index = 0; index < count; index++) {
      const item = ITEMS[index] ?? 0;
      const known = this.#remembered.get(item);
      if (known !== undefined) {
        if (known.isWanted) fields.push(known);
        continue;
      }
      const field = readField(this.#window, item, this.#header.isCompact, this.#names);
      if (typeof field === 'string') {
        this.damage.fields[field]++;
        continue;
      }
      if (field.isShared) this.#remember(item, field);
      if (field.isWanted) fields.push(field);
    }
    return fields;
  }

  /** Index of the first entry for which `isBefore` is false; entries that can't be read count as before. */
  search(isBefore: (entry: EntryPosition) => boolean): number {
    let low = 0;
    let high = this.#index.reachable(this.entries);
    while (low < high) {
      const middle = (low + high) >>> 1;
      let probe = middle;
      let entry = this.entry(probe);
      while (entry === undefined && probe + 1 < high) entry = this.entry(++probe);
      if (entry === undefined || !isBefore(entry)) high = middle;
      else low = probe + 1;
    }
    return low;
  }

  /** Reads the offsets of an entry's data objects; returns how many there are. */
  #readItems(offset: number): number {
    const window = this.#window;
    if (!window.seek(offset, ENTRY_HEAD)) {
      this.damage.fields.corrupt++;
      return 0;
    }
    const { isCompact } = this.#header;
    const itemBytes = isCompact ? 4 : 16;
    const size = viewU64(window.view, window.at + 8);
    const count = Math.floor((size - ENTRY_HEAD) / itemBytes);
    if (count < 0 || count > MAX_FIELDS || !window.seek(offset, ENTRY_HEAD + count * itemBytes)) {
      this.damage.fields.corrupt++;
      return 0;
    }
    const { view, at } = window;
    for (let item = 0; item < count; item++) {
      const place = at + ENTRY_HEAD + item * itemBytes;
      ITEMS[item] = isCompact ? view.getUint32(place, true) : viewU64(view, place);
    }
    return count;
  }

  #remember(offset: number, field: JournalField): void {
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(offset, field);
  }

  #readHeader(): Header {
    if (this.#readAt(this.#headerBytes, 0) < MIN_HEADER_BYTES) {
      throw new UnsupportedJournal('shorter than a journal header');
    }
    return readJournalHeader(this.#headerBytes, 0);
  }
}

/** Whether `bytes` are at `at`; for this few bytes, a call of Buffer would cost more. */
function isEqual(buffer: Buffer, at: number, bytes: Buffer): boolean {
  for (let index = 0; index < bytes.length; index++) if (buffer[at + index] !== bytes[index]) return false;
  return true;
}
