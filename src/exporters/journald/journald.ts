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
export function encode(entries: readonly LogEntry[], spare?: Buffer): Buffer {
  const out = new ExportText(spare);
  for (const entry of entries) {
    out.line(`__CURSOR=${entry.cursor}\n__REALTIME_TIMESTAMP=${entry.timeUs}`);
    for (const [name, value] of Object.entries(entry.labels)) out.field(fieldName(`FIRESTEEL_${name}`), value);
    if (entry.source === 'journal') for (const [name, value] of entry.fields) out.field(name, value);
    else foreign(entry, out);
    if (entry.repeated !== undefined) for (const [name, value] of entry.repeated) out.field(name, value);
    out.line('');
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

/** So much text is gathered before it becomes bytes. */
const PIECE = 32 * 1024;
/** UTF-8 has at most so many bytes for a unit of a string. */
const UNIT_BYTES = 3;

/** Lines of text with pieces of bytes between them, in one buffer. */
class ExportText {
  #buffer: Buffer;
  #length = 0;
  #text = '';

  constructor(spare: Buffer | undefined) {
    this.#buffer = spare ?? Buffer.allocUnsafeSlow(MAX_BATCH_BYTES);
  }

  line(text: string): void {
    this.#text += `${text}\n`;
    if (this.#text.length > PIECE) this.#flush();
  }

  field(name: string, value: string | Uint8Array): void {
    if (typeof value === 'string' && !value.includes('\n')) {
      this.line(`${name}=${value}`);
      return;
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    this.line(name);
    this.#flush();
    this.#reserve(bytes.length + 8);
    this.#length = this.#buffer.writeBigUInt64LE(BigInt(bytes.length), this.#length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    this.line('');
  }

  end(): Buffer {
    this.#flush();
    return this.#buffer.subarray(0, this.#length);
  }

  #flush(): void {
    this.#reserve(this.#text.length * UNIT_BYTES);
    this.#length += this.#buffer.write(this.#text, this.#length);
    this.#text = '';
  }

  /** Makes room for so many bytes more. */
  #reserve(bytes: number): void {
    const size = this.#length + bytes;
    if (size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.ceil(size * 1.5));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
