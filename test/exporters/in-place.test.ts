import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { labelsOfTarget } from '../../src/config/identity.ts';
import { overHttp } from '../../src/exporters/delivery/over-http.ts';
import { deliverySettings } from '../../src/exporters/delivery/settings.ts';
import { commonSettings, typeSetting } from '../../src/exporters/exporter-type.ts';
import { httpSettings } from '../../src/exporters/http/settings.ts';
import { batchAt, checkOf, contextOf, SENT } from '../kit/exporter.ts';
import { until } from '../kit/until.ts';

// A protocol of text as in CONTRIBUTING.md, with a receiver that checks its rules.

const settings = z.strictObject({
  type: typeSetting('in-place', 'A receiver of text'),
  ...commonSettings,
  ...httpSettings({ url: 'Base URL.', timeout: '10s' }),
  ...deliverySettings({ retries: '3' }),
  compression: z.literal('gzip').default('gzip'),
});

const traits = () => ({ acceptsZstd: false, endsSeries: false, limitsLabels: false });

const { create, check } = overHttp<z.output<typeof settings>>({
  protocol: async () => ({
    type: 'in-place',
    method: 'POST',
    url: (base, target, stampMs) =>
      `${base}/text?${new URLSearchParams({ ...labelsOfTarget(target), time: String(stampMs) })}`,
    probe: { method: 'POST', members: [], accepted: [400], text: /^no lines/ },
    responses: [
      { when: 204, action: 'done', reason: 'ok' },
      { when: 400, text: /line \d/, page: false, action: 'drop', reason: 'rejected' },
      { when: 413, action: 'split', reason: 'too_large' },
      { when: 429, action: 'retry', reason: 'busy' },
      { when: [500, 599], action: 'retry', reason: 'server_error' },
      ...(await import('../../src/exporters/http/responses.ts')).ADDRESS_RESPONSES,
    ],
    timeoutMs: 10_000,
    retries: 3,
    keepsHistory: true,
  }),
});

test('a protocol defined inline delivers after failures, with the labels and the time of the batch', async (context) => {
  const codes = [503, 429];
  const requests: { url: string; text: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    requests.push({ url: `${request.method} ${request.url}`, text: gunzipSync(Buffer.concat(chunks)).toString() });
    const { searchParams } = new URL(request.url ?? '', 'http://receiver');
    if (!searchParams.get('job') || !(Number(searchParams.get('time')) > 0))
      response.writeHead(400).end('line 1: no time');
    else response.writeHead(codes.shift() ?? 204).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close().closeAllConnections());

  const { port } = server.address() as AddressInfo;
  const { around, lines, counted } = contextOf();
  const exporter = await create('it', settings.parse({ type: 'in-place', url: `http://127.0.0.1:${port}` }), around);
  context.after(() => exporter.close(1000));
  exporter.deliver(await batchAt(1_795_000_000_000));
  await until(
    async () => (await counted(SENT)) === 1,
    () => lines.join(''),
  );
  const [{ url = '' } = {}] = requests;
  assert.deepEqual(new Set(requests.map((request) => request.url)), new Set([url]));
  assert.match(url, /^POST \/text\?job=node-exporter&instance=.+&time=1795000000000$/);
  assert.match(requests.at(-1)?.text ?? '', /^stamp(?:\{\})? 1795000000000$/m);
});

test('a code that other servers also return is only that of the receiver with its message', async (context) => {
  const server = createServer((request, response) => {
    response.writeHead(400).end(request.url?.startsWith('/ours/') ? 'no lines' : 'unsupported request');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const type = { name: 'in-place', settings, traits, create, check };
  const [ours] = await checkOf(`http://127.0.0.1:${port}/ours`, {}, type);
  const [other] = await checkOf(`http://127.0.0.1:${port}/other`, {}, type);
  assert.deepEqual([ours?.acceptsPushes, other?.acceptsPushes], [true, false], JSON.stringify([ours, other]));
  assert.match(other?.text ?? '', /400: unsupported request/);
});
