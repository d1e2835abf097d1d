import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { retryAfterMs } from '../../src/base/backoff.ts';
import { ApiBodyError, ApiError, ApiUnreachable } from '../../src/kube/api.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { Connection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { type FakeApiServer, type Fault, recorded, startFakeApi } from '../kit/fake-api-server.ts';
import { fixture } from '../kit/host-tree.ts';
import { clientOf, eventually, PODS, pod, temporaryFolder } from './follow.ts';

const OPTIONS = { timeout: 120_000 };
const TOKEN = 'secret-token';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const { signal } = new AbortController();

const tls = (name: string) => ({
  key: readFileSync(fixture(`tls/${name}-server.key`)),
  cert: readFileSync(fixture(`tls/${name}-server.crt`)),
});

/** The error of a call that must fail, none of whose fields may contain the token. */
async function failure(call: Promise<unknown>): Promise<Error> {
  const error = await call.then(
    () => assert.fail('expected an error'),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof Error);
  assert.ok(!inspect(error, { depth: 20, showHidden: true, getters: true }).includes(TOKEN), 'the token leaks');
  return error;
}

/** A service account on disk and the environment of a pod, until the test ends. */
function serviceAccount(context: TestContext, server: FakeApiServer) {
  const root = temporaryFolder(context);
  const folder = join(root, 'var/run/secrets/kubernetes.io/serviceaccount');
  mkdirSync(folder, { recursive: true });
  const before = { ...process.env };
  context.after(() => Object.assign(process.env, before));
  delete process.env.KUBECONFIG;
  Object.assign(process.env, { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(server.port) });
  const write = (name: string, text: string | Buffer) => writeFileSync(join(folder, name), text);
  const client = new KubeClient(new Connection(() => loadKubeConfig({}, root)));
  context.after(() => client.close());
  return { client, write };
}

test('in a pod, token and CA are read again when they change', OPTIONS, async (context) => {
  const server = await startFakeApi(context, tls('first'));
  const { client, write } = serviceAccount(context, server);
  server.tokens = new Set([TOKEN]);
  server.cluster.put(PODS, pod('a'));
  const list = () => client.json<{ items: KubeObject[] }>({ path: PODS, signal });

  const missing = await failure(list());
  assert.ok(missing instanceof ApiUnreachable && missing.code === 'ECREDENTIALS');
  write('token', `${TOKEN}\n`);
  write('ca.crt', readFileSync(fixture('tls/second-ca.crt')));
  const distrusted = await failure(list());
  assert.ok(distrusted instanceof ApiUnreachable);
  assert.match(distrusted.code, /VERIFY|SELF_SIGNED|CERT/);
  write('ca.crt', readFileSync(fixture('tls/first-ca.crt')));
  assert.equal((await list()).items.length, 1);
  const opened = server.connections;
  await list();
  await list();
  assert.equal(server.connections, opened, 'kept');

  server.tokens = new Set(['renewed']);
  write('token', 'renewed');
  const refused = await failure(list());
  assert.ok(refused instanceof ApiError && refused.status === 401);
  assert.equal((await list()).items.length, 1);

  write('ca.crt', readFileSync(fixture('tls/second-ca.crt')));
  server.changeTls(tls('second'));
  assert.equal((await list()).items.length, 1);
});

