import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { overHttp } from '../../src/exporters/delivery/over-http.ts';
import { deliverySettings } from '../../src/exporters/delivery/settings.ts';
import { commonSettings, typeSetting } from '../../src/exporters/exporter-type.ts';
import { httpSettings } from '../../src/exporters/http/settings.ts';
import { batchAt, contextOf, SENT, until } from '../kit/exporter.ts';

// The protocol that CONTRIBUTING.md defines inline, with a receiver that checks its rules.

const settings = z.strictObject({
  type: typeSetting('in-place', 'A receiver of text'),
  ...commonSettings,
  ...httpSettings({ url: 'Base URL.', timeout: '10s' }),
  ...deliverySettings({ retries: '3', cycles: 'Cycles queued in memory.' }),
  compression: z.literal('gzip').default('gzip'),
});

const { create } = overHttp<z.output<typeof settings>>({
  protocol: async () => ({
    type: 'in-place',
    method: 'POST',
    url: (base, { job = '' }) => `${base}/text?job=${encodeURIComponent(job)}`,
    probe: { method: 'GET', members: [], accepted: [405] },
    answers: [
      { when: 204, action: 'done', reason: 'ok' },
      { when: 413, action: 'split', reason: 'too_large' },
      { when: [500, 599], action: 'retry', reason: 'server_error' },
      ...(await import('../../src/exporters/http/answers.ts')).ADDRESS_ANSWERS,
    ],
    timeoutMs: 10_000,
    retries: 3,
    keepsHistory: true,
  }),
});

test('a protocol defined inline delivers after a failure', async (context) => {
  const codes = [503, 204];
  const requests: { url: string; text: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    requests.push({ url: `${request.method} ${request.url}`, text: gunzipSync(Buffer.concat(chunks)).toString() });
    response.writeHead(codes.shift() ?? 204).end();
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
  assert.deepEqual(new Set(requests.map(({ url }) => url)), new Set(['POST /text?job=node-exporter']));
  assert.match(requests.at(-1)?.text ?? '', /^stamp(?:\{\})? 1795000000000$/m);
});
