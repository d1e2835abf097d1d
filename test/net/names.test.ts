import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseHosts } from '../../src/net/hosts-file.ts';
import { Names } from '../../src/net/names.ts';
import { candidates, parseResolvConf } from '../../src/net/resolv-conf.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { type NameServer, startNameServer } from '../kit/name-server.ts';

const GOOD = { a: ['10.0.0.7'], aaaa: ['2001:db8:0:0:0:0:0:7'] };

interface Scene {
  readonly names: Names;
  readonly server: NameServer;
  readonly folder: string;
  /** Monotonic milliseconds, advanced by the test. */
  readonly clock: { now: number };
}

async function scene(
  t: TestContext,
  said: Parameters<typeof startNameServer>[1],
  { conf = '', hosts = '' } = {},
): Promise<Scene> {
  const server = await startNameServer(t, said);
  const folder = scratchFolder(t);
  const clock = { now: 0 };
  writeFileSync(join(folder, 'hosts'), hosts);
  writeFileSync(join(folder, 'resolv.conf'), `nameserver 127.0.0.1\n${conf}`);
  const names = new Names({
    hostsFile: join(folder, 'hosts'),
    resolvConfFile: join(folder, 'resolv.conf'),
    port: server.port,
    monotonicMs: () => clock.now,
  });
  t.after(() => names.close());
  return { names, server, folder, clock };
}

const textOf = async (found: ReturnType<Names['resolve']>) => (await found).map(({ address }) => address).join(' ');

test('resolv.conf and hosts are read like in the C library', () => {
  const text =
    '# comment\nnameserver 10.0.0.1\nnameserver fe::1 ; comment\nnameserver x\nsearch a.b. c\ndomain d\noptions timeout:1 ndots:5\n';
  assert.deepEqual(parseResolvConf(text), { servers: ['10.0.0.1', 'fe::1'], search: ['d'], ndots: 5 });
  assert.deepEqual(parseResolvConf(''), { servers: ['127.0.0.1'], search: [], ndots: 1 });
  assert.equal(parseResolvConf('options ndots:99').ndots, 15);
  assert.deepEqual(parseResolvConf('nameserver 1.1.1.1\n'.repeat(9)).servers.length, 3);
  const hosts = parseHosts('127.0.0.1 localhost\n::1 localhost # and\n10.0.0.5\tVM.example vm\nbad vm\n');
  assert.deepEqual(hosts.get('vm.example'), [{ address: '10.0.0.5', family: 4 }]);
  assert.deepEqual(
    hosts.get('localhost')?.map(({ family }) => family),
    [4, 6],
  );
});

test('the search list is used first for names with few dots, last for others, never after a final dot', () => {
  const kubernetes = { search: ['ns.svc.cluster.local', 'svc.cluster.local'], ndots: 5 };
  assert.deepEqual(candidates('vm.monitoring', kubernetes), [
    'vm.monitoring.ns.svc.cluster.local',
    'vm.monitoring.svc.cluster.local',
    'vm.monitoring',
  ]);
  assert.deepEqual(candidates('a.b', { search: ['c'], ndots: 1 }), ['a.b', 'a.b.c']);
  assert.deepEqual(candidates('a.b.', kubernetes), ['a.b']);
});

test('the hosts file takes precedence, and is read again when it changes', async (t) => {
  const { names, server, folder } = await scene(t, { 'vm.example': GOOD }, { hosts: '10.1.1.1 VM.example\n' });
  assert.equal(await textOf(names.resolve('vm.Example')), '10.1.1.1');
  assert.equal(await textOf(names.resolve('localhost')), '127.0.0.1 ::1', 'also without a line for it');
  assert.deepEqual(server.questions, []);
  writeFileSync(join(folder, 'hosts'), '10.1.1.222 vm.example\n');
  assert.equal(await textOf(names.resolve('vm.example')), '10.1.1.222');
});

test('a name is found with the search list, both families, IPv4 first', async (t) => {
  const { names, server } = await scene(
    t,
    { 'vm.monitoring.svc.cluster.local': GOOD },
    { conf: 'search monitoring.svc.cluster.local svc.cluster.local\noptions ndots:5\n' },
  );
  assert.equal(await textOf(names.resolve('vm.monitoring')), '10.0.0.7 2001:db8::7');
  assert.deepEqual(
    new Set(server.questions.map((question) => question.split(' ')[1])),
    new Set(['vm.monitoring.monitoring.svc.cluster.local', 'vm.monitoring.svc.cluster.local']),
  );
});

