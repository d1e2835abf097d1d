import type { LogEntry } from '../../logs/entry.ts';
import { CUT_FIELD, cutText, type FieldChoice, fieldsOf, members, type Named, wordsOf } from '../entries/named.ts';

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
  readonly fields: FieldChoice;
  /** Whether what is no label is sent as structured metadata. */
  readonly structuredMetadata: boolean;
}

/** A name as Loki has them: letters, digits and `_`, not beginning with a digit. */
const nameOf = (name: string): string => {
  const plain = name.replaceAll(/[^a-zA-Z0-9_]/g, '_').slice(0, MAX_NAME);
  return /^\d/.test(plain) ? `_${plain}` : plain;
};

/** The labels of an entry's stream; there is always `source`. */
export function streamOf(entry: LogEntry, wanted: readonly string[]): ReadonlyMap<string, string> {
  const { source, labels } = entry;
  const stream = new Map([['source', source as string]]);
  for (const name of wanted) {
    const value = labels[name];
    if (value !== undefined && value !== '' && stream.size < MAX_LABELS) {
      stream.set(nameOf(name), cutText(value, MAX_VALUE_BYTES));
    }
  }
  return stream;
}

/** The line of an entry: its message. */
export const lineOf = ({ message }: LogEntry): string => cutText(message, MAX_LINE_BYTES);

/** What is neither in the line nor in the labels. */
function metadataOf(entry: LogEntry, stream: ReadonlyMap<string, string>, line: string, choice: FieldChoice): Named[] {
  const { labels, cursor, message } = entry;
  const named: Named[] = [...wordsOf(entry), ...Object.entries(labels), ['cursor', cursor]];
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

/** The body of a push: a stream for each set of labels, with its entries in their order. */
export function encodePush(entries: readonly LogEntry[], options: StreamOptions): Buffer {
  const streams = new Map<string, string[]>();
  for (const entry of entries) {
    const labels = streamOf(entry, options.labels);
    const line = lineOf(entry);
    const metadata = options.structuredMetadata
      ? `,{${members(metadataOf(entry, labels, line, options.fields), MAX_METADATA_BYTES)}}`
      : '';
    const key = JSON.stringify(Object.fromEntries(labels));
    const value = `["${entry.timeUs}000",${JSON.stringify(line)}${metadata}]`;
    const values = streams.get(key);
    if (values === undefined) streams.set(key, [value]);
    else values.push(value);
  }
  const texts = [...streams].map(([labels, values]) => `{"stream":${labels},"values":[${values.join(',')}]}`);
  return Buffer.from(`{"streams":[${texts.join(',')}]}`);
}
