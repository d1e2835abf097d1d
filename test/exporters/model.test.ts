import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { batchOf, batchOfLines, checkOf, dropped, exporterTo, retried, SENT } from '../kit/exporter.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { until } from '../kit/until.ts';
import { modelExporter } from './model.ts';

const STAMP = 1_795_000_000_000;
const KEY = 'a-key-of-the-receiver';

type Response = readonly [code: number, text?: string, headers?: OutgoingHttpHeaders];

/** A receiver that checks the documented rules. It responds with `responses` first, if any; with nothing to `silence`. */
async function receiver(context: TestContext, responses: (Response | 'silence')[] = []) {
  const stored: object[] = [];
  const requestsAt: number[] = [];
  const server = createServer(async (request, response) => {
    requestsAt.push(performance.now());
    const body = await buffer(request);
    const respond = (...[code, text, headers]: Response) => response.writeHead(code, headers).end(text);
    if (request.headers['x-api-key'] !== KEY) return respond(403, 'wrong key');
    if (request.url !== '/api/series') return respond(404);
    if (request.method !== 'POST') return respond(405);
    if (request.headers['content-type'] !== 'application/json') return respond(415);
    const next = responses.shift();
    if (next === 'silence') return;
    if (next) return respond(...next);
    const encoding = request.headers['content-encoding'];
    const text = encoding === 'gzip' ? gunzipSync(body) : encoding === 'zstd' ? zstdDecompressSync(body) : body;
    stored.push(...JSON.parse(text.toString()).series);
    return respond(202);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stored, requestsAt };
}

async function sender(context: TestContext, url: string, settings: object = {}) {
  const file = join(scratchFolder(context), 'key');
  writeFileSync(file, KEY);
  const own = { headerFiles: { 'X-API-Key': file }, ...settings };
  const tried = await exporterTo(url, own, modelExporter);
  context.after(() => tried.exporter.close(1000));
  return { ...tried, holds: (condition: () => Promise<boolean>) => until(condition, () => tried.lines.join('')) };
}

const series = (index: number, value: number) => ({
  name: 'of',
  labels: { device: `d${index}`, job: 'node-exporter', instance: 'n1' },
  value,
  timestampMs: STAMP,
});

for (const compression of ['zstd', 'gzip', 'none']) {
  test(`a batch with what the format cannot express is stored after failures, compression ${compression}`, async (context) => {
    const { url, stored } = await receiver(context, [[503], [429]]);
    const { exporter, counted, holds } = await sender(context, url, { compression });
    exporter.deliver(await batchOf(STAMP, [1, Number.NaN, 3]));
    await holds(async () => (await counted(SENT)) === 2);
    assert.equal(await counted(dropped('unsupported')), 1);
    assert.deepEqual(stored, [series(0, 1), series(2, 3)]);
  });
}

test('a line keeps its timestamp, labels of the target replace its own, and empty ones are omitted', async (context) => {
  const { url, stored } = await receiver(context);
  const { exporter, counted, holds } = await sender(context, url);
  const target = { job: 'j', instance: undefined, labels: { cluster: 'c', zone: '' } };
  const lines = ['# TYPE of gauge', 'of{job="own",zone="z",device=""} 1 1700000000000', 'of{instance="i"} 2'];
  exporter.deliver({ ...(await batchOfLines(STAMP, lines)), target });
  await holds(async () => (await counted(SENT)) === 2);
  assert.deepEqual(stored, [
    { name: 'of', labels: { job: 'j', cluster: 'c' }, value: 1, timestampMs: 1_700_000_000_000 },
    { name: 'of', labels: { instance: 'i', job: 'j', cluster: 'c' }, value: 2, timestampMs: STAMP },
  ]);
});

test('the parts of a batch form one document, also if nothing is left of some', async (context) => {
  const { url, stored } = await receiver(context);
  const { exporter, counted, holds } = await sender(context, url);
  const parts = await Promise.all([[1, 2], [Number.NaN], [3], []].map((values) => batchOf(STAMP, values)));
  exporter.deliver({ ...(await batchOf(STAMP, [])), samples: 4, members: parts.flatMap(({ members }) => members) });
  await holds(async () => (await counted(SENT)) === 3);
  assert.deepEqual(stored, [series(0, 1), series(1, 2), series(0, 3)]);
});

test('a batch that is too large is sent in parts', async (context) => {
  const { url, stored } = await receiver(context, [[413]]);
  const { exporter, counted, holds } = await sender(context, url);
  exporter.deliver(await batchOf(STAMP, [1, 2]));
  await holds(async () => (await counted(SENT)) === 2);
  assert.deepEqual(new Set(stored), new Set([series(0, 1), series(1, 2)]));
});

test('after a 429, a batch is sent again after Retry-After, and without a response after a timeout', async (context) => {
  const { url, stored, requestsAt } = await receiver(context, [[429, 'slow down', { 'retry-after': '1' }], 'silence']);
  const { exporter, counted, holds } = await sender(context, url, { timeout: '1s' });
  exporter.deliver(await batchOf(STAMP, [1]));
  await holds(async () => (await counted(SENT)) === 1);
  // Without the header, the first wait is half a second.
  const [first = 0, second = 0] = requestsAt;
  assert.ok(second - first > 900, `${second - first} ms`);
  for (const reason of ['busy', 'timeout']) assert.ok(await counted(retried(reason)), reason);
  assert.deepEqual(stored[0], series(0, 1));
});

test('a batch is dropped only if the receiver rejects its content', async (context) => {
  const { url, stored } = await receiver(context, [[400, 'invalid series: of'], [400]]);
  const { exporter, lines, counted, holds } = await sender(context, url);
  exporter.deliver(await batchOf(STAMP, [1]));
  await holds(async () => (await counted(dropped('rejected'))) === 1);
  exporter.deliver(await batchOf(STAMP, [2]));
  await holds(async () => lines.some((line) => line.includes('push failed: refused')));
  assert.deepEqual([stored, exporter.status().state], [[], 'paused']);
});

test('check-config --connect recognizes the receiver, and names wrong credentials', async (context) => {
  const { url } = await receiver(context);
  const headers = { 'X-API-Key': KEY };
  const [right] = await checkOf(url, { headers }, modelExporter);
  const [wrong] = await checkOf(url, { headers: { 'X-API-Key': 'another' } }, modelExporter);
  assert.deepEqual([right?.acceptsPushes, wrong?.acceptsPushes], [true, false], JSON.stringify([right, wrong]));
  assert.match(wrong?.text ?? '', /403: wrong key; check the credentials: headers\.X-API-Key/);
});

test('a URL with the path of the API is refused with advice', () => {
  for (const path of ['/api/series', '/proxy/api/series/']) {
    const { error } = modelExporter.settings.safeParse({ type: 'model', url: `http://receiver${path}` });
    assert.match(error?.issues[0]?.message ?? '', /does not accept pushes of type model; omit \/api\/series/, path);
  }
});
