import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { checkConfig } from '../../src/commands/check-config.ts';
import { runCommand } from '../kit/command.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { JournalRemote } from '../kit/journal-remote.ts';
import { ElasticsearchStore } from '../kit/log-stores/elasticsearch.ts';
import { LokiStore } from '../kit/log-stores/loki.ts';
import { VictoriaLogsStore } from '../kit/log-stores/victorialogs.ts';
import { serverAvailable } from '../kit/servers.ts';

/** `check-config --connect` of one exporter. */
async function connect(context: TestContext, type: string, url: string, more: object = {}) {
  const file = join(scratchFolder(context), 'config.json');
  writeFileSync(file, JSON.stringify({ exporters: { it: { type, url, ...more } } }));
  const { code, stdout, stderr } = await runCommand(checkConfig, [file, '--connect']);
  return { code, said: stdout + stderr };
}

const STORES = {
  victorialogs: () => new VictoriaLogsStore(),
  loki: () => new LokiStore({ needsTenant: true }),
  elasticsearch: () => new ElasticsearchStore(),
} as const;

for (const [type, make] of Object.entries(STORES)) {
  test(`${type}: --connect checks the receiver without storing anything`, async (context) => {
    const store = await make().start(context);
    const { code, said } = await connect(context, type, store.url, type === 'loki' ? { tenant: 'a' } : {});
    assert.equal(code, 0, said);
    assert.match(said, /accepts log entries, responded in \d+ ms/);
    assert.deepEqual(store.violations, []);
    assert.equal(store.stored.length, 0);
    assert.equal(store.requests.length, 1);
  });
}

test('--connect reports the problem: no tenant, another kind of server, no server', async (context) => {
  const loki = await new LokiStore({ needsTenant: true }).start(context);
  const first = await connect(context, 'loki', loki.url);
  const answers = [first];
  assert.match(first.said, /does not accept log entries: 401: no org id; check the tenant/);
  const page = createServer((request, response) => {
    request
      .resume()
      .once('end', () => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Hello</html>'));
  });
  context.after(() => page.close().closeAllConnections());
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
  for (const type of ['journald', ...Object.keys(STORES)]) {
    answers.push(await connect(context, type, url), await connect(context, type, 'http://127.0.0.1:1'));
  }
  for (const { code, said } of answers) {
    assert.equal(code, 1, said);
    assert.match(said, /does not accept log entries/);
  }
});

test('a path of VictoriaLogs for another protocol causes a warning, since it may respond with 200 and store nothing', async (t) => {
  // As at /insert/elasticsearch.
  const server = createServer((request, response) => request.resume().once('end', () => response.end()));
  t.after(() => server.close().closeAllConnections());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const documented = {
    victorialogs: '/insert/jsonline',
    journald: '/insert/journald/upload',
    loki: '/insert/loki/api/v1/push',
    elasticsearch: '/insert/elasticsearch/_bulk',
  };
  for (const [type, right] of Object.entries(documented)) {
    const wrong = Object.values(documented).filter((path) => path !== right);
    for (const path of [...wrong, '/insert/elasticsearch', '/insert/', `/logs/insert//${type}x/`]) {
      const { said } = await connect(t, type, base + path);
      assert.match(said, /^warning: exporters\.it: \S+ is not where VictoriaLogs takes uploads of this type/m, path);
      assert.ok(said.includes(`; use ${right}\n`), said);
    }
    for (const path of ['', '/', right, `/prefix${right}/`, '/upload', '/inserted/bulk'])
      assert.doesNotMatch((await connect(t, type, base + path)).said, /warning/);
    const { said } = await connect(t, type, base, { failover: [`${base}/insert`] });
    assert.match(said, /warning: exporters\.it: \/insert is not where/);
  }
});

test('journald: --connect checks a systemd-journal-remote', async (context) => {
  if (!serverAvailable(context, 'systemd-journal-remote')) return;
  const remote = await JournalRemote.start(context, scratchFolder(context));
  const { code, said } = await connect(context, 'journald', remote.url);
  assert.equal(code, 0, said);
  assert.match(said, /accepts log entries/);
});
