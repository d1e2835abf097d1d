import type { LogEntry } from '../../logs/entry.ts';
import { COMMON_RESPONSES, classifyBy } from '../entries/classify.ts';
import type { BodyWriter, LogProtocol } from '../entries/protocol.ts';
import type { ResponseRule } from '../http/responses.ts';

/** Maximum size of an upload; well below what the receivers hold in memory for a request. */
const MAX_BATCH_BYTES = 1024 * 1024;

/** Responses of systemd-journal-remote and VictoriaLogs; the first match applies. */
const RESPONSES: readonly ResponseRule[] = [
  // 202 and "OK." of systemd-journal-remote, 200 without a body of VictoriaLogs.
  { when: [200, 202], page: false, text: /^(?:OK\.?)?$/, action: 'done', reason: 'ok' },
  // The end of the upload is missing; the complete entries before it are stored.
  { when: 417, action: 'retry', reason: 'truncated' },
  {
    when: 415,
    action: 'pause',
    reason: 'not_a_receiver',
    hint: 'the receiver expects another content type: check url',
  },
  ...COMMON_RESPONSES.filter(({ action }) => action !== 'done'),
];

/** systemd-journal-remote closes the connection on an entry that it can't accept. */
const CLOSED = /socket hang up|ECONNRESET|EPIPE/;

/** systemd's journal export format over HTTP. */
export const journald: LogProtocol = {
  path: '/upload',
  contentType: 'application/vnd.fdo.journal',
  headers: {},
  compression: 'none',
  maxBatchBytes: MAX_BATCH_BYTES,
  // Entries are stored in order of arrival.
  parallel: 1,
  responseBytes: 0,
  probe: { body: '', isAccepted: (reply) => classifyBy(RESPONSES, reply).kind === 'accepted' },
  encode,
  classify(reply) {
    const verdict = classifyBy(RESPONSES, reply);
    if (verdict.kind !== 'retry' || reply.failure !== 'network' || !CLOSED.test(reply.text)) return verdict;
    return { ...verdict, maybeEntry: true };
  },
};

/** Amount of text collected before it is encoded. */
const PIECE = 1024;

/**
 * An entry in the export format: one line per field, or its name, length and bytes if the value is not a single line of
 * text.
 */
function encode(entry: LogEntry, out: BodyWriter): undefined {
  let text = `__CURSOR=${entry.cursor}\n__REALTIME_TIMESTAMP=${entry.timeUs}\n`;
  const add = (lines: string) => {
    text += lines;
    if (text.length < PIECE) return;
    out.text(text);
    text = '';
  };
  const field = (name: string, value: string | Uint8Array) => {
    if (typeof value === 'string' && !value.includes('\n')) {
      add(`${name}=${value}\n`);
      return;
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeBigUInt64LE(BigInt(bytes.length));
    out.text(`${text}${name}\n`);
    out.bytes(length);
    out.bytes(bytes);
    text = '\n';
  };
  for (const name in entry.labels) field(labelName(name), entry.labels[name] ?? '');
  const { stored } = entry;
  if (stored !== undefined) {
    add(stored.lines);
    for (const one of stored.fields) {
      const { line } = one;
      if (line === undefined) field(one.name, one.value);
      else add(line);
    }
  } else {
    if (entry.source === 'journal') for (const [name, value] of entry.fields) field(name, value);
    else foreign(entry, field);
    for (const [name, value] of entry.repeated ?? []) field(name, value);
  }
  out.text(`${text}\n`);
}

/** Size of the length before bytes. */
const LENGTH_BYTES = 8;

/** The fields of an entry that is not from a journal, with the journal's field names. */
function foreign(
  { message, priority, source, fields }: LogEntry,
  field: (name: string, value: string | Uint8Array) => void,
): void {
  field('MESSAGE', message);
  if (priority !== undefined) field('PRIORITY', String(priority));
  field('FIRESTEEL_SOURCE', source);
  for (const [name, value] of fields) field(fieldName(name), value);
}

/** Field names of labels; cleared if there are many. */
const LABEL_NAMES = new Map<string, string>();
const MAX_LABEL_NAMES = 256;

function labelName(name: string): string {
  const known = LABEL_NAMES.get(name);
  if (known !== undefined) return known;
  if (LABEL_NAMES.size >= MAX_LABEL_NAMES) LABEL_NAMES.clear();
  const made = fieldName(`FIRESTEEL_${name}`);
  LABEL_NAMES.set(name, made);
  return made;
}

/** A name that journald allows: at most 64 capital letters, digits and `_`, not beginning with `_`. */
function fieldName(name: string): string {
  const plain = name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
  return (/^[A-Z]/.test(plain) ? plain : `FIELD_${plain.replace(/^_+/, '')}`).slice(0, 64);
}
