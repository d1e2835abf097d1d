import type { LogEntry } from '../../logs/entry.ts';
import type { LogProtocol } from '../../logs/protocol.ts';
import { COMMON_ANSWERS, judgeBy } from '../entries/judge.ts';
import type { AnswerRule } from '../http/answers.ts';

/** Sent at once; well below what the receivers hold in memory for a request. */
const MAX_BATCH_BYTES = 1024 * 1024;

/** What systemd-journal-remote and VictoriaLogs respond; the first match applies. */
const ANSWERS: readonly AnswerRule[] = [
  // 202 and "OK." of systemd-journal-remote, 200 without a body of VictoriaLogs.
  { when: [200, 202], page: false, text: /^(?:OK\.?)?$/, action: 'done', reason: 'ok' },
  // The end of the upload is missing; the whole entries before it are stored.
  { when: 417, action: 'retry', reason: 'truncated' },
  {
    when: 415,
    action: 'pause',
    reason: 'not_a_receiver',
    hint: 'the receiver expects another content type: check url',
  },
  ...COMMON_ANSWERS.filter(({ action }) => action !== 'done'),
];

/** systemd-journal-remote closes the connection at an entry that it can't take. */
const CLOSED = /socket hang up|ECONNRESET|EPIPE/;

/** systemd's journal export format over HTTP. */
export const journald: LogProtocol = {
  path: '/upload',
  contentType: 'application/vnd.fdo.journal',
  headers: {},
  compression: 'none',
  maxBatchBytes: MAX_BATCH_BYTES,
  // Entries are stored as they arrive.
  parallel: 1,
  answerBytes: 0,
  question: { body: '', isTaken: (reply) => judgeBy(ANSWERS, reply).kind === 'accepted' },
  encode,
  judge(reply) {
    const verdict = judgeBy(ANSWERS, reply);
    if (verdict.kind !== 'retry' || reply.failure !== 'network' || !CLOSED.test(reply.text)) return verdict;
    return { ...verdict, maybeEntry: true };
  },
};

/** Entries in the export format: a line for each field, or its name, length and bytes if it is not one line of text. */
export function encode(entries: readonly LogEntry[]): Buffer {
  const out = new ExportText();
  for (const entry of entries) {
    out.text += `__CURSOR=${entry.cursor}\n__REALTIME_TIMESTAMP=${entry.timeUs}\n`;
    for (const [name, value] of Object.entries(entry.labels)) out.field(fieldName(`FIRESTEEL_${name}`), value);
    if (entry.source === 'journal') for (const [name, value] of entry.fields) out.field(name, value);
    else foreign(entry, out);
    if (entry.repeated !== undefined) for (const [name, value] of entry.repeated) out.field(name, value);
    out.text += '\n';
  }
  return out.end();
}

/** The fields of an entry that is from no journal, in the journal's words. */
function foreign({ message, priority, source, fields }: LogEntry, out: ExportText): void {
  out.field('MESSAGE', message);
  if (priority !== undefined) out.field('PRIORITY', String(priority));
  out.field('FIRESTEEL_SOURCE', source);
  for (const [name, value] of fields) out.field(fieldName(name), value);
}

/** A name that journald allows: capital letters, digits and `_`, which it does not begin with, at most 64. */
function fieldName(name: string): string {
  const plain = name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
  return (/^[A-Z]/.test(plain) ? plain : `FIELD_${plain.replace(/^_+/, '')}`).slice(0, 64);
}

/** Text with pieces of bytes in it. */
class ExportText {
  text = '';
  readonly #parts: Buffer[] = [];

  field(name: string, value: string | Uint8Array): void {
    if (typeof value === 'string' && !value.includes('\n')) {
      this.text += `${name}=${value}\n`;
      return;
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    const length = Buffer.allocUnsafe(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    this.#flush(`${name}\n`);
    this.#parts.push(length, Buffer.from(bytes));
    this.text = '\n';
  }

  end(): Buffer {
    this.#flush('');
    return this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
  }

  #flush(more: string): void {
    this.#parts.push(Buffer.from(this.text + more));
    this.text = '';
  }
}
