import { cursorText } from '../../host/journal/cursor.ts';
import type { EntryPosition } from '../../host/journal/entry.ts';
import type { JournalField } from '../../host/journal/field.ts';
import type { ReadEntry } from '../../host/journal/journal.ts';
import type { LogEntry, StoredField } from '../entry.ts';

const MONOTONIC = '__MONOTONIC_TIMESTAMP';
const BOOT = '_BOOT_ID';

type Labels = Readonly<Record<string, string>>;

interface Values {
  readonly fields: ReadonlyMap<string, string | Uint8Array>;
  readonly repeated: readonly (readonly [name: string, value: string | Uint8Array])[];
}

/** Whether a field duplicates a value of the entry's header. */
const isOwn = ({ name }: JournalField): boolean => name === BOOT || name === MONOTONIC;

/** An entry of the journal; its fields keep their names, with `_BOOT_ID` and the time since boot as in journalctl. */
export class JournalEntry implements LogEntry {
  readonly source = 'journal';
  readonly labels: Labels;
  readonly #entry: EntryPosition;
  readonly #fields: readonly JournalField[];
  #made: Values | undefined;

  constructor({ entry, fields }: ReadEntry, labels: Labels) {
    this.labels = labels;
    this.#entry = entry;
    this.#fields = fields;
  }

  get timeUs(): number {
    return this.#entry.realtime;
  }

  get cursor(): string {
    return cursorText(this.#entry);
  }

  get fields(): ReadonlyMap<string, string | Uint8Array> {
    return this.#values().fields;
  }

  get repeated(): Values['repeated'] {
    return this.#values().repeated;
  }

  get stored(): { readonly lines: string; readonly fields: Iterable<StoredField> } {
    const { monotonic, bootId } = this.#entry;
    const fields = this.#fields.some(isOwn) ? this.#fields.filter((field) => !isOwn(field)) : this.#fields;
    return { lines: `${MONOTONIC}=${monotonic}\n${BOOT}=${bootId}\n`, fields };
  }

  /** Created on demand: receivers of the journal's format do not need them. */
  #values(): Values {
    if (this.#made !== undefined) return this.#made;
    const { monotonic, bootId } = this.#entry;
    const fields = new Map<string, string | Uint8Array>([
      [MONOTONIC, String(monotonic)],
      [BOOT, bootId],
    ]);
    const repeated: [string, string | Uint8Array][] = [];
    for (const field of this.#fields) {
      if (!fields.has(field.name)) fields.set(field.name, field.value);
      else if (!isOwn(field)) repeated.push([field.name, field.value]);
    }
    this.#made = { fields, repeated };
    return this.#made;
  }

  get message(): string {
    return this.#fields.find(({ name }) => name === 'MESSAGE')?.text ?? '';
  }

  get priority(): number | undefined {
    return priorityOf(this.#fields.find(({ name }) => name === 'PRIORITY')?.latin1);
  }
}

/** The priority in a field's value; undefined for anything but a digit from 0 to 7. */
export const priorityOf = (value: string | Uint8Array | undefined): number | undefined =>
  typeof value === 'string' && /^[0-7]$/.test(value) ? Number(value) : undefined;
