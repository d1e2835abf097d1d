import type { LogEntry } from '../../logs/entry.ts';
import {
  CUT_FIELD,
  cutText,
  type FieldSelection,
  fieldsOf,
  jsonFields,
  type NamedValue,
  wordsOf,
} from '../entries/named-values.ts';
import type { BodyWriter, EncodedEntries } from '../entries/protocol.ts';

/** Loki's limits, which `limits_config` may change: entries beyond them are dropped there. */
const MAX_LINE_BYTES = 256 * 1024;
const MAX_METADATA_BYTES = 48 * 1024;
const MAX_METADATA = 120;
const MAX_LABELS = 15;
const MAX_NAME = 1024;
const MAX_VALUE_BYTES = 2048;

export interface StreamOptions {
  /** Names of the labels of streams. */
  readonly labels: readonly string[];
  readonly fields: FieldSelection;
  /** Whether values that are not labels are sent as structured metadata. */
  readonly structuredMetadata: boolean;
}

/** A valid name in Loki: letters, digits and `_`, not beginning with a digit. */
const nameOf = (name: string): string => {
  const plain = name.replaceAll(/[^a-zA-Z0-9_]/g, '_').slice(0, MAX_NAME);
  return /^\d/.test(plain) ? `_${plain}` : plain;
};

/** The labels of an entry's stream; `source` is always present. */
function streamOf(entry: LogEntry, wanted: readonly string[]): ReadonlyMap<string, string> {
  const { source, labels } = entry;
  const stream = new Map<string, string>([['source', source]]);
  for (const name of wanted) {
    const value = labels[name];
    if (value !== undefined && value !== '' && stream.size < MAX_LABELS) {
      stream.set(nameOf(name), cutText(value, MAX_VALUE_BYTES));
    }
  }
  return stream;
}

/** The line of an entry: its message. */
const lineOf = ({ message }: LogEntry): string => cutText(message, MAX_LINE_BYTES);

/** Values that are neither in the line nor in the labels. */
function metadataOf(
  entry: LogEntry,
  stream: ReadonlyMap<string, string>,
  line: string,
  choice: FieldSelection,
): NamedValue[] {
  const { labels, cursor, message } = entry;
  const named: NamedValue[] = [...wordsOf(entry), ...Object.entries(labels), ['cursor', cursor]];
  if (line.length < message.length) named.push([CUT_FIELD, 'message']);
  named.push(...fieldsOf(entry, choice));
  const metadata = new Map<string, string>();
  for (const [name, value] of named) {
    const key = nameOf(name);
    if (value === '' || stream.has(key) || metadata.has(key) || metadata.size >= MAX_METADATA) continue;
    metadata.set(key, value);
  }
  return [...metadata];
}

/** Writes the value of an entry: its time, its line and its metadata. Returns its stream: the labels as JSON. */
export function writeEntry(entry: LogEntry, out: BodyWriter, options: StreamOptions): string {
  const labels = streamOf(entry, options.labels);
  const line = lineOf(entry);
  const metadata = options.structuredMetadata
    ? `,{${jsonFields(metadataOf(entry, labels, line, options.fields), MAX_METADATA_BYTES)}}`
    : '';
  out.text(`["${entry.timeUs}000",${JSON.stringify(line)}${metadata}]`);
  return JSON.stringify(Object.fromEntries(labels));
}

/** The payload of a push: one stream per set of labels, with its entries in order. */
export function pushBody(entries: EncodedEntries): Buffer {
  const streams = new Map<string, Buffer[]>();
  for (let index = 0; index < entries.count; index++) {
    const key = entries.key(index);
    const values = streams.get(key);
    if (values === undefined) streams.set(key, [entries.bytes(index)]);
    else values.push(COMMA, entries.bytes(index));
  }
  const parts: Buffer[] = [];
  for (const [labels, values] of streams) {
    const between = parts.length === 0 ? '{"streams":[' : ']},';
    parts.push(Buffer.from(`${between}{"stream":${labels},"values":[`), ...values);
  }
  return Buffer.concat([...parts, Buffer.from(']}]}')]);
}

const COMMA = Buffer.from(',');

/** The length in bytes of the line in a value written by {@link writeEntry}. */
export function lineBytes(value: Buffer): number {
  const [, line]: [time: string, line: string] = JSON.parse(value.toString());
  return Buffer.byteLength(line);
}
