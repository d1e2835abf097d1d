import { cursorText } from '../../host/journal/cursor.ts';
import type { Field } from '../../host/journal/field.ts';
import type { ReadEntry } from '../../host/journal/journal.ts';
import type { LogEntry } from '../entry.ts';

type Labels = Readonly<Record<string, string>>;

/** An entry of the journal; its fields keep their names, with `_BOOT_ID` and the time since boot as journalctl has them. */
export class JournalEntry implements LogEntry {
  readonly source = 'journal';
  readonly timeUs: number;
  readonly labels: Labels;
  readonly fields: ReadonlyMap<string, string | Uint8Array>;
  readonly repeated?: readonly (readonly [name: string, value: string | Uint8Array])[];
  readonly cursor: string;

  constructor({ entry, fields }: ReadEntry, labels: Labels) {
    this.timeUs = entry.realtime;
    this.labels = labels;
    this.cursor = cursorText(entry);
    const values = new Map<string, string | Uint8Array>();
    values.set('__MONOTONIC_TIMESTAMP', String(entry.monotonic));
    values.set('_BOOT_ID', entry.bootId);
    const repeated: [string, string | Uint8Array][] = [];
    for (const { name, value } of fields) {
      if (name === '_BOOT_ID') continue;
      if (values.has(name)) repeated.push([name, value]);
      else values.set(name, value);
    }
    this.fields = values;
    if (repeated.length > 0) this.repeated = repeated;
  }

  get message(): string {
    const value = this.fields.get('MESSAGE') ?? '';
    return typeof value === 'string' ? value : Buffer.from(value).toString('utf8');
  }

  get priority(): number | undefined {
    return priorityOf(this.fields.get('PRIORITY'));
  }
}

/** The priority in a field's value; undefined for anything but a digit from 0 to 7. */
export const priorityOf = (value: string | Uint8Array | undefined): number | undefined =>
  typeof value === 'string' && /^[0-7]$/.test(value) ? Number(value) : undefined;

/** Bytes of the values of an entry, about. */
export function sizeOf(fields: readonly Field[]): number {
  let bytes = ENTRY_BYTES;
  for (const { name, latin1 } of fields) bytes += name.length + latin1.length + 2;
  return bytes;
}

/** Cursor, times, boot and the labels. */
const ENTRY_BYTES = 300;
