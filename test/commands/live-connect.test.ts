import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkConfig } from '../../src/commands/check-config.ts';
import { runCommand } from '../kit/command.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

test('check-config --connect reports whether each receiver accepts pushes and what it is, and stores nothing', {
  timeout: 120_000,
}, async (t) => {
  for (const name of ['victoria-metrics', 'vmagent', 'vmauth', 'prometheus-pushgateway', 'prometheus']) {
    if (!serverAvailable(t, name)) return;
  }
  const folder = scratchFolder(t);
  const victoria = await startVictoriaMetrics(t, folder);
  writeFileSync(join(folder, 'auth.yml'), `users: [{ username: u, password: p, url_prefix: "${victoria.url}" }]\n`);
  const start = (name: string, args: readonly string[]) =>
    startServer(t, name, (port) => [`-httpListenAddr=127.0.0.1:${port}`, ...args], '/health');
  const [vmagent, vmauth, gateway, prometheus] = await Promise.all([
    start('vmagent', [`-remoteWrite.url=${victoria.url}/api/v1/write`, `-remoteWrite.tmpDataPath=${folder}/vmagent`]),
    start('vmauth', [`-auth.config=${folder}/auth.yml`]),
    startServer(t, 'prometheus-pushgateway', (port) => [`--web.listen-address=127.0.0.1:${port}`], '/-/ready'),
    startServer(
      t,
      'prometheus',
      (port) => [
        '--config.file=/dev/null',
        `--storage.tsdb.path=${folder}/prometheus`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      '/-/ready',
    ),
  ]);
  const file = join(folder, 'config.json');
  const connect = async (exporters: object) => {
    writeFileSync(file, JSON.stringify({ node: 'n1', exporters }));
    const { code, stdout, stderr } = await runCommand(checkConfig, [file, '--connect']);
    return { code, said: stdout + stderr };
  };
  writeFileSync(join(folder, 'password'), 'p');
  const auth = { username: 'u', passwordFile: join(folder, 'password') };
  const good = await connect({
    vm: { type: 'vmagent', url: victoria.url, failover: [vmagent] },
    auth: { type: 'vmagent', url: vmauth, auth },
    gateway: { type: 'pushgateway', url: gateway },
    off: { type: 'vmagent', url: 'http://127.0.0.1:9', enabled: false },
  });
  assert.equal(good.code, 0, good.said);
  for (const [url, product] of [
    [victoria.url, 'VictoriaMetrics'],
    [vmagent, 'vmagent'],
    // The receiver behind a vmauth is identified.
    [vmauth, 'VictoriaMetrics|vmauth'],
    [gateway, 'Pushgateway \\d+\\.\\d+\\.\\d+'],
  ] as const) {
    assert.match(good.said, new RegExp(`${url} accepts pushes \\(.*ms; it is (?:${product})`));
  }
  const { said, code } = await connect({
    noauth: { type: 'vmagent', url: vmauth },
    swapped: { type: 'vmagent', url: gateway },
    reverse: { type: 'pushgateway', url: victoria.url },
    prometheus: { type: 'vmagent', url: prometheus },
    down: { type: 'vmagent', url: 'http://127.0.0.1:9' },
  });
  assert.equal(code, 1);
  assert.match(
    said,
    /exporters\.noauth: .* does not accept pushes: 401: .*; no credentials are configured: set auth or headerFiles/,
  );
  assert.match(
    said,
    /exporters\.swapped: .* does not accept pushes: 404: .* it is Pushgateway .*: set type: pushgateway/,
  );
  assert.match(
    said,
    /exporters\.reverse: .* does not accept pushes: 400: .* it is VictoriaMetrics .*: set type: vmagent/,
  );
  assert.match(said, /exporters\.prometheus: .* it is Prometheus \d.*, which does not accept pushes of this kind/);
  assert.match(said, /exporters\.down: .* does not accept pushes: error: ECONNREFUSED/);
  assert.deepEqual(await victoria.export('{job=~".+"}'), []);
  assert.doesNotMatch(await (await fetch(`${gateway}/metrics`)).text(), /push_time_seconds\{/);
});
