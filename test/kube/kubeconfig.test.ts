import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KubeClient } from '../../src/kube/client.ts';
import { Connection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { startForwardProxy } from '../kit/forward-proxy.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { PODS, pod } from './follow.ts';

/** A kubeconfig; JSON is YAML. */
const config = (name: string, server: string, current = '', more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name, cluster: { server, ...more } }],
  users: [{ name, user: { token: `token-of-${name}` } }],
  contexts: [{ name, context: { cluster: name, user: name } }],
  'current-context': current,
});
const EMPTY = { apiVersion: 'v1', kind: 'Config', clusters: [], users: [], contexts: [], 'current-context': '' };

function folderWith(folder: string, files: Readonly<Record<string, object | string>>): (name: string) => string {
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return (name) => join(folder, name);
}

const serverOf = (KUBECONFIG: string, context?: string): string | undefined =>
  loadKubeConfig(context === undefined ? {} : { context }, '/nowhere', { KUBECONFIG }).getCurrentCluster()?.server;

test('$KUBECONFIG is a list: missing and empty files are skipped, the first definition wins', (t) => {
  const at = folderWith(scratchFolder(t), {
    empty: EMPTY,
    nothing: '',
    a: config('a', 'http://a', 'a'),
    b: config('b', 'http://b', 'b'),
    again: config('a', 'http://other', 'b'),
    unset: config('c', 'http://c'),
  });
  assert.equal(serverOf(`/nonexistent:${at('a')}`), 'http://a');
  assert.equal(serverOf(`${at('empty')}:${at('a')}`), 'http://a');
  assert.equal(serverOf(`${at('nothing')}:${at('a')}:/nonexistent`), 'http://a');
  assert.equal(serverOf(`::${at('a')}:`), 'http://a');
  assert.equal(serverOf(`${at('a')}:${at('b')}`), 'http://a', 'the first current context');
  assert.equal(serverOf(`${at('unset')}:${at('b')}`), 'http://b', 'of a file that has one');
  assert.equal(serverOf(`${at('a')}:${at('b')}`, 'b'), 'http://b', 'all contexts are known');
  assert.equal(serverOf(`${at('a')}:${at('again')}`), 'http://a', 'the first cluster of a name');
  assert.equal(serverOf(`${at('again')}:${at('b')}:${at('a')}`), 'http://b');
  const merged = loadKubeConfig({}, '/nowhere', { KUBECONFIG: `${at('a')}:${at('again')}` });
  assert.equal(merged.getCurrentUser()?.token, 'token-of-a');
});

test('paths in a file are relative to that file', (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'sub'));
  const withFile = config('a', 'https://a', 'a', { 'certificate-authority': 'ca.crt' });
  const at = folderWith(folder, { 'sub/a': withFile, b: config('b', 'http://b') });
  const loaded = loadKubeConfig({}, '/nowhere', { KUBECONFIG: `${at('b')}:${at('sub/a')}` });
  assert.equal(loaded.getCurrentCluster()?.caFile, join(folder, 'sub', 'ca.crt'));
});

