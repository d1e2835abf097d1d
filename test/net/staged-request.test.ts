import assert from 'node:assert/strict';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { type TestContext, test } from 'node:test';
import { errorCode } from '../../src/base/error-text.ts';
import { openResponse, readWhole } from '../../src/kube/http-exchange.ts';
import { exchange } from '../../src/net/exchange.ts';
import { Names } from '../../src/net/names.ts';
import { StagedRequest, StageTimeout } from '../../src/net/staged-request.ts';
import { tunnelAgent } from '../../src/net/tunnel.ts';
import { hungReceiver } from '../kit/hung-receiver.ts';
import { rawServer } from '../kit/raw-server.ts';

const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345';

function agentPair(t: TestContext, maxSockets?: number) {
  const agents = {
    http: new HttpAgent({ keepAlive: true, ...(maxSockets && { maxSockets }) }),
    https: new HttpsAgent(),
  };
  t.after(() => agents.http.destroy());
  return agents;
}

interface Limits {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly maxResponseBytes?: number;
}

/** A GET whose whole response is read. */
const get = (
  url: string,
  agents: ReturnType<typeof agentPair>,
  { signal = new AbortController().signal, timeoutMs = 10_000, maxResponseBytes }: Limits,
) => exchange({ ...{ method: 'GET', url, headers: {}, pieces: [], agents, timeoutMs, maxResponseBytes, signal } });

test('a body that stalls is a timeout, or the reason of the signal, and no closed connection', async (t) => {
  const url = await rawServer(t, (socket) => socket.write(HALF));
  const agents = agentPair(t);
  await assert.rejects(get(url, agents, { timeoutMs: 200 }), (error) => {
    assert.ok(error instanceof StageTimeout, String(error));
    return error.stage === 'response';
  });
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('stopping')), 100);
  await assert.rejects(get(url, agents, { signal: stop.signal }), { message: 'stopping' });
  const kube = new AbortController();
  const response = await openResponse({
    ...{ method: 'GET', url: new URL(url), headers: {}, body: undefined, agents, headersMs: 5000, signal: kube.signal },
  });
  kube.abort(new Error('stopping too'));
  await assert.rejects(readWhole(response, 1000, 5000), { message: 'stopping too' });
});

test('a truncated body is not mistaken for a connection that was closed before the response', async (t) => {
  const agents = agentPair(t);
  const ended = await rawServer(t, (socket) => socket.end(HALF));
  const isTruncation = (error: Error) =>
    errorCode(error) === undefined && error.message === 'the connection was closed before the end of the response';
  await assert.rejects(get(ended, agents, {}), isTruncation);
  const broken = await rawServer(t, (socket) => socket.write(HALF, () => socket.resetAndDestroy()));
  await assert.rejects(get(broken, agents, {}), isTruncation);
});

test('a request that waits for a connection is aborted at once', async (t) => {
  const agents = agentPair(t, 1);
  const url = await hungReceiver(t);
  const first = get(url, agents, { timeoutMs: 3000 });
  const began = performance.now();
  await assert.rejects(get(url, agents, { signal: AbortSignal.timeout(100) }), { name: 'TimeoutError' });
  assert.ok(performance.now() - began < 2000, 'it waited for the first one');
  await assert.rejects(first, StageTimeout);
});

test('a server that does not answer TLS in the tunnel of a proxy is a connection that takes too long', async (t) => {
  const proxy = await rawServer(t, (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
  const names = new Names();
  t.after(() => names.close());
  const https = tunnelAgent({ url: new URL(proxy), shown: proxy, variable: 'HTTPS_PROXY' }, names.lookup, {});
  const { request, response } = new StagedRequest({
    ...{ url: 'https://receiver.example/', method: 'GET', headers: {}, agents: { ...agentPair(t), https } },
    timeouts: { connect: 200, send: 2000, response: 2000 },
    signal: new AbortController().signal,
  });
  request.end();
  await assert.rejects(response, { name: 'StageTimeout', stage: 'connect' });
});

test('a refusal with a body beyond the limit is truncated; a success is an error', async (t) => {
  const body = (status: string) => `HTTP/1.1 ${status}\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(5000)}`;
  const agents = agentPair(t);
  const refusal = await rawServer(t, (socket) => socket.write(body('503 Unavailable')));
  const { code, body: shown } = await get(refusal, agents, { maxResponseBytes: 1000 });
  assert.deepEqual([code, shown.length], [503, 1000]);
  const success = await rawServer(t, (socket) => socket.write(body('200 OK')));
  await assert.rejects(get(success, agents, { maxResponseBytes: 1000 }), /larger than 1000 bytes/);
});
