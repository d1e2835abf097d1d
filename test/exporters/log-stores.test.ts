import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { entryUrl } from '../../src/exporters/entries/entry-exporter.ts';
import type { LogEntry } from '../../src/logs/entry.ts';
import type { LogSink } from '../../src/logs/sink.ts';
import { exporterTo } from '../kit/exporter.ts';
import { entriesOf, entryOf, shipAll } from '../kit/log-entries.ts';
import { ElasticsearchStore } from '../kit/log-stores/elasticsearch.ts';
import { LokiStore } from '../kit/log-stores/loki.ts';
import type { Fault, LogStore } from '../kit/log-stores/store.ts';
import { VictoriaLogsStore } from '../kit/log-stores/victorialogs.ts';

const TYPES: Readonly<Record<string, () => LogStore>> = {
  victorialogs: () => new VictoriaLogsStore(),
  loki: () => new LokiStore(),
  elasticsearch: () => new ElasticsearchStore(),
};

/** Sends entries to a store with the exporter of a type. */
async function sender(context: TestContext, type: string, store: LogStore, settings: object = {}) {
  await store.start(context);
  const { exporter, lines } = await exporterTo(store.url, settings, type);
  context.after(() => exporter.close(1000));
  const ship = async (entries: readonly LogEntry[]) => {
    const shipped = await shipAll(exporter.entries as LogSink, entries, AbortSignal.timeout(60_000));
    assert.ok(shipped, 'not settled');
    return { accepted: shipped.accepted, dropped: Object.fromEntries(shipped.dropped) };
  };
  return { ship, lines };
}

const messages = (store: LogStore) => store.stored.map(({ message }) => message);

