import { hash } from 'node:crypto';
import type { LogEntry } from '../../logs/entry.ts';
import {
  distinct,
  type FieldSelection,
  fieldsOf,
  isoTime,
  jsonFields,
  type NamedValue,
  wordsOf,
} from '../entries/named-values.ts';
import type { LogProtocol } from '../entries/protocol.ts';
import { classifyBulk } from './items.ts';

const MAX_BATCH_BYTES = 1024 * 1024;
/** Limit of one document; Lucene limits single words, and a request may have 100 MiB. */
const MAX_DOCUMENT_BYTES = 512 * 1024;
/** 80 bytes per entry, with up to 8,000 in an upload. */
const RESPONSE_BYTES = 4 * 1024 * 1024;
/** Maximum bytes read from a response. */
const FILTER = 'errors,items.*.status,items.*.error.type';
const ID_HASH_CHARACTERS = 16;

interface BulkOptions {
  /** Index, alias or data stream. */
  readonly index: string;
  readonly fields: FieldSelection;
}

/** `_bulk` of Elasticsearch and OpenSearch. */
export const bulk = ({ index, fields }: BulkOptions): LogProtocol => ({
  path: `/${encodeURIComponent(index)}/_bulk?filter_path=${FILTER}`,
  contentType: 'application/x-ndjson',
  headers: { accept: 'application/json' },
  compression: 'gzip',
  maxBatchBytes: MAX_BATCH_BYTES,
  parallel: 4,
  responseBytes: RESPONSE_BYTES,
  probe: {
    body: '',
    // VictoriaLogs, which has a receiver of this protocol, responds as to an upload.
    isAccepted: ({ code, text }) =>
      (code === 400 && /request body is required|no requests added/.test(text)) ||
      (code === 200 && /^\{"took":\d+,"errors":false,"items":\[\]\}$/.test(text)),
  },
  encode(entry, out) {
    out.text(documentOf(entry, fields));
    return undefined;
  },
  classify: (reply, { count }) => classifyBulk(reply, count),
});

/**
 * The same for the same entry, so that a resent entry is recognized. It begins with the time, because Lucene looks up
 * ascending ids faster than random ones.
 */
function idOf({ source, timeUs, labels, cursor }: LogEntry): string {
  const { cluster = '', node = '' } = labels;
  const text = `${cluster}\0${node}\0${source}\0${cursor}`;
  return `${timeUs.toString(36)}-${hash('sha256', text, 'base64url').slice(0, ID_HASH_CHARACTERS)}`;
}

/** An action and its document. Names are those of the Elastic Common Schema where it defines them. */
function documentOf(entry: LogEntry, choice: FieldSelection): string {
  const { node = '', ...labels } = entry.labels;
  const words = new Map(wordsOf(entry));
  const [level, facility] = [words.get('level'), words.get('facility')];
  const fixed = [
    `"@timestamp":"${isoTime(entry.timeUs)}"`,
    `"event":{"module":${JSON.stringify(entry.source)}}`,
    ...(level === undefined ? [] : [`"log":{"level":"${level}"${facilityOf(facility)}}`]),
    ...(node === '' ? [] : [`"host":{"name":${JSON.stringify(node)}}`]),
    `"labels":{${jsonFields(distinct(Object.entries(labels).map(undotted)), MAX_DOCUMENT_BYTES >> 3)}}`,
  ];
  const message = jsonFields([['message', entry.message]], MAX_DOCUMENT_BYTES >> 1);
  const fields = jsonFields(distinct(fieldsOf(entry, choice).map(undotted)), MAX_DOCUMENT_BYTES >> 2);
  const action = `{"create":{"_id":"${idOf(entry)}"}}`;
  return `${action}\n{${fixed.join(',')},${message}${fields === '' ? '' : `,"fields":{${fields}}`}}\n`;
}

const facilityOf = (facility: string | undefined): string =>
  facility === undefined ? '' : `,"syslog":{"facility":{"name":"${facility}"}}`;

/** A dot in a name creates an object, which may conflict with a text field of another entry. */
const undotted = ([name, value]: NamedValue): NamedValue => [name.replaceAll('.', '_'), value];
