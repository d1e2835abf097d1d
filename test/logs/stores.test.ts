import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { exportEntry, JournalWriter } from '../kit/journal-writer.ts';
import { ElasticsearchStore } from '../kit/log-stores/elasticsearch.ts';
import { LokiStore } from '../kit/log-stores/loki.ts';
import type { Fault, LogStore } from '../kit/log-stores/store.ts';
import { VictoriaLogsStore } from '../kit/log-stores/victorialogs.ts';
import { randomFrom } from '../kit/random.ts';
import { samplesOf } from '../kit/samples.ts';
import { serverAvailable } from '../kit/servers.ts';
import { until } from '../kit/until.ts';

const ENTRIES = 8000;
const KILLS = 4;
/** Four batches of a mebibyte, of entries that have more than 500 bytes each. */
const MAX_IN_FLIGHT = (4 * 1024 * 1024) / 500;
const TOKEN = 'token-that-nobody-may-see';
const SECRET = 'hunter2-in-a-message';

/** Every other request gets one of these faults. */
const FAULTS: readonly Fault[] = [
  { status: 500, body: `internal ${TOKEN}` },
  { status: 429, headers: { 'retry-after': '0' }, body: 'slow down' },
  'cut',
  'garbage',
  'lost',
  { status: 413, body: 'too large' },
];

const STORES: Readonly<Record<string, { readonly make: () => LogStore; readonly knowsAgain: boolean }>> = {
  victorialogs: { make: () => new VictoriaLogsStore(), knowsAgain: false },
  loki: { make: () => new LokiStore(), knowsAgain: true },
  elasticsearch: { make: () => new ElasticsearchStore(), knowsAgain: true },
};

/** A journal to ship from, and the configuration of an agent that does. */
function prepared(context: TestContext, type: string, url: string) {
  const folder = scratchFolder(context);
  const source = join(folder, 'source');
  mkdirSync(source);
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`);
  const config = join(folder, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      ...{ cluster: 'prod', node: 'n1' },
      http: { listen: '127.0.0.1:0' },
      collectors: Object.fromEntries(['node', 'container', 'process'].map((name) => [name, { enabled: false }])),
      spool: { path: join(folder, 'spool') },
      exporters: { store: { type, url, auth: { bearerTokenFile: join(folder, 'token') } } },
      logs: {
        journal: { enabled: true, paths: [source], start: 'oldest' },
        redact: [{ pattern: 'password=(\\S+)' }],
      },
    }),
  );
  return { source, config };
}

for (const [type, { make, knowsAgain }] of Object.entries(STORES)) {
  test(`${type}: entries survive an agent that is killed, a store that is down and all faults`, async (context) => {
    if (!serverAvailable(context, 'systemd-journal-remote')) return;
    const store = await make().start(context);
    const { source, config } = prepared(context, type, store.url);
    const writer = new JournalWriter(context, join(source, 'system.journal'));
    const random = randomFrom(`kills of ${type}`);
    store.plan = (request) => (request % 2 === 0 ? FAULTS[(request / 2) % FAULTS.length] : undefined);
    const startUs = (Date.now() - 3_600_000) * 1000;
    const text = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, index) => {
        const number = String(from + index);
        return exportEntry(from + index, { NUMBER: number, MESSAGE: `password=${SECRET} ${number}` }, startUs);
      }).join('');
    let said = '';
    for (let life = 0; life < KILLS; life++) {
      await writer.write(text((ENTRIES * life) / KILLS, (ENTRIES * (life + 1)) / KILLS));
      const enough = store.requests.length + 1 + random.below(4);
      const agent = startAgentProcess(context, ['run', '--config', config]);
      const end = performance.now() + 15_000;
      while (store.requests.length < enough && performance.now() < end) await delay(5);
      if (life === 2) {
        await store.stop();
        await delay(1500);
      }
      agent.child.kill('SIGKILL');
      await agent.ended;
      said += agent.stdout() + agent.stderr();
      if (life === 2) await store.listen();
    }
    const agent = startAgentProcess(context, ['run', '--config', config]);
    await agent.printed(/"http":"http[^"]+"/);
    const page = `${/"http":"(http[^"]+)"/.exec(agent.stderr())?.[1]}`;
    const get = async (path: string) => (await fetch(page + path, { signal: AbortSignal.timeout(60_000) })).text();
    await until(
      async () => {
        const samples = samplesOf(await get('/metrics'));
        return (
          store.counts.size >= ENTRIES &&
          samples.get('firesteel_logs_lag_entries{exporter="store",source="journal"}') === 0
        );
      },
      () => `${store.counts.size} entries; ${agent.stderr().slice(-3000)}`,
      120_000,
    );
    assert.deepEqual(store.violations, []);
    const numbers = new Set(store.stored.map(({ fields }) => fields.NUMBER ?? fields['fields.NUMBER']));
    assert.equal(numbers.size, ENTRIES);
    const duplicates = store.stored.length - ENTRIES;
    context.diagnostic(`${duplicates} duplicates, ${store.requests.length} requests`);
    assert.ok(knowsAgain ? duplicates === 0 : duplicates <= MAX_IN_FLIGHT * (KILLS + 3), `${duplicates}`);
    const samples = samplesOf(await get('/metrics'));
    assert.equal(
      samples.get('firesteel_logs_entries_total{exporter="store",outcome="dropped",source="journal"}') ?? 0,
      0,
    );
    for (const { message, fields } of store.stored) assert.ok(!`${message}${JSON.stringify(fields)}`.includes(SECRET));
    assert.ok(store.requests.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`));
    said += agent.stdout() + agent.stderr() + (await get('/metrics')) + (await get('/v1/status'));
    assert.ok(!said.includes(TOKEN));
    assert.ok(!said.includes(SECRET));
  });
}
