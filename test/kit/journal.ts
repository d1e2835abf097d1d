import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { cursorText } from '../../src/host/journal/cursor.ts';
import type { EntryPosition } from '../../src/host/journal/entry.ts';
import type { JournalField } from '../../src/host/journal/field.ts';
import { JournalFile } from '../../src/host/journal/journal-file.ts';
import type { ReadAt } from '../../src/host/journal/window.ts';

export const JOURNALS = join(import.meta.dirname, '../fixtures/journal');
export const FORMATS = ['regular', 'compact', 'unkeyed'] as const;

/** A recorded journal file. */
export const journalBytes = (format: (typeof FORMATS)[number] | 'lz4' | 'xz'): Buffer =>
  zstdDecompressSync(readFileSync(join(JOURNALS, `${format}.journal.zst`)));

/** Reads from memory like pread from a file. */
export const readFrom =
  (content: Buffer): ReadAt =>
  (target, position) =>
    content.copy(target, 0, Math.min(position, content.length));

export const openBytes = (content: Buffer, wanted?: ReadonlySet<string>) => new JournalFile(readFrom(content), wanted);

/** An entry as `journalctl -o json --all` prints it. */
export type Printed = Readonly<Record<string, string | number[] | (string | number[])[]>>;

/** The output of journalctl for the recorded journals. */
export const expectedEntries = (): Printed[] =>
  readFileSync(join(JOURNALS, 'expected.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Printed);

/** An entry in the form of journalctl. */
export function printed(entry: EntryPosition, fields: readonly JournalField[]): Printed {
  const values: Record<string, string | number[] | (string | number[])[]> = {
    __CURSOR: cursorText(entry),
    __REALTIME_TIMESTAMP: String(entry.realtime),
    __MONOTONIC_TIMESTAMP: String(entry.monotonic),
    _BOOT_ID: entry.bootId,
  };
  const lists = new Map<string, (string | number[])[]>();
  for (const field of fields) lists.set(field.name, [...(lists.get(field.name) ?? []), printedValue(field)]);
  for (const [name, list] of lists) values[name] = list.length === 1 ? (list[0] as string) : list;
  return values;
}

/** Text, or the bytes if they are not UTF-8 or not printable. */
function printedValue({ latin1 }: JournalField): string | number[] {
  const bytes = Buffer.from(latin1, 'latin1');
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(bytes) && !/[\x00-\x08\x0b-\x1f\x7f]/.test(text);
  return isText ? text : [...bytes];
}

/** All entries that can be read. */
export function allEntries(file: JournalFile): Printed[] {
  const all: Printed[] = [];
  for (let index = 0; index < file.entries; index++) {
    const entry = file.entry(index);
    if (entry !== undefined) all.push(printed(entry, file.fields(entry)));
  }
  return all;
}

/** The length of a file's content: journald reserves more. */
export function usedBytes(content: Buffer): number {
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end--;
  return Math.ceil(end / 8) * 8;
}
