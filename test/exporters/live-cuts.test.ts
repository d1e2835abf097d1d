import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { NEVER_STORED_MS } from '../../src/exporters/http/zstd-support.ts';
import { compressEach, compressionOf, type Encoding } from '../../src/metrics/compression.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../kit/victoria-metrics.ts';

const VALUES = [123_456_789, 987.6543217];
const WAYS = ['fin', 'rst', 'half-close', 'unterminated chunk', 'short length'] as const;
type Way = (typeof WAYS)[number];

test('uploads truncated at any byte leave no half number in VictoriaMetrics', { timeout: 180_000 }, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const server = await startVictoriaMetrics(t, scratchFolder(t));
  assert.deepEqual(await wrongOf(t, server, server.url, 'gzip-stamped'), []);
});

test('nor with a vmagent in between', { timeout: 180_000 }, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics') || !serverAvailable(t, 'vmagent')) return;
  const folder = scratchFolder(t);
  const server = await startVictoriaMetrics(t, folder);
  const args = (port: number) => [
    `-httpListenAddr=127.0.0.1:${port}`,
    `-remoteWrite.url=${server.url}/api/v1/write`,
    `-remoteWrite.tmpDataPath=${folder}/vmagent`,
    '-remoteWrite.flushInterval=200ms',
  ];
  const agent = await startServer(t, 'vmagent', args, '/health');
  assert.deepEqual(await wrongOf(t, server, agent, 'gzip-stamped'), []);
});

test('the danger is real: gzip without timestamps leaves half numbers', { timeout: 180_000 }, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const server = await startVictoriaMetrics(t, scratchFolder(t));
  assert.notDeepEqual(await wrongOf(t, server, server.url, 'gzip'), []);
});

/** Truncates an upload to `url` at each of its bytes, in several ways; returns samples of `server` that were never sent. */
async function wrongOf(t: TestContext, server: VictoriaMetrics, url: string, encoding: Encoding): Promise<string[]> {
  const stampMs = Date.now();
  const jobs: (() => Promise<void>)[] = [];
  const { length } = await uploadOf('way', encoding, stampMs);
  for (const way of WAYS) {
    for (let cut = 1; cut < length; cut++) {
      jobs.push(async () => {
        const body = await uploadOf(`${way} ${cut}`, encoding, stampMs);
        const stamp = encoding === 'gzip-stamped' ? NEVER_STORED_MS : stampMs;
        await upload(new URL(`${url}/api/v1/import/prometheus?timestamp=${stamp}`), body, cut, way, encoding);
      });
    }
  }
  const cuts = jobs.length;
  const worker = async () => {
    for (let job = jobs.pop(); job; job = jobs.pop()) await job();
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  // Later than all of them, through the same path.
  const last = await uploadOf('last', encoding, stampMs);
  const path = `/api/v1/import/prometheus?timestamp=${encoding === 'gzip-stamped' ? NEVER_STORED_MS : stampMs}`;
  const headers = { 'content-encoding': compressionOf(encoding) };
  assert.equal((await fetch(url + path, { method: 'POST', headers, body: new Uint8Array(last) })).status, 204);
  await server.visible('{upload="last"}', stampMs, 6);
  const wrong: string[] = [];
  let samples = 0;
  for (const { metric, values, timestamps } of await server.export('{upload!=""}')) {
    for (const [index, value] of values.entries()) {
      samples++;
      const right = VALUES.includes(value) && timestamps[index] === stampMs && metric.__name__ === 'cut';
      if (!right) wrong.push(`${JSON.stringify(metric)} ${value} ${timestamps[index]}`);
    }
  }
  assert.ok(samples > 12, 'complete lines are stored');
  t.diagnostic(`${encoding}: ${cuts} truncations, ${samples} samples stored, ${wrong.length} of them wrong`);
  return wrong;
}

async function uploadOf(name: string, encoding: Encoding, stampMs: number): Promise<Buffer> {
  const line = (index: number) => `cut{upload="${name}",index="${index}"} ${VALUES[index % 2]}\n`;
  const chunks = [0, 3].map((first) => Buffer.from(line(first) + line(first + 1) + line(first + 2)));
  return Buffer.concat((await compressEach(chunks, [encoding], stampMs)).get(encoding)?.members ?? []);
}

/** Sends the first `cut` bytes of a body, in two writes, and ends the connection. */
function upload(url: URL, body: Buffer, cut: number, way: Way, encoding: Encoding): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(url.port), url.hostname);
    const timer = setTimeout(() => socket.destroy(), 5000);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on('data', () => socket.end());
    const isChunked = way === 'unterminated chunk';
    const length = way === 'short length' ? cut : body.length;
    const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
    socket.write(
      `POST ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Encoding: ${compressionOf(encoding)}\r\n${framing}\r\n\r\n`,
    );
    if (isChunked) socket.write(`${cut.toString(16)}\r\n`);
    const middle = Math.floor(cut * 0.7);
    socket.write(body.subarray(0, middle));
    setImmediate(() => {
      socket.write(body.subarray(middle, cut), () => {
        if (way === 'half-close' || isChunked) socket.end();
        else if (way === 'rst') socket.resetAndDestroy();
        else if (way === 'fin') socket.destroy();
      });
    });
  });
}
