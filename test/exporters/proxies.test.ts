import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { checkConfig } from '../../src/commands/check-config.ts';
import { runCommand } from '../kit/command.ts';
import { batchAt, exporterTo, SENT, type TriedExporter } from '../kit/exporter.ts';
import { startForwardProxy } from '../kit/forward-proxy.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { until } from '../kit/until.ts';

/** A receiver that accepts everything, under a name that only the proxy knows. */
async function receiver(t: TestContext, scheme: 'http' | 'https'): Promise<string> {
  const file = (name: string) => readFileSync(fixture(`tls/${name}`));
  const server: Server =
    scheme === 'http' ? createHttp() : createHttps({ key: file('first-server.key'), cert: file('first-server.crt') });
  server.on('request', (request, response) => request.resume().on('end', () => response.writeHead(204).end()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `${scheme}://vm.example:${(server.address() as AddressInfo).port}`;
}

const TLS = { tls: { caFile: fixture('tls/first-ca.crt'), serverName: 'localhost' } };

async function deliver({ exporter, lines, counted }: TriedExporter): Promise<void> {
  exporter.deliver(await batchAt(Date.now()));
  await until(
    async () => (await counted(SENT)) === 1,
    () => lines.join(''),
  );
  await exporter.close(1000);
}

test('https uses a tunnel, also through a proxy without a scheme', async (t) => {
  const url = await receiver(t, 'https');
  const proxy = await startForwardProxy(t);
  const env = { HTTPS_PROXY: `user:p%40ss@127.0.0.1:${proxy.port}` };
  await deliver(await exporterTo(url, TLS, 'vmagent', { env }));
  assert.deepEqual(new Set(proxy.asked), new Set([`CONNECT ${new URL(url).host}`]));
  assert.equal(proxy.credentials[0]?.own, `Basic ${Buffer.from('user:p@ss').toString('base64')}`);
});

test('http sends the complete URL to the proxy, and NO_PROXY bypasses it', async (t) => {
  const url = await receiver(t, 'http');
  const proxy = await startForwardProxy(t);
  const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` };
  await deliver(await exporterTo(url, {}, 'vmagent', { env }));
  assert.match(proxy.asked[0] ?? '', /^POST http:\/\/vm\.example:\d+\/api\/v1\/import\/prometheus\/metrics\/job/);
  const asked = proxy.asked.length;
  // Only the proxy knows the name, so a direct connection fails.
  const { exporter, lines } = await exporterTo(url, {}, 'vmagent', { env: { ...env, NO_PROXY: 'example' } });
  exporter.deliver(await batchAt(Date.now()));
  await until(() => lines.length > 0);
  await exporter.close(1000);
  assert.equal(proxy.asked.length, asked);
  assert.match(lines.join(''), /vm\.example/);
});

test('a receiver on this host is reached directly, including its credentials', async (t) => {
  const url = (await receiver(t, 'http')).replace('vm.example', '127.0.0.1');
  const proxy = await startForwardProxy(t);
  await deliver(await exporterTo(url, {}, 'vmagent', { env: { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` } }));
  assert.deepEqual(proxy.asked, []);
});

test('a proxy that refuses or is unreachable is named, without its credentials', async (t) => {
  const proxy = await startForwardProxy(t);
  proxy.status = 403;
  const shown = `http://127.0.0.1:${proxy.port}`;
  const address = `user:s3cret@127.0.0.1:${proxy.port}`;
  const cases: readonly (readonly [url: string, proxy: string, named: string, reason: RegExp])[] = [
    ['http://vm.example:8428', address, shown, /push failed: auth/],
    ['https://vm.example:8428', address, shown, /push failed: proxy/],
    ['http://vm.example:8428', 'user:s3cret@127.0.0.1:9', 'http://127.0.0.1:9', /push failed: proxy/],
    ['https://vm.example:8428', 'user:s3cret@127.0.0.1:9', 'http://127.0.0.1:9', /push failed: proxy/],
  ];
  for (const [url, at, named, reason] of cases) {
    const { exporter, lines } = await exporterTo(url, {}, 'vmagent', { env: { HTTP_PROXY: at, HTTPS_PROXY: at } });
    exporter.deliver(await batchAt(Date.now()));
    await until(() => lines.some((line) => line.includes('push failed')));
    const status = JSON.stringify(exporter.status());
    await exporter.close(1000);
    assert.match(lines.join(''), reason, url);
    assert.ok(status.includes(named), `${status} names ${named}`);
    assert.ok(lines.join('').includes(named));
    assert.doesNotMatch(lines.join('') + status, /s3cret/);
  }
});

test('credentials visible to a proxy are reported beforehand, by the agent and by check-config', async (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'password'), 'x');
  const auth = { username: 'u', passwordFile: join(folder, 'password') };
  const env = { HTTP_PROXY: 'http://p:s3cret@proxy:3128', HTTPS_PROXY: 'http://proxy:3128' };
  for (const [type, path] of [
    ['vmagent', ''],
    ['remotewrite', '/api/v1/write'],
    ['victorialogs', ''],
  ] as const) {
    const settings = { auth, failover: [`http://second.example${path}`] };
    const { exporter, lines } = await exporterTo(`http://vm.example${path}`, settings, type, { env });
    await exporter.close(0);
    for (const url of ['http://vm.example', 'http://second.example']) {
      const warning = `the proxy http://proxy:3128 (HTTP_PROXY) sees the credentials for ${url}`;
      assert.equal(lines.filter((line) => line.includes(warning)).length, 1, `${type} ${url}: ${lines.join('')}`);
    }
  }
  const file = join(folder, 'config.yaml');
  const check = async (url: string, more = {}) => {
    writeFileSync(file, JSON.stringify({ exporters: { vm: { type: 'vmagent', url, auth } } }));
    return runCommand(checkConfig, [file], { env: { ...env, ...more } });
  };
  assert.match((await check('http://vm.example')).stderr, /^warning: .*sees the credentials/);
  assert.equal((await check('http://vm.example', { NO_PROXY: '.example' })).stderr, '');
  assert.equal((await check('https://vm.example')).stderr, '', 'a tunnel shows nothing');
  const { code, stderr } = await check('http://vm.example', { HTTP_PROXY: 'socks5://u:s3cret@proxy:1080' });
  assert.equal(code, 2);
  assert.match(stderr, /HTTP_PROXY: expected a proxy such as http:\/\/proxy:3128; found socks5:/);
  assert.doesNotMatch(stderr, /s3cret/);
});