for (const [type, makeStore] of Object.entries(TYPES)) {
  test(`${type}: entries arrive in order, with time, level, facility, labels and fields`, async (context) => {
    const store = makeStore();
    const { ship } = await sender(context, type, store);
    const entries = entriesOf(500);
    assert.deepEqual(await ship(entries), { accepted: 500, dropped: {} });
    assert.deepEqual(store.violations, []);
    assert.deepEqual(
      messages(store),
      entries.map(({ message }) => message),
    );
    assert.deepEqual(
      store.stored.map(({ timeUs }) => timeUs),
      entries.map(({ timeUs }) => timeUs),
    );
    const text = JSON.stringify(store.stored[7]?.fields);
    for (const part of ['info', 'cron', 'cron.service', 'prod', 'n1', 'journal'])
      assert.ok(text.includes(`"${part}"`), part);
    assert.match(text, /_PID":"7"/);
    assert.doesNotMatch(text, /"MESSAGE"/);
  });

  test(`${type}: text of several lines, unusual characters and bytes arrive unchanged`, async (context) => {
    const store = makeStore();
    const { ship } = await sender(context, type, store);
    const odd = ['two\nlines\n', 'tab\t"quote" \\ {"json":1}', '日本語 \u{1f600}', '\u0000\u001b[31m', ' ', '\u2028'];
    const bytes = Uint8Array.from([0, 0xff, 0xfe, 0x0a]);
    const entries = odd.map((message, index) =>
      entryOf(index, {
        message,
        fields: new Map<string, string | Uint8Array>([
          ['TEXT', message],
          ['BYTES', bytes],
          ['dotted.name', 'a'],
          ['dotted', 'b'],
          ['cursor', 'own'],
        ]),
        repeated: [
          ['TEXT', 'again'],
          ['BYTES', bytes],
        ],
      }),
    );
    assert.deepEqual(await ship(entries), { accepted: odd.length, dropped: {} });
    assert.deepEqual(store.violations, []);
    assert.deepEqual(messages(store), odd);
    const values = Object.values(store.stored[1]?.fields ?? {});
    const base64 = Buffer.from(bytes).toString('base64');
    for (const one of [`${odd[1]}\nagain`, `${base64}\n${base64}`, 'a', 'b']) assert.ok(values.includes(one), one);
  });

  test(`${type}: long messages, long values and many fields are truncated to the limits of the store, and named`, async (context) => {
    const store = makeStore();
    const { ship } = await sender(context, type, store);
    const long = 'ü'.repeat(400_000);
    const quotes = '"\u0001'.repeat(200_000);
    const many = new Map(Array.from({ length: 3000 }, (_, index) => [`FIELD_${index}`, 'value '.repeat(20)]));
    const entries = [
      entryOf(1, { message: long }),
      entryOf(2, { fields: new Map([['LONG', long]]) }),
      entryOf(3, { message: quotes, fields: new Map([['QUOTES', quotes]]) }),
      entryOf(4, { fields: many }),
      entryOf(5, { fields: new Map([['N'.repeat(500), 'long name']]) }),
      entryOf(6),
    ];
    const { accepted, dropped } = await ship(entries);
    assert.deepEqual({ accepted, dropped }, { accepted: 6, dropped: {} });
    assert.deepEqual(store.violations, []);
    assert.equal(store.stored.length, 6);
    const [first] = store.stored;
    assert.ok((first?.message.length ?? 0) > 50_000 && long.startsWith(first?.message ?? 'no'));
    const cut = (index: number) =>
      Object.entries(store.stored[index]?.fields ?? {}).find(([name]) => name.endsWith('cut_values'))?.[1];
    assert.match(String(cut(0)), /^(?:_msg|message)$/);
    assert.match(String(cut(1)), /LONG/);
    assert.equal(cut(5), undefined);
  });

  test(`${type}: a page, a wrong path and missing permissions drop nothing`, async (context) => {
    const store = makeStore();
    const answers: Fault[] = [
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<html><title>Sign in</title></html>' },
      { status: 404, body: 'not found' },
      { status: 401, body: 'no' },
    ];
    store.plan = (request) => answers[(request - 1) % 4];
    const { exporter, lines } = await exporterTo((await store.start(context)).url, {}, type);
    context.after(() => exporter.close(1000));
    const stop = new AbortController();
    const shipped = shipAll(exporter.entries as LogSink, entriesOf(10), stop.signal);
    for (let tries = 0; exporter.status().state !== 'paused' && tries < 3000; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(exporter.status().state, 'paused');
    stop.abort();
    assert.equal(await shipped, undefined);
    assert.equal(store.stored.length, 0);
    assert.ok(lines.length > 0);
  });
}

// They mostly wait between attempts: beside each other.
describe('failures of all kinds lose nothing', { concurrency: true }, () => {
  for (const [type, makeStore] of Object.entries(TYPES)) {
    test(type, async (context) => {
      const store = makeStore();
      const faults: (Fault | undefined)[] = [
        { status: 500, body: 'internal' },
        { status: 429, headers: { 'retry-after': '1' }, body: 'slow down' },
        'cut',
        'garbage',
        { status: 503 },
        { status: 413 },
        undefined,
        'lost',
      ];
      store.plan = (request) => faults[request - 1];
      const { ship } = await sender(context, type, store);
      const entries = entriesOf(300);
      assert.deepEqual(await ship(entries), { accepted: 300, dropped: {} });
      assert.deepEqual(store.violations, []);
      const counts = store.counts;
      assert.equal(counts.size, 300);
      const duplicates = store.stored.length - counts.size;
      // VictoriaLogs does not recognize entries: those of the upload whose response was lost are stored twice.
      assert.ok(duplicates <= (type === 'victorialogs' ? 150 : 0), `${duplicates}`);
    });
  }
});

test('victorialogs: tenant, stream fields and time are where VictoriaLogs expects them', async (context) => {
  const store = new VictoriaLogsStore();
  const { ship } = await sender(context, 'victorialogs', store, { tenant: '12:34', streamFields: ['node', 'unit'] });
  await ship([entryOf(1)]);
  assert.deepEqual([...store.tenants], ['12:34']);
  assert.equal(store.stored[0]?.stream, 'node=n1,unit=cron.service');
  assert.equal(store.requests[0]?.headers['content-encoding'], 'gzip');
  assert.equal(store.requests[0]?.url.searchParams.get('_time_field'), '_time');
});

test('loki: a tenant, few labels, the rest as structured metadata or not at all', async (context) => {
  const store = new LokiStore({ needsTenant: true });
  const { ship } = await sender(context, 'loki', store, { tenant: 'team-a', labels: ['node', 'absent'] });
  await ship([entryOf(1), entryOf(2, { labels: { node: 'n"2', unit: 'x' } })]);
  assert.deepEqual([...store.tenants], ['team-a']);
  assert.deepEqual(
    store.stored.map(({ stream }) => stream),
    ['{node="n1", source="journal"}', '{node="n\\"2", source="journal"}'],
  );
  assert.equal(store.stored[0]?.fields.unit, 'cron.service');
  const plain = new LokiStore({ structuredMetadata: false });
  const second = await sender(context, 'loki', plain, { structuredMetadata: false });
  assert.deepEqual(await second.ship(entriesOf(3)), { accepted: 3, dropped: {} });
});

test('loki: entries that are too old, too new or too long are dropped by reason; the others are stored once', async (context) => {
  const store = new LokiStore({ maxLineBytes: 1000 });
  const { ship } = await sender(context, 'loki', store);
  const day = 86_400e6;
  const now = Date.now() * 1000;
  const entries = [
    ...entriesOf(5).map((entry, index) => ({ ...entry, timeUs: now - 30 * day + index })),
    entryOf(5, { timeUs: now + day }),
    entryOf(6, { message: 'x'.repeat(2000) }),
    ...Array.from({ length: 20 }, (_, index) => entryOf(7 + index)),
  ];
  assert.deepEqual(await ship(entries), { accepted: 20, dropped: { too_old: 5, too_new: 1, line_too_long: 1 } });
  assert.equal(store.stored.length, 20);
  assert.equal(store.requests.length, 1);
});

test('loki: entries far behind their stream are dropped, those of other streams are not', async (context) => {
  const store = new LokiStore();
  const { ship } = await sender(context, 'loki', store);
  const now = Date.now() * 1000;
  await ship([entryOf(0, { timeUs: now })]);
  const old = Array.from({ length: 30 }, (_, index) => entryOf(index + 1, { timeUs: now - 7200e6 + index }));
  const elsewhere = { labels: { cluster: 'prod', node: 'n1', unit: 'other.service' } };
  const others = Array.from({ length: 30 }, (_, index) =>
    entryOf(index + 100, { ...elsewhere, timeUs: now - 7200e6 + index }),
  );
  assert.deepEqual(await ship([...old, ...others]), { accepted: 30, dropped: { too_old: 30 } });
  assert.equal(store.stored.length, 31);
});

test('elasticsearch: each entry has its own result', async (context) => {
  const store = new ElasticsearchStore();
  const { ship } = await sender(context, 'elasticsearch', store, { index: 'logs' });
  let busy = 3;
  store.judge = (document) => {
    if (document % 10 === 3)
      return { status: 400, type: 'document_parsing_exception', reason: 'failed to parse field [x]' };
    if (document % 10 === 4)
      return { status: 400, type: 'illegal_argument_exception', reason: 'Limit of total fields' };
    if (document % 10 === 5 && busy-- > 0)
      return { status: 429, type: 'es_rejected_execution_exception', reason: 'queue' };
    if (document % 10 === 6 && busy-- > 0)
      return { status: 503, type: 'unavailable_shards_exception', reason: 'shard' };
    return undefined;
  };
  const entries = entriesOf(30);
  assert.deepEqual(await ship(entries), { accepted: 24, dropped: { mapping: 3, rejected: 3 } });
  assert.equal(store.counts.size, 24);
  assert.equal(store.stored.length, 24);
  // Sent again, as after a restart: nothing is stored twice.
  store.judge = () => undefined;
  assert.deepEqual(await ship(entries), { accepted: 30, dropped: {} });
  assert.equal(store.stored.length, 30);
});

test('elasticsearch: an index that accepts nothing pauses, whatever the status of its entries', async (context) => {
  for (const [status, type] of [
    [403, 'cluster_block_exception'],
    [403, 'security_exception'],
    [404, 'index_not_found_exception'],
    [400, 'index_closed_exception'],
    [400, 'validation_exception'],
  ] as const) {
    const store = await new ElasticsearchStore().start(context);
    store.judge = () => ({ status, type, reason: 'no' });
    const { exporter, lines } = await exporterTo(store.url, {}, 'elasticsearch');
    const stop = new AbortController();
    const shipped = shipAll(exporter.entries as LogSink, entriesOf(5), stop.signal);
    for (let tries = 0; exporter.status().state !== 'paused' && tries < 3000; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(exporter.status().state, 'paused', type);
    assert.ok(
      lines.some((line) => line.includes(type)),
      lines.join(''),
    );
    stop.abort();
    assert.equal(await shipped, undefined);
    await exporter.close(1000);
  }
});

test('only selected fields are sent, and a url with a path is used unchanged', async (context) => {
  const store = new VictoriaLogsStore();
  const { ship } = await sender(context, 'victorialogs', store, { fields: ['_PID'] });
  await ship([entryOf(9)]);
  const fields: Readonly<Record<string, string>> = store.stored[0]?.fields ?? {};
  assert.equal(fields._PID, '9');
  assert.equal(fields.SYSLOG_FACILITY, undefined);
  assert.equal(fields.facility, 'cron');
  assert.equal(entryUrl('http://h/vl/insert/jsonline?x=1', '/insert/jsonline?y=2'), 'http://h/vl/insert/jsonline?x=1');
});
