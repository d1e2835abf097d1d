import { cursorText } from '../../host/journal/cursor.ts';
import type { Entry } from '../../host/journal/entry.ts';
import type { Field } from '../../host/journal/field.ts';
import type { ReadEntry } from '../../host/journal/journal.ts';
import type { LogEntry } from '../entry.ts';

const MONOTONIC = '__MONOTONIC_TIMESTAMP';
const BOOT = '_BOOT_ID';

type Labels = Readonly<Record<string, string>>;

/** An entry of the journal; its fields keep their names, with `_BOOT_ID` and the time since boot as in journalctl. */
export class JournalEntry implements LogEntry {
  readonly source = 'journal';
  readonly labels: Labels;
  readonly #entry: Entry;
  readonly #fields: readonly Field[];

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

  /** Created on each access. */
  get fields(): ReadonlyMap<string, string | Uint8Array> {
    const { monotonic, bootId } = this.#entry;
    const values = new Map<string, string | Uint8Array>([
      [MONOTONIC, String(monotonic)],
      [BOOT, bootId],
    ]);
    for (const { name, value } of this.#fields) if (!values.has(name)) values.set(name, value);
    return values;
  }

  /** Made at each access. */
  get repeated(): readonly (readonly [name: string, value: string | Uint8Array])[] {
    const seen = new Set([BOOT]);
    const more: [string, string | Uint8Array][] = [];
    for (const field of this.#fields) {
      if (seen.has(field.name) && field.name !== BOOT) more.push([field.name, field.value]);
      seen.add(field.name);
    }
    return more;
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