test('a response is cached for its TTL, and requested once for all users', async (t) => {
  const { names, server, clock } = await scene(t, { 'vm.example': GOOD });
  await Promise.all(Array.from({ length: 20 }, () => names.resolve('vm.example')));
  assert.equal(server.questions.length, 2, 'A and AAAA');
  clock.now = 29_000;
  await names.resolve('vm.example');
  assert.equal(server.questions.length, 2);
  clock.now = 31_000;
  server.names.set('vm.example', { a: ['10.0.0.8'] });
  assert.equal(await textOf(names.resolve('vm.example')), '10.0.0.8');
});

test('an address resolves to itself, and with fresh each response is new', async (t) => {
  const { server, folder } = await scene(t, { 'vm.example': GOOD });
  const fresh = new Names({
    hostsFile: join(folder, 'hosts'),
    resolvConfFile: join(folder, 'resolv.conf'),
    port: server.port,
    longestTtl: 0,
  });
  t.after(() => fresh.close());
  for (const address of ['10.1.2.3', '2001:db8::7']) assert.equal(await textOf(fresh.resolve(address)), address);
  assert.deepEqual(server.questions, []);
  assert.equal(await textOf(fresh.resolve('vm.example')), '10.0.0.7 2001:db8::7');
  server.names.set('vm.example', { a: ['10.0.0.8'] });
  assert.equal(await textOf(fresh.resolve('vm.example')), '10.0.0.8');
});

test('a failure is reported with the server, and retried the next time', async (t) => {
  const { names, server } = await scene(t, { 'broken.example': 'servfail' });
  await assert.rejects(names.resolve('nowhere.example'), {
    code: 'ENOTFOUND',
    message: 'no name server can resolve nowhere.example (127.0.0.1)',
  });
  await assert.rejects(names.resolve('broken.example'), {
    code: 'EAI_AGAIN',
    message: /broken\.example.*127\.0\.0\.1/,
  });
  server.names.set('nowhere.example', GOOD);
  assert.equal(await textOf(names.resolve('nowhere.example')), '10.0.0.7 2001:db8::7');
});

test('a changed resolv.conf takes effect', async (t) => {
  const { names, folder } = await scene(t, { 'vm.a': GOOD });
  await assert.rejects(names.resolve('vm'), { code: 'ENOTFOUND' });
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\nsearch a\n');
  assert.equal(await textOf(names.resolve('vm')), '10.0.0.7 2001:db8::7');
});

test('a server that does not respond for AAAA does not delay an existing address', async (t) => {
  const { names, server } = await scene(t, { 'vm.example': { a: ['10.0.0.7'] } });
  const { names: said } = server;
  // Only the query for A gets a response.
  Object.defineProperty(said, 'get', { value: () => (server.questions.at(-1)?.startsWith('AAAA') ? 'silent' : GOOD) });
  const started = performance.now();
  assert.equal(await textOf(names.resolve('vm.example')), '10.0.0.7');
  // All attempts for AAAA take three seconds.
  assert.ok(performance.now() - started < 2800, 'it does not wait for AAAA');
});

test('eight names with an unresponsive server delay no others, and time out', { timeout: 120_000 }, async (t) => {
  const silent = Array.from({ length: 8 }, (_, index) => `silent-${index}.example`);
  const { names, folder, server } = await scene(
    t,
    Object.fromEntries([...silent.map((name) => [name, 'silent'] as const), ['vm.example', GOOD]]),
  );
  const others = new Names({
    hostsFile: join(folder, 'hosts'),
    resolvConfFile: join(folder, 'resolv.conf'),
    port: server.port,
    deadlineMs: 4000,
  });
  t.after(() => others.close());
  const receiver = createServer((_, response) => response.end('here'));
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  t.after(() => receiver.close());
  server.names.set('vm.example', { a: ['127.0.0.1'] });
  let ended = 0;
  const hanging = silent.map(async (name) => {
    await assert.rejects(others.resolve(name), { code: 'EAI_AGAIN' });
    ended++;
  });
  const started = performance.now();
  const agent = new Agent({ lookup: names.lookup });
  const { port } = receiver.address() as AddressInfo;
  await new Promise<void>((resolve, reject) => {
    const asked = request({ host: 'vm.example', port, agent }, (response) => response.resume().on('end', resolve));
    asked.on('error', reject).end();
  });
  const took = performance.now() - started;
  t.diagnostic(`with 8 unresponsive names a request to a healthy one took ${took.toFixed(0)} ms`);
  assert.equal(ended, 0, `the request took ${took} ms, as long as the unresponsive names`);
  await Promise.all(hanging);
});
