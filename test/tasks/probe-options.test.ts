// The effect of the options of probes, with real local servers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { createLog, type Log } from '../../src/base/log.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { Names } from '../../src/net/names.ts';
import { probeTimeoutMs } from '../../src/tasks/probe/probe.ts';
import { dns } from '../../src/tasks/types/dns.ts';
import { http } from '../../src/tasks/types/http.ts';
import { tcp } from '../../src/tasks/types/tcp.ts';
import { udp } from '../../src/tasks/types/udp.ts';
import { startForwardProxy } from '../kit/forward-proxy.ts';
import { fixture } from '../kit/host-tree.ts';
import { startNameServer } from '../kit/name-server.ts';
import { type Probed, probe, reasonOf, seriesOf, taskWorld } from '../kit/probe.ts';
import { CA_FILE, certificate, tcpServer, tlsWebServer, webServer } from '../kit/probe-servers.ts';

async function namesOf(context: TestContext, answers: Parameters<typeof startNameServer>[1]) {
  const server = await startNameServer(context, answers);
  const names = new Names({ port: server.port, resolvConfFile: fixture('none'), hostsFile: fixture('none') });
  context.after(() => names.close());
  return { server, names };
}

function secretFile(context: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-probe-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'secret');
  writeFileSync(path, `${content}\n`);
  return path;
}

const success = (probed: Probed) => probed.get('probe_success');

test('all addresses: a failing one is reported, and require decides whether it counts', async (context) => {
  // The server only listens on one of three addresses.
  const port = await webServer(context, (_, response) => response.end('ok'));
  const { names } = await namesOf(context, { 'pool.example': { a: ['127.0.0.1', '127.0.0.2', '127.0.0.3'] } });
  const target = `http://pool.example:${port}/`;
  const one = await probe(http, target, {}, { names });
  assert.equal(success(one), 1);
  assert.ok(![...one.keys()].some((key) => key.startsWith('firesteel_probe_address_')));
  for (const [require, expected] of [
    ['all', 0],
    ['any', 1],
  ] as const) {
    const probed = await probe(http, target, { addresses: 'all', require }, { names });
    assert.equal(success(probed), expected);
    assert.equal(reasonOf(probed), expected === 1 ? 'ok' : 'connect_refused');
    assert.equal(probed.get('firesteel_probe_address_success{ip="127.0.0.1"}'), 1);
    assert.equal(probed.get('firesteel_probe_address_success{ip="127.0.0.2"}'), 0);
    assert.equal(probed.get('firesteel_probe_address_success{ip="127.0.0.3"}'), 0);
    const most = probed.get('probe_duration_seconds') ?? 0;
    assert.ok((probed.get('firesteel_probe_address_duration_seconds{ip="127.0.0.1"}') ?? 0) > 0);
    assert.ok((probed.get('firesteel_probe_address_duration_seconds{ip="127.0.0.1"}') ?? 0) <= most, `${most} s`);
    assert.equal(probed.get('firesteel_probe_resolved_addresses{family="ip4"}'), 3);
    assert.equal(probed.get('firesteel_probe_addresses_skipped'), 0);
  }
});

test('at most sixteen addresses are probed, the others counted', async (context) => {
  const port = await tcpServer(context, () => undefined);
  const a = Array.from({ length: 20 }, (_, index) => `127.0.1.${index + 1}`);
  const { names } = await namesOf(context, { 'crowd.example': { a } });
  const probed = await probe(tcp, `crowd.example:${port}`, { addresses: 'all', require: 'any' }, { names });
  assert.equal([...probed.keys()].filter((key) => key.startsWith('firesteel_probe_address_success')).length, 16);
  assert.equal(probed.get('firesteel_probe_addresses_skipped'), 4);
});

