import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import * as z from 'zod';
import { labelsOfTarget } from '../../src/config/identity.ts';
import { overHttp } from '../../src/exporters/delivery/over-http.ts';
import type { RewrittenText } from '../../src/exporters/delivery/protocol.ts';
import { deliverySettings } from '../../src/exporters/delivery/settings.ts';
import { commonSettings, typeSetting } from '../../src/exporters/exporter-type.ts';
import { httpSettings } from '../../src/exporters/http/settings.ts';
import type { Encoding } from '../../src/metrics/compression.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { parseText } from '../../src/metrics/text/parse.ts';
import { addEach, batchOf as batchAtOf, batchWith, contextOf, dropped, exporterTo, SENT } from '../kit/exporter.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';
import { until } from '../kit/until.ts';
import { victoriaMetricsAt } from '../kit/victoria-metrics.ts';

// A receiver with another format of the body, and a setting that it requires: InfluxDB's line protocol, reduced to what
// these tests send.

const STAMP = 1_795_000_000_000;
const CREDENTIALS = 'Token a-token-of-the-receiver';

const settings = z.strictObject({
  type: typeSetting('lines', 'A receiver of another format'),
  ...commonSettings,
  ...httpSettings({ url: 'Base URL.', timeout: '10s' }),
  ...deliverySettings({ retries: '3' }),
  compression: z.enum(['zstd', 'gzip', 'none']).default('gzip'),
  db: z.string().min(1),
});

/** Called with the length of each text before it is rewritten. */
let onRewrite: (bytes: number) => void = () => {};

const { create, check } = overHttp<z.output<typeof settings>>({
  protocol: async ({ db }) => ({
    type: 'lines',
    method: 'POST',
    url: (base) => `${base}/write?${new URLSearchParams({ db, precision: 'ms' })}`,
    contentType: 'text/plain; charset=utf-8',
    rewrite(text, target, stampMs): RewrittenText {
      onRewrite(text.length);
      const shared = Object.entries(labelsOfTarget(target));
      const lines: string[] = [];
      let omitted = 0;
      for (const sample of parseText(text.toString())) {
        if (sample.kind !== 'sample') continue;
        const tags = [...new Map([...sample.labels, ...shared])].map(([name, value]) => `,${name}=${value}`).join('');
        if (!Number.isFinite(sample.value)) omitted++;
        else lines.push(`${sample.name}${tags} value=${sample.value} ${sample.timestampMs ?? stampMs}\n`);
      }
      return { text: Buffer.from(lines.join('')), omitted };
    },
    probe: { method: 'POST', members: [gzipSync('')], accepted: [204] },
    responses: [
      { when: 204, action: 'done', reason: 'ok' },
      { when: 400, text: /line \d/, page: false, action: 'drop', reason: 'rejected' },
      { when: 422, action: 'narrow', reason: 'type_conflict' },
      { when: 413, action: 'split', reason: 'too_large' },
      { when: [500, 599], action: 'retry', reason: 'server_error' },
      ...(await import('../../src/exporters/http/responses.ts')).ADDRESS_RESPONSES,
    ],
    timeoutMs: 10_000,
    retries: 3,
    keepsHistory: true,
  }),
});

/** A receiver that checks each request; `limit.bytes` is the maximum of a body as it arrives. */
async function receiver(context: TestContext) {
  const stored: string[] = [];
  const accepted = { requests: 0, bytes: 0 };
  const limit = { bytes: Number.POSITIVE_INFINITY };
  const codes: number[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const refusal = refusalOf(request);
    if (refusal !== '') return response.writeHead(400).end(refusal);
    const isRejected = textOf(request, body).includes('rejected,');
    const code = codes.shift() ?? (isRejected ? 422 : body.length > limit.bytes ? 413 : 204);
    if (code === 204) {
      accepted.requests++;
      accepted.bytes += body.length;
      stored.push(...textOf(request, body).split('\n').slice(0, -1));
    }
    return response.writeHead(code).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stored, accepted, limit, codes };
}

function refusalOf({ method, url, headers }: IncomingMessage): string {
  if (`${method} ${url}` !== 'POST /write?db=metrics&precision=ms') return `line 0: ${method} ${url}`;
  if (headers['content-type'] !== 'text/plain; charset=utf-8') return `line 0: ${headers['content-type']}`;
  return headers.authorization === CREDENTIALS ? '' : 'line 0: credentials';
}