const FAULTS: readonly { title: string; fault: Fault; expected: (error: Error) => boolean }[] = [
  {
    title: 'a reset',
    fault: 'reset',
    expected: (error) => error instanceof ApiUnreachable && error.code === 'ECONNRESET',
  },
  {
    title: 'silence',
    fault: 'silence',
    expected: (error) => error instanceof ApiUnreachable && error.code === 'ETIMEDOUT',
  },
  {
    title: 'a redirect, which is not followed,',
    fault: { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
    expected: (error) => error instanceof ApiError && error.status === 302,
  },
  {
    title: 'a Status',
    fault: { status: 403, body: recorded('api/pods-403.txt') },
    expected: (error) => error instanceof ApiError && error.reason === 'Forbidden' && error.text.startsWith('pods is'),
  },
  {
    title: 'a long page of HTML',
    fault: { status: 502, body: `<html>${'x'.repeat(1e6)}` },
    expected: (error) => error instanceof ApiError && error.status === 502 && error.text.length === 300,
  },
  {
    title: 'Retry-After',
    fault: { status: 429, headers: { 'retry-after': '3' } },
    expected: (error) => error instanceof ApiError && error.retryAfterMs === 3000,
  },
  {
    title: 'text where JSON was expected',
    fault: { status: 200, body: '<html>' },
    expected: (error) => error instanceof ApiBodyError && error.code === 'malformed',
  },
  {
    title: 'an endless answer',
    fault: { status: 200, body: '[1'.repeat(100_000) },
    expected: (error) => error instanceof ApiBodyError && error.code === 'too-large',
  },
];

for (const { title, fault, expected } of FAULTS) {
  test(`${title} becomes one of our errors, without the token`, OPTIONS, async (context) => {
    const server = await startFakeApi(context);
    const { client } = clientOf(context, server, { requestMs: 300, bodyBytes: 100_000 });
    server.fail('list', fault);
    const error = await failure(client.json({ path: PODS, signal }));
    assert.ok(expected(error), inspect(error));
  });
}

test('a stopped server is unreachable', OPTIONS, async (context) => {
  const server = await startFakeApi(context);
  const { client } = clientOf(context, server);
  await server.stop();
  const error = await failure(client.json({ path: PODS, signal }));
  assert.ok(error instanceof ApiUnreachable && error.code === 'ECONNREFUSED');
});

test('a stream with occasional data does not count as dead', OPTIONS, async (context) => {
  const server = await startFakeApi(context);
  server.cluster.put(PODS, pod('a'));
  const { client } = clientOf(context, server);
  const request = { path: PODS, query: { watch: true, allowWatchBookmarks: true }, signal };
  const ticking = setInterval(() => server.bookmark(), 150);
  context.after(() => clearInterval(ticking));
  let chunks = 0;
  for await (const _ of await client.stream(request, 500)) if (++chunks === 5) break;
  assert.equal(chunks, 5);
});

test('an aborted request fails immediately', OPTIONS, async (context) => {
  const server = await startFakeApi(context);
  const { client } = clientOf(context, server);
  server.fail('list', 'silence');
  const stopping = new AbortController();
  const running = failure(client.json({ path: PODS, signal: stopping.signal }));
  await eventually(() => server.count('list') === 1, 'the request');
  stopping.abort();
  await running;
});

test('slow lists do not keep a Lease waiting', OPTIONS, async (context) => {
  const server = await startFakeApi(context);
  const { client } = clientOf(context, server);
  server.fail('list', 'silence', { times: 10 });
  const stopping = new AbortController();
  const lists = Array.from({ length: 10 }, () =>
    failure(client.json({ path: PODS, bulk: true, signal: stopping.signal })),
  );
  await eventually(() => server.count('list') === 4, 'as many lists as may run concurrently');
  const error = await failure(client.json({ path: `${LEASES}/none`, signal }));
  assert.ok(error instanceof ApiError && error.status === 404);
  assert.equal(server.count('list'), 4);
  stopping.abort();
  await Promise.all(lists);
});

test('the fake server handles Leases like the recorded one', OPTIONS, async (context) => {
  const server = await startFakeApi(context);
  const { client } = clientOf(context, server);
  const lease: KubeObject & { spec: object } = {
    kind: 'Lease',
    apiVersion: 'coordination.k8s.io/v1',
    metadata: { name: 'ksm', namespace: 'default' },
    spec: { holderIdentity: 'a' },
  };
  const ask = (method: 'GET' | 'POST' | 'PUT', path: string, body?: object) =>
    client.json<KubeObject>({ method, path, ...(body && { body }), signal });
  const refused = async (file: string, call: Promise<unknown>) => {
    const error = await failure(call);
    assert.ok(error instanceof ApiError);
    const expected = JSON.parse(recorded(`lease/${file}.txt`));
    assert.deepEqual([error.status, error.reason, error.text], [expected.code, expected.reason, expected.message]);
  };

  await refused('get-404', ask('GET', `${LEASES}/none`));
  const created = await ask('POST', LEASES, lease);
  await refused('create-exists-409', ask('POST', LEASES, lease));
  const updated = await ask('PUT', `${LEASES}/ksm`, { ...created, spec: { holderIdentity: 'b' } });
  assert.notEqual(updated.metadata?.resourceVersion, created.metadata?.resourceVersion);
  await refused('update-conflict-409', ask('PUT', `${LEASES}/ksm`, created));
  assert.deepEqual(await ask('GET', `${LEASES}/ksm`), updated);
  server.tokens = new Set(['another']);
  await refused('list-401', ask('GET', `${LEASES}/ksm`));
});

test('an unusable kubeconfig is named, without its content', OPTIONS, async (context) => {
  const server = await startFakeApi(context);
  const { client, kubeconfig } = clientOf(context, server);
  writeFileSync(kubeconfig, `users: [{name: a, user: {token: ${TOKEN}}\nclusters: }`);
  assert.match((await failure(client.json({ path: PODS, signal }))).message, /malformed \(YAMLException\)/);
  writeFileSync(kubeconfig, server.kubeconfig());
  assert.throws(() => loadKubeConfig({ kubeconfig, context: 'other' }), /no cluster for context other; contexts: fake/);
  assert.throws(() => loadKubeConfig({ kubeconfig: '/nowhere' }), /^Error: \/nowhere: ENOENT$/);
});

test('Retry-After is read as seconds and as date, up to five minutes', () => {
  const now = Date.parse('2026-11-20T10:00:00Z');
  assert.equal(retryAfterMs(undefined, now), undefined);
  assert.equal(retryAfterMs('soon', now), undefined);
  assert.equal(retryAfterMs('2', now), 2000);
  assert.equal(retryAfterMs('99999', now), 300_000);
  assert.equal(retryAfterMs('Fri, 20 Nov 2026 10:00:30 GMT', now), 30_000);
  assert.equal(retryAfterMs('Fri, 20 Nov 2026 09:00:00 GMT', now), 0);
});
