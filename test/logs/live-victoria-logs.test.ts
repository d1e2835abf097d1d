import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { exportEntry, JournalWriter } from '../kit/journal-writer.ts';
import { builtServerAvailable, serverAvailable, startServer } from '../kit/servers.ts';
import { until } from '../kit/until.ts';

const ENTRIES = 3000;
const SECRET = 'hunter2';
/** Time of the first entry, microseconds since 1970: an hour ago, not a whole number of milliseconds. */
const START_US = (Math.floor(Date.now() / 1000) - 3600) * 1_000_000 + 123;
const HOSTILE: readonly Readonly<Record<string, string>>[] = [
  { MESSAGE: 'x'.repeat(400_000) },
  Object.fromEntries(Array.from({ length: 950 }, (_, index) => [`MANY_${index}`, String(index)])),
  { _TIME: '1', CURSOR: 'none', LEVEL: 'odd', NODE: 'n2' },
];

/** How each type of exporter reaches it, and under which names it stores the number of an entry and its message. */
const WAYS: readonly {
  readonly type: string;
  readonly path: string;
  readonly number: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly node: string;
}[] = [
  { type: 'victorialogs', path: '', number: 'NUMBER', node: 'node' },
  { type: 'journald', path: '/insert/journald/upload', number: 'NUMBER', node: 'FIRESTEEL_NODE' },
  { type: 'loki', path: '/insert/loki/api/v1/push', number: 'NUMBER', node: 'node' },
  {
    type: 'elasticsearch',
    path: '/insert/elasticsearch/_bulk',
    headers: { 'VL-Time-Field': '@timestamp', 'VL-Msg-Field': 'message' },
    number: 'fields.NUMBER',
    node: 'host.name',
  },
];

interface Row extends Readonly<Partial<Record<string, string>>> {
  readonly _time: string;
  readonly _msg: string;
}

/** A real VictoriaLogs, and its queries. */
async function startVictoriaLogs(context: TestContext) {
  const folder = scratchFolder(context);
  const args = (port: number) => [`-httpListenAddr=127.0.0.1:${port}`, `-storageDataPath=${folder}`];
  const url = await startServer(context, 'victoria-logs', args, '/health');
  const read = async (path: string, body?: URLSearchParams) => {
    const method = body === undefined ? 'GET' : 'POST';
    const response = await fetch(url + path, { method, ...(body && { body }), signal: AbortSignal.timeout(60_000) });
    return response.text();
  };
  return {
    url,
    async rows(query: string): Promise<Row[]> {
      const text = await read('/select/logsql/query', new URLSearchParams({ query }));
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row);
    },
    metrics: () => read('/metrics'),
  };
}

for (const { type, path, headers, number, node } of WAYS) {
  test(`${type}: entries that an agent ships to a real VictoriaLogs are stored completely`, async (context) => {
    if (!builtServerAvailable(context, 'victoria-logs', 'test/kit/build-victoria-logs.sh builds it')) return;
    if (!serverAvailable(context, 'systemd-journal-remote')) return;
    const store = await startVictoriaLogs(context);
    const folder = scratchFolder(context);
    const source = join(folder, 'source');
    mkdirSync(source);
    const writer = new JournalWriter(context, join(source, 'system.journal'));
    let text = '';
    for (let index = 0; index < ENTRIES; index++) {
      const message = index % 10 === 0 ? `several\nlines password=${SECRET} ${index}` : `password=${SECRET} ${index}`;
      text += exportEntry(index, { NUMBER: String(index), MESSAGE: message.replace('\n', ' | ') }, START_US);
    }
    for (const [index, fields] of HOSTILE.entries()) {
      text += exportEntry(ENTRIES + index, { NUMBER: `hostile-${index}`, ...fields }, START_US);
    }
    await writer.write(text);
    await writer.end();
    const config = join(folder, 'config.json');
    const settings = {
      ...{ cluster: 'prod', node: 'n1' },
      http: { listen: '127.0.0.1:0' },
      collectors: Object.fromEntries(['node', 'container', 'process'].map((name) => [name, { enabled: false }])),
      spool: { path: join(folder, 'spool') },
      exporters: { store: { type, url: store.url + path, ...(headers && { headers }) } },
      logs: { journal: { enabled: true, paths: [source], start: 'oldest' }, redact: [{ pattern: 'password=(\\S+)' }] },
    };
    writeFileSync(config, JSON.stringify(settings));

    const asked = startAgentProcess(context, ['check-config', config, '--connect']);
    const { code } = await asked.ended;
    assert.equal(code, 0, asked.stdout() + asked.stderr());
    assert.match(asked.stdout() + asked.stderr(), /accepts log entries/);

    const agent = startAgentProcess(context, ['run', '--config', config]);
    let rows: readonly Row[] = [];
    await until(
      async () => {
        rows = await store.rows(`"${number}":* | fields _time, _msg, "${number}", "${node}"`);
        return rows.length >= ENTRIES + HOSTILE.length;
      },
      () => `${rows.length} entries; ${agent.stderr().slice(-2000)}`,
      60_000,
    );
    assert.equal(rows.length, ENTRIES + HOSTILE.length, 'each of them once');
    const byNumber = new Map(rows.map((row) => [row[number], row]));
    for (let index = 0; index < ENTRIES; index++) {
      const row = byNumber.get(String(index));
      assert.ok(row, `entry ${index}`);
      assert.ok(row._msg.endsWith(`password=*** ${index}`), row._msg);
      assert.equal(row[node], 'n1');
      assert.equal(microseconds(row._time), START_US + index * 1000);
    }
    for (const index of HOSTILE.keys()) assert.ok(byNumber.has(`hostile-${index}`), `hostile entry ${index}`);
    const metrics = await store.metrics();
    const problems = /^vl_(?:rows_dropped|too_long_lines_skipped|http_errors)_total(?:\{.*\})? [1-9].*$/m;
    assert.doesNotMatch(metrics, problems);
    assert.ok(!JSON.stringify(rows).includes(SECRET));
    agent.child.kill('SIGTERM');
    await agent.ended;
  });
}

/** Microseconds since 1970 of a time such as `2026-11-29T07:12:54.123456Z`. */
function microseconds(time: string): number {
  const [seconds = '', fraction = ''] = time.replace('Z', '').split('.');
  return Date.parse(`${seconds}Z`) * 1000 + Number(fraction.padEnd(9, '0').slice(0, 6));
}
