import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createLog } from '../../../src/base/log.ts';
import { PodIndex } from '../../../src/collectors/ksm/pod-index.ts';
import { podInfoRoute } from '../../../src/http/pod-info.ts';
import { startHttp } from '../../../src/http/server.ts';
import { type IdentityPod, POD_INFO_PATH, type PodInfo } from '../../../src/kube/pod-info.ts';
import { type IdentityOptions, identityOptions } from '../../../src/pods/options.ts';
import { createIdentitySource } from '../../../src/pods/sources.ts';
import { recorded, startFakeApi } from '../../kit/fake-api-server.ts';
import type { RecordedList } from '../../kit/fake-cluster.ts';
import { fixture, scratchFolder } from '../../kit/host-tree.ts';

const NODE = 'node1';
const PODS: RecordedList = JSON.parse(recorded('api/core_v1_pods.json'));

/** A configured source. */
async function sourceOf(t: TestContext, options: Partial<IdentityOptions>) {
  const source = await createIdentitySource({ ...identityOptions.parse({}), ...options }, NODE, createLog('silent'));
  if (!source) throw new Error('no source');
  t.after(() => source.close());
  return source;
}

/** A server for one test. */
async function serve(t: TestContext, listener: RequestListener, tls?: { key: string; cert: string }): Promise<string> {
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http${tls ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const signal = new AbortController().signal;
const namesOf = (pods: readonly PodInfo[] | undefined) =>
  pods?.map(({ namespace, name }) => `${namespace}/${name}`).sort();

test('the state agents report the pods of this node, and whether anything has changed', async (t) => {
  const index = new PodIndex();
  for (const pod of PODS.items as IdentityPod[]) index.upsert(`${pod.metadata?.namespace}/${pod.metadata?.name}`, pod);
  const asked: string[] = [];
  const route = podInfoRoute({ ready: () => true, responseFor: (node) => index.responseFor(node) });
  const routes = {
    [POD_INFO_PATH]: (request: Parameters<typeof route>[0]) => {
      asked.push(request.query.toString());
      return route(request);
    },
  };
  const server = await startHttp('127.0.0.1:0', routes, () => undefined);
  t.after(() => server.close());
  const source = await sourceOf(t, { source: 'state', url: `${server.url}/` });
  const pods = await source.pods(signal);
  assert.equal(pods?.length, index.pods);
  assert.equal(pods.find(({ name }) => name === 'db-0')?.workloadName, 'db');
  assert.equal(await source.pods(signal), undefined);
  index.delete('shop/db-0');
  assert.equal((await source.pods(signal))?.length, index.pods);
  assert.deepEqual(new Set(asked), new Set(['nodeName=node1']));
});

test('the kubelet is queried with the token, over TLS, and its list is parsed', async (t) => {
  const list = readFileSync(fixture('cluster-cgroupv1/kubelet/pods.json'), 'utf8');
  const requests: IncomingMessage[] = [];
  const tls = {
    key: readFileSync(fixture('tls/first-server.key'), 'utf8'),
    cert: readFileSync(fixture('tls/first-server.crt'), 'utf8'),
  };
  const url = await serve(
    t,
    (request, response) => {
      requests.push(request);
      response.end(list);
    },
    tls,
  );
  const tokenFile = join(scratchFolder(t), 'token');
  writeFileSync(tokenFile, 's3cret-token\n');
  const strict = await sourceOf(t, { source: 'kubelet', url, tokenFile });
  await assert.rejects(strict.pods(signal), (error: Error) => {
    assert.match(error.message, /certificate|SELF_SIGNED/i);
    assert.doesNotMatch(JSON.stringify(error) + error.stack, /s3cret/);
    return true;
  });
  assert.equal(requests.length, 0);
  const source = await sourceOf(t, { source: 'kubelet', url, tokenFile, caFile: fixture('tls/first-ca.crt') });
  const pods = await source.pods(signal);
  assert.equal(requests[0]?.headers.authorization, 'Bearer s3cret-token');
  assert.equal(requests[0]?.url, '/pods');
  const web = pods?.find(({ name }) => name === 'web-67b7ddc566-bxh7f');
  assert.equal(web?.workloadName, 'web');
  assert.match(web.containers.find(({ name }) => name === 'main')?.id ?? '', /^containerd:\/\/[0-9a-f]{64}$/);
});

test('the API server is watched for the pods of this node', async (t) => {
  const server = await startFakeApi(t);
  server.cluster.load('/api/v1/pods', PODS);
  const kubeconfig = join(scratchFolder(t), 'config');
  writeFileSync(kubeconfig, server.kubeconfig());
  const source = await sourceOf(t, { source: 'apiserver', kubeconfig });
  // The first request waits for the first list, which is not a failure.
  const first = await source.pods(signal);
  assert.ok(namesOf(first)?.includes('shop/db-0'));
  const until = async (wanted: (pods: readonly PodInfo[]) => boolean) => {
    const deadline = AbortSignal.timeout(60_000);
    for (;;) {
      const pods = await source.pods(deadline).catch(() => undefined);
      if (pods && wanted(pods)) return pods;
      deadline.throwIfAborted();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const onNode = (PODS.items as IdentityPod[]).filter(({ spec }) => spec?.nodeName === NODE);
  assert.equal(first?.length, onNode.length);
  assert.equal(await source.pods(signal), undefined);
  server.cluster.remove('/api/v1/pods', 'shop/db-0');
  await until((left) => !namesOf(left)?.includes('shop/db-0'));
  const selectors = server.requests.map(({ query }) => query.get('fieldSelector'));
  assert.deepEqual(new Set(selectors), new Set([`spec.nodeName=${NODE}`]));
});

test('invalid responses are rejected with a reason', async (t) => {
  const big = gzipSync(`{"pods":["${'x'.repeat(33 * 1024 * 1024)}"]}`);
  const answers: [status: number, body: string | Buffer, headers: Record<string, string>, reason: RegExp][] = [
    [503, '{"error":"the pods are still being listed"}', { 'retry-after': '5' }, /503 .*still being listed/],
    [200, '<html>login</html>', {}, /is not JSON: <html>login/],
    [200, '{"pods":[{"name":"a"}]}', {}, /is not a list of pods/],
    [200, 'null', {}, /is not a list of pods/],
    [200, '{"pods":[null]}', {}, /is not a list of pods/],
    [302, '', { location: 'http://elsewhere/' }, /302/],
    [200, big, { 'content-encoding': 'gzip' }, /larger than/],
  ];
  let answer = answers[0];
  const url = await serve(t, (_, response) => {
    response.writeHead(answer?.[0] ?? 500, answer?.[2]);
    response.end(answer?.[1]);
  });
  const source = await sourceOf(t, { source: 'state', url });
  for (answer of answers) await assert.rejects(source.pods(signal), answer[3]);
  const gone = await sourceOf(t, { source: 'state', url: 'http://127.0.0.1:9' });
  await assert.rejects(gone.pods(signal), /ECONNREFUSED/);
});

test('without a source none is used, and state needs a URL', async () => {
  assert.equal(await createIdentitySource(identityOptions.parse({}), NODE, createLog('silent')), undefined);
  const { error } = identityOptions.safeParse({ source: 'state' });
  assert.match(String(error), /source: state requires the URL of the state agents/);
});

test('a node agent that queries the state agents loads neither the Kubernetes client nor got', async () => {
  const module = fileURLToPath(new URL('../../../src/pods/sources.ts', import.meta.url));
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ resolve: (name, context, next) => (loaded.push(name), next(name, context)) });
    const { createIdentitySource } = await import(${JSON.stringify(module)});
    const options = { source: 'state', url: 'http://127.0.0.1:9', insecureSkipVerify: false };
    await createIdentitySource(options, 'node1', undefined);
    console.log(JSON.stringify(loaded));`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script];
  const loaded: string[] = JSON.parse((await promisify(execFile)(process.execPath, args)).stdout);
  assert.ok(
    loaded.some((name) => name.endsWith('state-agents.ts')),
    String(loaded),
  );
  assert.deepEqual(
    loaded.filter((name) => /@kubernetes|kube\/client|^got(?:$|\/)/.test(name)),
    [],
  );
});

test('a state agent that does not know the pods is replaced by another: its connection is not kept', async (t) => {
  const bad = new WeakSet<object>();
  let connections = 0;
  const url = await serve(t, ({ socket }, response) => {
    if (connections === 0) bad.add(socket);
    if (bad.has(socket)) response.writeHead(503).end('the pods are still being listed');
    else response.end(JSON.stringify({ pods: [] }));
    connections++;
  });
  const source = await sourceOf(t, { source: 'state', url });
  await assert.rejects(source.pods(signal), /503 the pods are still being listed/);
  assert.deepEqual(await source.pods(signal), []);
});
