import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Pattern } from '../../src/config/re2/pattern.ts';
import type { LogReply } from '../../src/exporters/entries/protocol.ts';
import { journald } from '../../src/exporters/journald/journald.ts';
import type { LogEntry } from '../../src/logs/entry.ts';
import { InFlight } from '../../src/logs/in-flight.ts';
import { journalFilter } from '../../src/logs/journal/filter.ts';
import { PositionFile, readPosition } from '../../src/logs/position-file.ts';
import { redactor } from '../../src/logs/redact.ts';
import { batchOf } from '../kit/log-entries.ts';
import { until } from '../kit/until.ts';

const entry = (more: Partial<LogEntry> = {}): LogEntry => ({
  source: 'journal',
  timeUs: 1_700_000_000_000_001,
  message: 'hello',
  priority: 6,
  labels: { node: 'n1' },
  fields: new Map([['MESSAGE', 'hello']]),
  cursor: 'c1',
  ...more,
});

const NONE = batchOf(journald, []).view(Uint16Array.of());

function encoded(entries: readonly LogEntry[]): Buffer {
  const batch = batchOf(journald, entries);
  return batch.body(batch.all());
}

test('the position only advances past batches before which none is outstanding', () => {
  const flying = new InFlight();
  const at = (position: string) => ({ position, lost: {} });
  const [one, two, three] = ['1', '2', '3'].map((position) =>
    flying.add({ after: at(position), entries: 10, sinceMs: Number(position) }),
  );
  assert.ok(one && two && three);
  assert.equal(flying.settle(two), undefined);
  assert.equal(flying.entries, 20);
  assert.equal(flying.oldestMs, 1);
  assert.deepEqual(flying.settle(one), at('2'));
  assert.equal(flying.oldestMs, 3);
  assert.deepEqual(flying.settle(three), at('3'));
  assert.equal(flying.batches, 0);
});

test('a position is written atomically, and an unusable one is set aside', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-position-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'deep', 'journal.json');
  const saved: string[] = [];
  const failed: unknown[] = [];
  const file = new PositionFile(
    path,
    20,
    ({ position }) => saved.push(position),
    (cause) => failed.push(cause),
  );
  assert.equal(await readPosition(path, assert.fail), undefined);
  for (let number = 0; number < 100; number++) file.put({ position: String(number), lost: { rotated: number } });
  await until(() => saved.at(-1) === '99');
  assert.ok(saved.length < 10);
  assert.deepEqual(await readPosition(path, assert.fail), { position: '99', lost: { rotated: 99 } });
  assert.deepEqual(failed, []);
  for (const text of [
    '',
    '{"version":2}',
    '{"version":1,"position":"1","lost":[]}x',
    readFileSync(path, 'utf8').slice(0, 20),
  ]) {
    writeFileSync(path, text);
    const reasons: Error[] = [];
    assert.equal(await readPosition(path, (reason) => reasons.push(reason)), undefined);
    assert.equal(reasons.length, 1);
    assert.deepEqual(readdirSync(join(folder, 'deep')), ['journal.json.bad']);
  }
});

test('rules hide groups or complete matches, in text and in bytes', () => {
  const redact = redactor([
    { pattern: Pattern.of('token=(\\S+)'), fields: [] },
    { pattern: Pattern.of('\\d{16}'), fields: ['CARD'] },
  ]);
  assert.ok(redact);
  const bytes = Buffer.from([0xff, ...Buffer.from('token=abc '), 0xfe]);
  const shown = redact(
    entry({
      message: 'token=abc',
      fields: new Map<string, string | Uint8Array>([
        ['MESSAGE', 'token=abc'],
        ['CARD', '1234567812345678'],
        ['OTHER', '1234567812345678'],
        ['RAW', bytes],
      ]),
      repeated: [['CARD', 'no 1234567812345678']],
    }),
  );
  assert.equal(shown.message, 'token=***');
  assert.deepEqual(
    [...shown.fields].map(([name, value]) => [name, Buffer.from(value as string).toString('latin1')]),
    [
      ['MESSAGE', 'token=***'],
      ['CARD', '***'],
      ['OTHER', '1234567812345678'],
      ['RAW', '\xfftoken=*** \xfe'],
    ],
  );
  assert.deepEqual(shown.repeated, [['CARD', 'no ***']]);
  const clean = entry();
  assert.equal(redact(clean), clean);
  assert.equal(redactor([]), undefined);
});

