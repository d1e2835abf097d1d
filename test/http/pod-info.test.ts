import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PodIndex } from '../../src/collectors/ksm/pod-index.ts';
import { SecretFile } from '../../src/config/secret-file.ts';
import { secretCheck } from '../../src/http/bearer.ts';
import { type PodInfoGuard, type PodInfoSource, podInfoRoute } from '../../src/http/pod-info.ts';
import { startHttp } from '../../src/http/server.ts';
import { type IdentityPod, POD_INFO_PATH } from '../../src/kube/pod-info.ts';
import { recorded } from '../kit/fake-api-server.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { ApiDocument } from '../kit/openapi.ts';

const document = new ApiDocument();

/** The recorded pods, indexed; ready when `state.ready`. */
function recordedSource() {
  const index = new PodIndex((labels) => (labels?.app === undefined ? {} : { app: labels.app }));
  for (const pod of (JSON.parse(recorded('api/core_v1_pods.json')) as { items: IdentityPod[] }).items) {
    index.upsert(`${pod.metadata?.namespace}/${pod.metadata?.name}`, pod);
  }
  const state = { ready: true };
  const source: PodInfoSource = { ready: () => state.ready, responseFor: (nodeName) => index.responseFor(nodeName) };
  return { index, state, source };
}

/** Serves it; every response is also validated against docs/api.yaml. */
async function served(t: TestContext, source: PodInfoSource, guard?: PodInfoGuard) {
  const server = await startHttp('127.0.0.1:0', { [POD_INFO_PATH]: podInfoRoute(source, guard) }, () => undefined);
  t.after(() => server.close());
  return async (search: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${server.url}${POD_INFO_PATH}${search}`, { headers });
    const text = await response.text();
    assert.deepEqual(document.mistakes(POD_INFO_PATH, response.status, text), [], `${response.status} ${text}`);
    return { status: response.status, headers: response.headers, text };
  };
}

/** Fields that later minor versions added; version 1 allows additions only. */
const ADDED = new Set(['ready', 'ports', 'annotations']);

const withoutAdditions = (key: string, value: unknown) => (ADDED.has(key) ? undefined : value);

test('the recorded pods are returned as promised by version 1 of the API', async (t) => {
  const { source } = recordedSource();
  const get = await served(t, source);
  const { status, headers, text } = await get('?nodeName=node1');
  assert.equal(status, 200);
  assert.equal(headers.get('content-type'), 'application/json');
  assert.equal(headers.get('content-encoding'), 'gzip');
  // A change of this file is a change of the contract, docs/api.yaml, and of its version.
  const promised = JSON.parse(readFileSync(fixture('api/pod-info-1.0.0.json'), 'utf8'));
  assert.match(document.version, /^1\./);
  assert.deepEqual(JSON.parse(text, withoutAdditions), promised);
  const plain = await get('?nodeName=node1', { 'accept-encoding': 'identity' });
  assert.equal(plain.headers.get('content-encoding'), null);
  assert.equal(plain.text, text);
});

test('a client with the current response gets 304 until it changes', async (t) => {
  const { source, index } = recordedSource();
  const get = await served(t, source);
  const etag = (await get('?nodeName=node1')).headers.get('etag') ?? '';
  for (const known of [etag, etag.replace('W/', ''), `"other", ${etag}`, '*']) {
    const { status, headers } = await get('?nodeName=node1', { 'if-none-match': known });
    assert.deepEqual([status, headers.get('etag')], [304, etag], known);
  }
  assert.equal((await get('?nodeName=node1', { 'if-none-match': '"other"' })).status, 200);
  index.delete('shop/db-0');
  const changed = await get('?nodeName=node1', { 'if-none-match': etag });
  assert.equal(changed.status, 200);
  assert.ok(!changed.text.includes('db-0'));
});

test('an unknown node is reported with the nearest known name', async (t) => {
  const { source } = recordedSource();
  const index = new PodIndex();
  const get = await served(t, { ...source, nearestTo: (name) => index.nearestTo(name) });
  const none = await get('?nodeName=ip-10-0-0-7');
  assert.equal(none.status, 404);
  assert.match(none.text, /no node is known/);
  for (const nodeName of ['ip-10-0-0-7.eu-west-1.compute.internal', 'ip-10-0-0-9.eu-west-1.compute.internal', 'cp-1']) {
    index.upsert(`shop/on-${nodeName}`, {
      metadata: { namespace: 'shop', name: 'web', uid: nodeName },
      spec: { nodeName },
    });
  }
  const { status, text } = await get('?nodeName=ip-10-0-0-7');
  assert.equal(status, 404);
  assert.match(text, /closest known name is ip-10-0-0-7\.eu-west-1\.compute\.internal: NODE_NAME/);
  assert.equal((await get('?nodeName=cp-1')).status, 200);
});

test('if only some pods are followed, a node may have none', async (t) => {
  const get = await served(t, recordedSource().source);
  const { status, text } = await get('?nodeName=node-9.example.com');
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(text), { nodeName: 'node-9.example.com', resourceVersion: '', pods: [] });
});

test('hostile queries are refused in JSON and change nothing', async (t) => {
  const { source, index } = recordedSource();
  const get = await served(t, source);
  const searches = [
    '',
    '?',
    '?nodeName=',
    '?nodename=node1',
    '?nodeName=node1&nodeName=node2',
    '?nodeName=Node1',
    '?nodeName=-node1',
    '?nodeName=node1%00',
    '?nodeName=%ff%fe',
    '?nodeName=%',
    '?nodeName=../../etc/passwd',
    '?nodeName=<script>alert(1)</script>',
    '?nodeName=__proto__',
    '?nodeName[]=node1',
    `?nodeName=${'a'.repeat(254)}`,
    `?nodeName=${'a-'.repeat(3000)}`,
    `?${'nodeName=a&'.repeat(500)}`,
  ];
  for (const search of searches) {
    const { status, headers, text } = await get(search);
    assert.equal(status, 400, search);
    assert.equal(headers.get('content-type'), 'application/json');
    assert.doesNotMatch(text, /script|passwd/);
  }
  assert.equal(index.nodes, 1);
  assert.equal((await get('?nodeName=node1')).status, 200);
});

test('until the pods are known, clients are asked to retry', async (t) => {
  const { source, state } = recordedSource();
  const get = await served(t, source);
  state.ready = false;
  const { status, headers } = await get('?nodeName=node1');
  assert.deepEqual([status, headers.get('retry-after')], [503, '5']);
  assert.equal((await get('?nodeName=')).status, 400);
});

test('with a token file only its token is accepted, also after a change', async (t) => {
  const path = join(scratchFolder(t), 'token');
  writeFileSync(path, 'first-token\n');
  const errors: unknown[] = [];
  const guard = { check: secretCheck(new SecretFile(path)), onError: (cause: unknown) => errors.push(cause) };
  const get = await served(t, recordedSource().source, guard);
  const status = async (authorization?: string) =>
    (await get('?nodeName=node1', authorization === undefined ? {} : { authorization })).status;
  assert.equal(await status(), 401);
  assert.equal(await status('Bearer '), 401);
  assert.equal(await status('Bearer wrong'), 401);
  assert.equal(await status('Basic first-token'), 401);
  assert.equal(await status('Bearer first-token'), 200);
  writeFileSync(path, 'second-one');
  assert.equal(await status('Bearer first-token'), 401);
  assert.equal(await status('Bearer second-one'), 200);
  writeFileSync(path, '');
  assert.equal(await status('Bearer second-one'), 503);
  assert.match(String(errors), /is empty/);
});

test('HEAD has the headers of GET and no body', async (t) => {
  const source: PodInfoSource = { ready: () => true, responseFor: () => ({ etag: 'W/"1"', gzip: gzipSync('{}') }) };
  const server = await startHttp('127.0.0.1:0', { [POD_INFO_PATH]: podInfoRoute(source) }, () => undefined);
  t.after(() => server.close());
  const length = await new Promise((resolve, reject) => {
    request(`${server.url}${POD_INFO_PATH}?nodeName=n`, { method: 'HEAD' }, (response) => {
      response.resume();
      resolve(response.headers['content-length']);
    })
      .on('error', reject)
      .end();
  });
  assert.equal(length, '2');
});