test('the address family: the preferred one, and the other one only with fallback', async (context) => {
  const { names, server } = await namesOf(context, { 'four.example': { a: ['127.0.0.1'] } });
  const port = await tcpServer(context, () => undefined);
  const target = `four.example:${port}`;
  assert.equal((await probe(tcp, target, { ip: 'ip6' }, { names })).get('probe_ip_protocol'), 4);
  const strict = await probe(tcp, target, { ip: 'ip6', fallback: false }, { names });
  assert.equal(reasonOf(strict), 'resolve');
  assert.equal(strict.get('probe_ip_protocol'), 0);
  // Each run queries the name servers again.
  assert.equal(server.questions.filter((question) => question === 'A four.example').length, 2);
});

test('credentials, headers and a payload reach the server; secrets come from files, and are not sent to other hosts', async (context) => {
  const seen: IncomingMessage['headers'][] = [];
  const other = await webServer(context, ({ headers }, response) => {
    seen.push(headers);
    response.end('ok');
  });
  const port = await webServer(context, ({ headers, url }, response) => {
    seen.push(headers);
    if (url === '/moved') response.writeHead(307, { location: `http://localhost:${other}/` }).end();
    else response.end('ok');
  });
  const path = secretFile(context, 'hush-hush');
  const options = {
    ip: 'ip4',
    http: {
      method: 'POST',
      payload: 'x=1',
      auth: { username: 'me', passwordFile: path },
      headers: { 'X-Token': { file: path }, 'X-Plain': 'yes', Host: 'shop.example' },
    },
  };
  assert.equal(success(await probe(http, `http://127.0.0.1:${port}/moved`, options)), 1);
  const basic = `Basic ${Buffer.from('me:hush-hush').toString('base64')}`;
  const { authorization, host, 'x-token': token, 'content-length': length } = seen[0] ?? {};
  assert.deepEqual(
    { authorization, host, token, length },
    { authorization: basic, host: 'shop.example', token: 'hush-hush', length: '3' },
  );
  const elsewhere = seen[1] ?? {};
  assert.equal(elsewhere['x-plain'], 'yes');
  assert.equal(elsewhere.host, `localhost:${other}`);
  assert.equal(elsewhere.authorization, undefined);
  assert.equal(elsewhere['x-token'], undefined);
  const bearer = await probe(http, `http://127.0.0.1:${port}/`, { http: { auth: { bearerTokenFile: path } } });
  assert.equal(success(bearer), 1);
  assert.equal(seen.at(-1)?.authorization, 'Bearer hush-hush');
});

test('an unreadable secret is an internal fault that names the file; no log contains a secret', async (context) => {
  const lines: string[] = [];
  const log: Log = createLog('info', { write: (line: string) => void lines.push(line) });
  const path = secretFile(context, 'hush-hush');
  const port = await webServer(context, (_, response) => response.writeHead(500).end());
  const options = { http: { auth: { username: 'me', passwordFile: path } } };
  const run = http.create(
    taskWorld({ log }),
    http.options.parse({ targets: [`http://127.0.0.1:${port}/?key=hidden`], ...options }),
  );
  for (let runs = 0; runs < 3; runs++) await run(new Snapshot(), AbortSignal.timeout(60_000));
  assert.equal(lines.length, 1, 'a reason is logged when it changes');
  assert.match(lines[0] ?? '', /status 500, expected 200-299/);
  rmSync(path);
  const out = new Snapshot();
  await run(out, AbortSignal.timeout(60_000));
  assert.equal(reasonOf(seriesOf(out)), 'internal');
  assert.match(lines[1] ?? '', new RegExp(`cannot read the secret file ${path}`));
  assert.ok(!lines.join('').includes('hush-hush'));
});