test('a value on which a rule cannot be evaluated is hidden completely, the others are shown', (context) => {
  const redact = redactor([{ pattern: Pattern.of('token=(\\S+)'), fields: ['CMDLINE'] }]);
  context.mock.method(Pattern.prototype, 'hide', () => {
    throw new Error('too many steps');
  });
  const shown = redact?.(entry({ message: 'started', fields: new Map([['CMDLINE', 'run token=abc']]) }));
  assert.equal(shown?.message, 'started');
  assert.deepEqual([...(shown?.fields ?? [])], [['CMDLINE', '***']]);
});

test('the export format has one line for text, and name, length and bytes for the rest', () => {
  const fields = new Map<string, string | Uint8Array>([
    ['MESSAGE', 'ä'],
    ['LINES', 'a\nb'],
    ['RAW', Buffer.from([0, 255])],
  ]);
  const length = (bytes: number) => `${String.fromCharCode(bytes)}${'\0'.repeat(7)}`;
  assert.equal(
    encoded([entry({ fields, repeated: [['LINES', 'c']] })]).toString('latin1'),
    `__CURSOR=c1\n__REALTIME_TIMESTAMP=1700000000000001\nFIRESTEEL_NODE=n1\nMESSAGE=\xc3\xa4\nLINES\n${length(3)}a\nb\nRAW\n${length(2)}\x00\xff\nLINES=c\n\n`,
  );
  const foreign = entry({ source: 'file', message: 'line', labels: {}, fields: new Map([['_x.y-1', 'v']]) });
  assert.equal(
    encoded([foreign]).toString(),
    '__CURSOR=c1\n__REALTIME_TIMESTAMP=1700000000000001\nMESSAGE=line\nPRIORITY=6\nFIRESTEEL_SOURCE=file\nFIELD_X_Y_1=v\n\n',
  );
});

test('each response of a journald receiver has its meaning', () => {
  const cases: readonly (readonly [LogReply, string])[] = [
    [{ code: 202, text: 'OK.' }, 'accepted'],
    [{ code: 200, text: '' }, 'accepted'],
    [{ code: 200, text: 'Welcome', isPage: true }, 'address'],
    [{ code: 200, text: '{"status":"error"}' }, 'address'],
    [{ code: 204, text: '' }, 'address'],
    [{ code: 302, text: 'to /login' }, 'address'],
    [{ code: 401, text: '' }, 'address'],
    [{ code: 404, text: 'Not found.' }, 'address'],
    [{ code: 413, text: 'Payload larger than maximum size' }, 'too_large'],
    [{ code: 415, text: 'Content-Type: application/vnd.fdo.journal is required.' }, 'address'],
    [{ code: 417, text: 'Premature EOF. 3 bytes of trailing data not processed.' }, 'retry'],
    [{ code: 429, text: '' }, 'retry'],
    [{ code: 500, text: '' }, 'retry'],
    [{ code: 503, text: '' }, 'retry'],
    [{ code: 'error', failure: 'network', text: 'ECONNREFUSED' }, 'retry'],
    [{ code: 'error', failure: 'timeout', text: 'no response' }, 'retry'],
  ];
  for (const [reply, kind] of cases) assert.equal(journald.classify(reply, NONE).kind, kind, JSON.stringify(reply));
  const closed = journald.classify({ code: 'error', failure: 'network', text: 'socket hang up' }, NONE);
  assert.ok(closed.kind === 'retry' && closed.maybeEntry);
  const late = journald.classify({ code: 503, text: '', retryAfterMs: 5000 }, NONE);
  assert.ok(late.kind === 'retry' && late.afterMs === 5000);
});

test('filters of the journal are combined with and, matches with or', () => {
  const all: Parameters<typeof journalFilter>[0] = { units: [], identifiers: [], priority: 'debug', matches: [] };
  const of = (fields: Readonly<Record<string, string>>) => ({ get: (name: string) => fields[name] });
  assert.equal(journalFilter(all), undefined);
  const passes = journalFilter({ ...all, units: ['a.service'], priority: 'warning' });
  assert.ok(passes);
  assert.equal(passes(of({ _SYSTEMD_UNIT: 'a.service', PRIORITY: '4' })), true);
  assert.equal(passes(of({ _SYSTEMD_UNIT: 'a.service', PRIORITY: '5' })), false);
  assert.equal(passes(of({ _SYSTEMD_UNIT: 'b.service', PRIORITY: '4' })), false);
  assert.equal(passes(of({ _PID: '1', UNIT: 'a.service', _SYSTEMD_UNIT: 'init.scope', PRIORITY: '3' })), true);
  const matching = journalFilter({ ...all, identifiers: [], matches: [{ A: '1', B: '2' }, { C: '3' }] });
  assert.ok(matching);
  assert.deepEqual(
    [{ A: '1' }, { A: '1', B: '2' }, { C: '3' }, {}].map((fields) => matching(of(fields))),
    [false, true, true, false],
  );
});