test('an unusable file is named, and not quoted', { timeout: 120_000 }, (t) => {
  const folder = scratchFolder(t);
  const at = folderWith(folder, {
    bad: 'users: [{name: x, user: {token: s3cret}}',
    list: '- s3cret',
    unset: config('c', 'http://c'),
    a: config('a', 'http://a', 'gone'),
  });
  mkdirSync(join(folder, 'folder'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  const message = (KUBECONFIG: string) => {
    try {
      serverOf(KUBECONFIG);
    } catch (cause) {
      return (cause as Error).message;
    }
    return assert.fail(`${KUBECONFIG} was taken`);
  };
  assert.equal(message(at('bad')), `${at('bad')}: malformed (YAMLException)`);
  assert.match(message(at('list')), /list: /);
  assert.equal(message(at('folder')), `${at('folder')}: not a regular file`);
  assert.equal(message(at('fifo')), `${at('fifo')}: not a regular file`);
  assert.equal(message(at('unset')), `${at('unset')}: no current-context; contexts: c`);
  assert.equal(message(at('a')), `${at('a')}: no cluster for context gone; contexts: a`);
  assert.match(
    message('/nonexistent:/neither'),
    /no service account in this pod, and no file at \/nonexistent, \/neither$/,
  );
  for (const name of ['bad', 'list']) assert.doesNotMatch(message(at(name)), /s3cret/);
  assert.throws(() => loadKubeConfig({ kubeconfig: '/nonexistent' }, '/nowhere', {}), {
    message: '/nonexistent: ENOENT',
  });
});

test('in a pod $KUBECONFIG is used if one of its files exists', (t) => {
  const folder = scratchFolder(t);
  const account = join(folder, 'var/run/secrets/kubernetes.io/serviceaccount');
  mkdirSync(account, { recursive: true });
  writeFileSync(join(account, 'token'), 'x');
  writeFileSync(join(account, 'ca.crt'), 'x');
  const at = folderWith(folder, { a: config('a', 'http://a', 'a') });
  const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const before = { ...process.env };
  t.after(() => Object.assign(process.env, before));
  Object.assign(process.env, pod);
  const server = (env: NodeJS.ProcessEnv) => loadKubeConfig({}, folder, { ...pod, ...env }).getCurrentCluster()?.server;
  assert.equal(server({ KUBECONFIG: `/nonexistent:${at('a')}` }), 'http://a');
  assert.equal(server({ KUBECONFIG: '/nonexistent' }), 'https://10.0.0.1:443');
  assert.equal(server({}), 'https://10.0.0.1:443');
});

test('the API server is reached through the proxy of the environment, unless NO_PROXY lists it', {
  timeout: 120_000,
}, async (t) => {
  const api = await startFakeApi(t);
  api.cluster.put(PODS, pod('a'));
  const proxy = await startForwardProxy(t);
  const file = join(scratchFolder(t), 'config');
  const plain = { 'insecure-skip-tls-verify': true };
  writeFileSync(file, JSON.stringify(config('a', `http://api.example:${api.port}`, 'a', plain)));
  const ask = async (env: NodeJS.ProcessEnv) => {
    const client = new KubeClient(new Connection(() => loadKubeConfig({ kubeconfig: file }, '/nowhere', {}), env));
    t.after(() => client.close());
    return client.json<{ items: unknown[] }>({ path: PODS, signal: AbortSignal.timeout(60_000) });
  };
  const env = { HTTP_PROXY: `127.0.0.1:${proxy.port}` };
  assert.equal((await ask(env)).items.length, 1);
  assert.deepEqual(proxy.asked, [`GET http://api.example:${api.port}${PODS}`]);
  await assert.rejects(ask({ ...env, NO_PROXY: '.example' }), /api\.example/);
  assert.equal(proxy.asked.length, 1);
});

test('over TLS through a tunnel; a proxy that refuses is named', { timeout: 120_000 }, async (t) => {
  const tls = {
    key: readFileSync(fixture('tls/first-server.key')),
    cert: readFileSync(fixture('tls/first-server.crt')),
  };
  const api = await startFakeApi(t, tls);
  api.cluster.put(PODS, pod('a'));
  const proxy = await startForwardProxy(t);
  const file = join(scratchFolder(t), 'config');
  const over = config('a', `https://api.example:${api.port}`, 'a', {
    'certificate-authority': fixture('tls/first-ca.crt'),
    'tls-server-name': 'localhost',
  });
  writeFileSync(file, JSON.stringify(over));
  const env = { HTTPS_PROXY: `http://u:s3cret@127.0.0.1:${proxy.port}` };
  const client = new KubeClient(new Connection(() => loadKubeConfig({ kubeconfig: file }, '/nowhere', {}), env));
  t.after(() => client.close());
  const ask = () => client.json<{ items: unknown[] }>({ path: PODS, signal: AbortSignal.timeout(60_000) });
  assert.equal((await ask()).items.length, 1);
  assert.deepEqual(proxy.asked, [`CONNECT api.example:${api.port}`]);
  client.close();
  proxy.status = 407;
  await assert.rejects(ask(), (cause: Error) => {
    assert.match(cause.message, /the proxy http:\/\/127\.0\.0\.1:\d+ responded with 407/);
    assert.doesNotMatch(cause.message, /s3cret/);
    return true;
  });
});