test('bodies are decoded and read in their charset for checks', async (context) => {
  const bodies: Readonly<Record<string, { readonly headers: Record<string, string>; readonly body: Buffer }>> = {
    '/gzip': { headers: { 'content-encoding': 'gzip' }, body: gzipSync('all is well') },
    '/br': { headers: { 'content-encoding': 'br' }, body: brotliCompressSync('all is well') },
    '/zstd': { headers: { 'content-encoding': 'zstd' }, body: zstdCompressSync('all is well') },
    '/gbk': { headers: { 'content-type': 'text/html; charset=gbk' }, body: Buffer.from('d5fdb3a3', 'hex') },
    '/latin1': {
      headers: { 'content-type': 'text/plain; charset="ISO-8859-1"' },
      body: Buffer.from('caf\xe9', 'latin1'),
    },
  };
  const port = await webServer(context, ({ url = '' }, response) => {
    const { headers = {}, body = '' } = bodies[url] ?? {};
    response.writeHead(200, headers).end(body);
  });
  const wanted: Readonly<Record<string, string>> = { '/gbk': '^正常$', '/latin1': '^café$' };
  for (const path of Object.keys(bodies)) {
    const options = { http: { body: { match: [wanted[path] ?? '^all is well$'] } } };
    assert.equal(success(await probe(http, `http://127.0.0.1:${port}${path}`, options)), 1, path);
  }
});

test('JSON pointers: existence, values, expressions', async (context) => {
  const port = await webServer(context, (_, response) =>
    response.end('{"a":{"b/c":[1,{"up":true}]},"v":"1.2.3","none":null}'),
  );
  const judged = (json: object[]) => probe(http, `http://127.0.0.1:${port}/`, { http: { body: { json } } });
  const good = [
    { pointer: '/a/b~1c/0', equals: 1 },
    { pointer: '/a/b~1c/1/up', equals: true },
    { pointer: '/v', match: '^1\\.' },
    { pointer: '/none', equals: null },
    { pointer: '/a' },
  ];
  const passed = await judged(good);
  assert.equal(success(passed), 1);
  assert.equal(passed.get('probe_failed_due_to_cel'), 0);
  for (const bad of [{ pointer: '/a/b~1c/0', equals: '1' }, { pointer: '/b' }, { pointer: '/v', match: '^2' }]) {
    const failed = await judged([...good, bad]);
    assert.equal(reasonOf(failed), 'body');
    assert.equal(failed.get('probe_failed_due_to_cel'), 1);
    assert.equal(failed.get('probe_failed_due_to_regex'), 0);
  }
});

test('through a proxy: the proxy resolves the name', async (context) => {
  const proxy = await startForwardProxy(context);
  const port = await webServer(context, (_, response) => response.end('ok'));
  const secure = await tlsWebServer(context, (_, response) => response.end('ok'));
  const options = {
    http: { proxy: `http://127.0.0.1:${proxy.port}`, tls: { caFile: CA_FILE, serverName: 'a.example' } },
  };
  assert.equal(success(await probe(http, `http://nobody.example:${port}/`, options)), 1);
  assert.equal(success(await probe(http, `https://nobody.example:${secure}/`, options)), 1);
  assert.deepEqual(proxy.asked, [`GET http://nobody.example:${port}/`, `CONNECT nobody.example:${secure}`]);
});