function textOf({ headers }: IncomingMessage, body: Buffer): string {
  const encoding = headers['content-encoding'];
  if (encoding === 'gzip') return gunzipSync(body).toString();
  return (encoding === 'zstd' ? zstdDecompressSync(body) : body).toString();
}

async function exporterOf(context: TestContext, url: string, more: object = {}, spoolPath?: string) {
  const file = join(scratchFolder(context), 'authorization');
  writeFileSync(file, `${CREDENTIALS}\n`);
  const own = settings.parse({ type: 'lines', url, db: 'metrics', headerFiles: { Authorization: file }, ...more });
  const { around, lines, counted } = contextOf(spoolPath === undefined ? {} : { spoolPath });
  const exporter = await create('it', own, around);
  context.after(() => exporter.close(1000));
  const holds = (condition: () => boolean | Promise<boolean>) => until(condition, () => lines.join(''));
  return { exporter, lines, counted, holds, own, target: around.targets.node };
}

const batchOf = (values: readonly number[], encoding?: Encoding) => batchAtOf(STAMP, values, encoding);

const line = (device: number, value: number) =>
  `of,device=d${device},job=node-exporter,instance=n1 value=${value} ${STAMP}`;
const ones = (count: number) => Array.from({ length: count }, () => 1);

for (const compression of ['zstd', 'gzip', 'none']) {
  test(`batches in each encoding are rewritten, compression ${compression}`, async (context) => {
    const { url, stored, accepted, codes } = await receiver(context);
    const { exporter, counted, holds } = await exporterOf(context, url, { compression });
    codes.push(503);
    for (const [index, encoding] of (['gzip-stamped', 'gzip', 'zstd'] as const).entries()) {
      exporter.deliver(await batchOf([1, 2], encoding));
      await holds(async () => (await counted(SENT)) === 2 * (index + 1));
    }
    assert.deepEqual(
      stored,
      [1, 2, 3].flatMap(() => [line(0, 1), line(1, 2)]),
    );
    assert.equal(await counted('firesteel_export_body_bytes_total{exporter="it",form="wire"}'), accepted.bytes);
    const textBytes = stored.reduce((sum, { length }) => sum + length + 1, 0);
    assert.equal(await counted('firesteel_export_body_bytes_total{exporter="it",form="text"}'), textBytes);
  });
}

test('what the format cannot express is counted apart, and a batch of nothing else is settled without a request', async (context) => {
  const { url, stored, accepted } = await receiver(context);
  const { exporter, counted, holds } = await exporterOf(context, url);
  exporter.deliver(await batchOf([Number.NaN, 2, Number.POSITIVE_INFINITY]));
  await holds(async () => (await counted(SENT)) === 1);
  assert.equal(await counted(dropped('unsupported')), 2);
  let settled = 0;
  exporter.deliver({ ...(await batchOf([Number.NaN])), onSettled: () => settled++ });
  await holds(() => settled === 1);
  assert.equal(await counted(dropped('unsupported')), 3);
  assert.deepEqual([stored, accepted.requests, await counted(SENT)], [[line(1, 2)], 1, 1]);
  assert.deepEqual([exporter.status().state, exporter.status().pushes?.accepted], ['ok', 1]);
});

test('a family that the receiver rejects is found and omitted, and the rest is sent rewritten', async (context) => {
  const { url, stored } = await receiver(context);
  const { exporter, counted, holds } = await exporterOf(context, url);
  const out = new Snapshot();
  addEach(out, 'of', [1, Number.NaN]);
  addEach(out, 'rejected', [1, 2, Number.NaN]);
  for (let round = 1; round <= 2; round++) {
    exporter.deliver(await batchWith(out, STAMP, 'zstd'));
    await holds(async () => (await counted(SENT)) === round);
    // Bisection has sent the rest as a part before, and the second batch is sent without the family at once.
    assert.deepEqual(new Set(stored), new Set([line(0, 1)]));
    assert.equal(await counted(dropped('family_refused')), 3 * round);
    assert.equal(await counted(dropped('unsupported')), round);
    assert.equal(await counted('firesteel_export_requests_total{code="422",exporter="it"}'), 2);
  }
  assert.equal(await counted('firesteel_export_left_out_samples{exporter="it",family="rejected",group="node"}'), 3);
});

