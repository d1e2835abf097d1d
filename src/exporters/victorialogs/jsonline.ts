import type { LogEntry } from '../../logs/entry.ts';
import { COMMON_RESPONSES, classifyBy } from '../entries/classify.ts';
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
import type { ResponseRule } from '../http/responses.ts';

/** Maximum size of an upload before compression. */
const MAX_BATCH_BYTES = 1024 * 1024;
/** VictoriaLogs skips longer lines, with status 200 (`-insert.maxLineSizeBytes`, 256 KiB with the end of the line). */
const MAX_LINE_BYTES = 255 * 1024;
/** VictoriaLogs drops lines with more, with status 200 (`-insert.maxFieldsPerLine`, 1000). */
const MAX_FIELDS = 900;
/** VictoriaLogs truncates longer field names. */
const MAX_NAME = 128;

interface JsonlineOptions {
  readonly streamFields: readonly string[];
  readonly fields: FieldSelection;
  /** As `AccountID:ProjectID`, or `AccountID`. */
  readonly tenant: string | undefined;
}

/**
 * What VictoriaLogs responds. Lines that it can't read are skipped with status 200 and counted only there, so that none
 * may be wrong; 400 comes when it could read none of them, or rejects the request.
 */
const RESPONSES: readonly ResponseRule[] = [
  {
    when: [400, 599],
    text: /read-?only|no (?:free|enough) (?:disk )?space/i,
    action: 'retry',
    reason: 'read_only',
    hint: 'its disk is full (-storage.minFreeDiskSpaceBytes)',
  },
  { when: 400, text: /unexpected EOF|cannot (?:read|decode|start reading)/i, action: 'retry', reason: 'truncated' },
  {
    when: 400,
    text: /cannot process jsonline request/i,
    action: 'drop',
    reason: 'unreadable',
  },
  ...COMMON_RESPONSES,
];

/** Lines of JSON for `/insert/jsonline` of VictoriaLogs, and of vlagent. */
export function jsonline({ streamFields, fields, tenant }: JsonlineOptions): LogProtocol {
  const query = new URLSearchParams({
    _time_field: '_time',
    _msg_field: '_msg',
    _stream_fields: streamFields.join(','),
  });
  const [account, project = '0'] = tenant?.split(':') ?? [];
  return {
    path: `/insert/jsonline?${query}`,
    contentType: 'application/stream+json',
    headers: account === undefined ? {} : { accountid: account, projectid: project },
    // VictoriaLogs before v1.17 takes zstd for text, skips all of it and responds with 200.
    compression: 'gzip',
    maxBatchBytes: MAX_BATCH_BYTES,
    // Entries are sorted by their time when they are stored.
    parallel: 4,
    responseBytes: 0,
    probe: { body: '', isAccepted: ({ code, text, isPage }) => code === 200 && text === '' && isPage !== true },
    encode(entry, out) {
      out.text(lineOf(entry, fields));
      return undefined;
    },
    classify: (reply) => classifyBy(RESPONSES, reply),
  };
}

/** Names that VictoriaLogs or this line uses itself. */
const TAKEN = /^(?:_time|_msg|_stream|_stream_id|cursor|source|level|facility)$/;

function lineOf(entry: LogEntry, choice: FieldSelection): string {
  const { timeUs, message, labels, cursor } = entry;
  const own: NamedValue[] = [['_time', isoTime(timeUs)], ...wordsOf(entry)];
  for (const label of Object.entries(labels)) if (!TAKEN.test(label[0])) own.push(label);
  own.push(['cursor', cursor], ['_msg', message]);
  for (const [name, value] of fieldsOf(entry, choice)) {
    if (own.length >= MAX_FIELDS) break;
    own.push([isOwn(name, labels) ? `field_${name}` : name.slice(0, MAX_NAME), value]);
  }
  return `{${jsonFields(distinct(own), MAX_LINE_BYTES)}}\n`;
}

const isOwn = (name: string, labels: LogEntry['labels']): boolean => TAKEN.test(name) || Object.hasOwn(labels, name);