test('HTTP/2 is used if offered', async (context) => {
  const server = createSecureServer({ ...certificate('server'), allowHTTP1: true }, (_, response) =>
    response.end('ok'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const target = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const versionOf = async (options: object) =>
    (await probe(http, target, { http: { tls: { caFile: CA_FILE }, ...options } })).get('probe_http_version');
  assert.equal(await versionOf({}), 2);
  assert.equal(await versionOf({ http2: false }), 1.1);
  const failed = await probe(http, target, { http: { tls: { caFile: CA_FILE }, versions: ['1.1'] } });
  assert.equal(reasonOf(failed), 'version');
});

test('a certificate that expires soon fails before it has expired', async (context) => {
  const port = await tlsWebServer(context, (_, response) => response.end('ok'));
  const judged = (now: number) =>
    probe(
      http,
      `https://127.0.0.1:${port}/`,
      { http: { tls: { caFile: CA_FILE, minExpiry: '30d' } } },
      { now: () => now },
    );
  const plenty = await judged(Date.now());
  assert.equal(success(plenty), 1);
  const endMs = (plenty.get('probe_ssl_earliest_cert_expiry') ?? 0) * 1000;
  assert.equal(reasonOf(await judged(endMs - 29 * 86_400_000)), 'certificate');
  assert.equal(reasonOf(await judged(endMs - 31 * 86_400_000)), 'ok');
});

test('STARTTLS in a dialogue, and the peer’s text as labels', async (context) => {
  const plain = createServer((socket) => {
    socket.write('220 mx1.example ESMTP Postfix\r\n');
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write('220 go ahead\r\n');
      const secure = new TLSSocket(socket, { isServer: true, ...certificate('server') });
      secure.on('error', () => undefined);
      secure.on('data', (data) => secure.write(`250 ${data.toString().trim().toLowerCase()}\r\n`));
    });
  });
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  context.after(() => plain.close());
  const dialogue = [
    {
      expect: '^220 ([^ ]+) ESMTP (?P<software>.+)$',
      labels: { host: '$1', software: '$software', both: '$1/$2' },
      send: 'STARTTLS',
    },
    { expect: '^220', startTls: true },
    { send: 'QUIT' },
    { expect: '^250 quit$' },
  ];
  const target = `127.0.0.1:${(plain.address() as AddressInfo).port}`;
  const probed = await probe(tcp, target, { tcp: { tls: { caFile: CA_FILE }, dialogue } });
  assert.equal(reasonOf(probed), 'ok');
  assert.equal(probed.get('probe_expect_info{host="mx1.example",software="Postfix",both="mx1.example/Postfix"}'), 1);
  assert.equal(probed.get('probe_tls_version_info{version="TLS 1.3"}'), 1);
});

test('expected bytes', async (context) => {
  const port = await tcpServer(context, (socket) => socket.write(Buffer.from('HELO\x01\x02rest')));
  const judged = (expectBytes: string) => probe(tcp, `127.0.0.1:${port}`, { tcp: { dialogue: [{ expectBytes }] } });
  assert.equal((await judged('HELO\x01')).get('probe_failed_due_to_bytes'), 0);
  const failed = await judged('HELO\x03');
  assert.equal(failed.get('probe_failed_due_to_bytes'), 1);
  assert.equal(reasonOf(failed), 'body');
});

test('invalid options are refused, with a reason', () => {
  const bad: readonly (readonly [typeof http | typeof tcp | typeof dns | typeof udp, object, RegExp])[] = [
    [http, { targets: ['ftp://x/'] }, /http:\/\/ or https:\/\//],
    [http, { targets: ['http://me:secret@x/'] }, /credentials/],
    [http, { targets: ['http://x/', 'http://x/'] }, /twice/],
    [http, { targets: ['http://x/'], http: { body: { match: ['(?=a)'] } } }, /invalid regular expression/],
    [tcp, { targets: ['x'] }, /host:port/],
    [tcp, { targets: ['x:1'], tcp: { dialogue: [{ labels: ['a'] }] } }, /labels need an expect/],
    [tcp, { targets: ['x:1'], tcp: { dialogue: [{ expect: '(' }] } }, /invalid regular expression/],
    [dns, { targets: ['x'], dns: { name: 'a', type: 'NOPE' } }, /record type/],
    [udp, { targets: ['x:1'], udp: { sendHex: 'xyz' } }, /hex/],
  ];
  for (const [{ options }, input, message] of bad) assert.throws(() => options.parse(input), message);
});

test('an unresponsive target of a task whose interval is its timeout still has a result in time', async (context) => {
  assert.equal(probeTimeoutMs({ timeoutMs: 5000, intervalMs: 5000 }), 4500);
  assert.equal(probeTimeoutMs({ timeoutMs: 5000, intervalMs: 30_000 }), 5000);
  assert.equal(probeTimeoutMs({ timeoutMs: 1000, intervalMs: 1000 }), 800);
  assert.equal(probeTimeoutMs({ timeoutMs: 5000, intervalMs: 0 }), 5000);
  const port = await tcpServer(context, () => undefined);
  const probed = await probe(http, `http://127.0.0.1:${port}/`, {}, { timeoutMs: 1000, intervalMs: 1000 });
  assert.equal(probed.get('probe_timeout_seconds'), 0.8);
  assert.ok((probed.get('probe_duration_seconds') ?? 9) < 1);
});