test('the limit of a receiver is that of the rewritten body', async (context) => {
  const { url, stored, accepted, limit } = await receiver(context);
  const { exporter, counted, holds } = await exporterOf(context, url, { compression: 'none' });
  const requests = async () => (await counted('firesteel_export_requests_total{code="413",exporter="it"}')) ?? 0;
  limit.bytes = 20_000;
  exporter.deliver(await batchOf(ones(2000)));
  await holds(async () => (await counted(SENT)) === 2000);
  assert.equal(new Set(stored).size, 2000);
  const refused = await requests();
  assert.ok(refused > 0);
  exporter.deliver(await batchOf(ones(2000)));
  await holds(async () => (await counted(SENT)) === 4000);
  assert.equal(await requests(), refused, 'the limit is known by now');
  // More text than what was refused, but little remains of each part of it.
  const before = accepted.requests;
  exporter.deliver(await batchOf(ones(5000).map((one, index) => (index % 100 === 0 ? one : Number.NaN))));
  await holds(async () => (await counted(SENT)) === 4050);
  assert.equal(accepted.requests, before + 1);
});

test('a large batch is rewritten in pieces', async (context) => {
  const { url, stored } = await receiver(context);
  const { exporter, holds } = await exporterOf(context, url);
  const pieces: number[] = [];
  onRewrite = (bytes) => pieces.push(bytes);
  context.after(() => (onRewrite = () => {}));
  exporter.deliver(await batchOf(ones(40_000)));
  await holds(() => exporter.status().sentSamples === 40_000);
  assert.equal(new Set(stored).size, 40_000);
  assert.ok(pieces.length > 4 && Math.max(...pieces) < 160 * 1024, pieces.join(' '));
});

test('a spool keeps the text, and an exporter of another type sends it; also what is being rewritten when the agent ends', async (context) => {
  const spoolPath = scratchFolder(context);
  const { exporter, counted } = await exporterOf(context, 'http://127.0.0.1:1', {}, spoolPath);
  exporter.start();
  // The spool drops what is older than hours.
  const stampMs = Date.now() - 1000;
  const rewriting = Promise.withResolvers<void>();
  onRewrite = () => {
    // The deadline of close() is over before the next piece.
    rewriting.resolve(exporter.close(0));
    onRewrite = () => {};
  };
  exporter.deliver({ ...(await batchOf(ones(40_000))), stampMs });
  await rewriting.promise;
  assert.equal(await counted(dropped('unreadable')), undefined);
  const texts: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    texts.push(gunzipSync(body).toString());
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const next = await exporterTo(url, { compression: 'gzip' }, 'vmagent', { spoolPath });
  context.after(() => next.exporter.close(1000));
  next.exporter.start();
  next.exporter.deliver({ ...(await batchOf([1], 'gzip')), stampMs: stampMs + 1 });
  await until(
    async () => (await next.counted(SENT)) === 40_001,
    () => next.lines.join(''),
  );
  assert.match(texts.join(''), /^of\{device="d39999"\} 1(?: \S+)?$/m);
});

test('check-config --connect uses the settings of the type', async (context) => {
  const { url } = await receiver(context);
  const { own, target } = await exporterOf(context, url);
  const world = { env: {}, now: Date.now, signal: AbortSignal.timeout(60_000) };
  const [right] = await check(own, target, world);
  const [wrong] = await check({ ...own, db: 'other' }, target, world);
  assert.deepEqual([right?.acceptsPushes, wrong?.acceptsPushes], [true, false], JSON.stringify([right, wrong]));
});

test('VictoriaMetrics stores what was rewritten', async (context) => {
  if (!serverAvailable(context, 'victoria-metrics')) return;
  const args = (port: number) => [
    `-httpListenAddr=127.0.0.1:${port}`,
    `-storageDataPath=${scratchFolder(context)}`,
    '-influxSkipSingleField',
    '-search.latencyOffset=0s',
  ];
  const victoria = victoriaMetricsAt(await startServer(context, 'victoria-metrics', args, '/health'));
  const { exporter, holds } = await exporterOf(context, victoria.url);
  const now = Date.now();
  exporter.deliver({ ...(await batchOf([Number.NaN, 7])), stampMs: now });
  await holds(() => exporter.status().sentSamples === 1);
  await victoria.visible('of', now);
  const [series, other] = await victoria.export('of');
  assert.ok(series);
  assert.deepEqual([series.timestamps, series.values, other], [[now], [7], undefined]);
  assert.equal(series.metric.device, 'd1');
  assert.equal(series.metric.job, 'node-exporter');
});
