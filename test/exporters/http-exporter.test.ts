import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { batchAt, dropped, exporterTo, SENT } from '../kit/exporter.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { until } from '../kit/until.ts';

type Handler = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;

/** An HTTP server that responds with `handle` once a request's body is complete. */
async function receiver(t: TestContext, handle: Handler): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => handle(request, Buffer.concat(parts), response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

test('a batch is sent unchanged, with its timestamp and length, over one keep-alive connection', async (t) => {
  const seen: string[] = [];
  const sockets = new Set<unknown>();
  const two = Promise.withResolvers<void>();
  const { url } = await receiver(t, (request, body, response) => {
    sockets.add(request.socket);
    seen.push(`${request.method} ${request.url} ${request.headers['content-length'] === String(body.length)}`);
    seen.push(gunzipSync(body).toString().trim().split('\n').at(-1) ?? '');
    response.writeHead(204).end(() => seen.length === 4 && two.resolve());
  });
  const { exporter, counted } = await exporterTo(url);
  exporter.deliver(await batchAt(1000));
  await until(async () => (await counted(SENT)) === 1);
  exporter.deliver(await batchAt(2000));
  await two.promise;
  const path = '/api/v1/import/prometheus/metrics/job/node-exporter/instance/n1?timestamp=';
  assert.deepEqual(seen, [`POST ${path}1000 true`, 'stamp 1000', `POST ${path}2000 true`, 'stamp 2000']);
  assert.equal(sockets.size, 1);
  await exporter.close(1000);
  assert.equal(await counted(SENT), 2);
});

test('a temporary failure is retried with the same timestamp', async (t) => {
  const stamps: (string | null)[] = [];
  const done = Promise.withResolvers<void>();
  const { url } = await receiver(t, (request, _body, response) => {
    stamps.push(new URL(request.url ?? '', url).searchParams.get('timestamp'));
    response
      .writeHead(stamps.length === 1 ? 503 : 204)
      .end('disk is read-only', () => stamps.length === 2 && done.resolve());
  });
  const { exporter, lines, counted } = await exporterTo(url);
  exporter.deliver(await batchAt(1000));
  await done.promise;
  await exporter.close(1000);
  assert.deepEqual(stamps, ['1000', '1000']);
  assert.equal(await counted('firesteel_export_retries_total{exporter="it",reason="server_error"}'), 1);
  assert.equal(await counted('firesteel_export_requests_total{code="503",exporter="it"}'), 1);
  const complaint = JSON.parse(lines[0] ?? '{}') as Record<string, unknown>;
  assert.deepEqual([complaint.response, complaint.next], ['disk is read-only', 'retrying in 0.5 s']);
  assert.match(lines[1] ?? '', /delivery recovered/);
});

test('a wrong address is logged once for all groups, and so is its recovery', async (t) => {
  let isWrong: boolean = true;
  const groups = ['node', 'container', 'process'] as const;
  const refused = new Set<string>();
  const { url } = await receiver(t, (request, _body, response) => {
    if (isWrong) refused.add(/job\/([^/]+)/.exec(request.url ?? '')?.[1] ?? '');
    response.writeHead(isWrong ? 503 : 204).end(isWrong ? 'busy' : '');
  });
  const { exporter, lines } = await exporterTo(url);
  for (const group of groups) exporter.deliver({ ...(await batchAt(1000)), group });
  await until(() => refused.size === groups.length);
  isWrong = false;
  await until(() => exporter.status().sentSamples === groups.length);
  await exporter.close(1000);
  const logged = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  assert.deepEqual(logged, ['push failed: server_error', 'delivery recovered']);
});

test("a batch whose families are all rejected is dropped with the receiver's message", async (t) => {
  let requests = 0;
  const { url } = await receiver(t, (_request, _body, response) => {
    requests++;
    response.writeHead(400).end('collected metric "x" is not a GAUGE');
  });
  const { exporter, lines, counted } = await exporterTo(url, {}, 'pushgateway');
  exporter.deliver(await batchAt(1000));
  await exporter.close(2000);
  assert.equal(requests, 2, 'the batch, and its only family on its own');
  assert.equal(await counted(dropped('type_conflict')), 1);
  assert.match(lines[0] ?? '', /collected metric \\"x\\" is not a GAUGE/);
  assert.equal(exporter.status().state, 'retrying');
});

test('a gateway that breaks every connection is down: no family is blamed', async (t) => {
  let requests = 0;
  const { url } = await receiver(t, (request) => {
    requests++;
    request.socket.destroy();
  });
  const { exporter, counted } = await exporterTo(url, {}, 'pushgateway');
  exporter.deliver(await batchAt(1000));
  await until(() => requests >= 2);
  await exporter.close(2000);
  assert.equal(exporter.status().leftOut, undefined);
  assert.equal(await counted('firesteel_export_breaker_open{exporter="it"}'), 1);
});

test('a Pushgateway without gzip support is reported, and gets plain text if configured', async (t) => {
  const { url } = await receiver(t, (request, body, response) => {
    const isPlain = request.headers['content-encoding'] === undefined && body[0] !== 0x1f;
    if (isPlain && body.toString().endsWith('stamp 2000\n')) response.writeHead(200).end();
    else response.writeHead(400).end('text format parsing error in line 1: invalid metric name\n');
  });
  const packed = await exporterTo(url, {}, 'pushgateway');
  packed.exporter.deliver(await batchAt(1000));
  await until(() => packed.lines.length > 0);
  assert.match(packed.lines[0] ?? '', /set compression of the exporter to none/);
  assert.equal(packed.exporter.status().state, 'paused');
  await packed.exporter.close(100);
  const plain = await exporterTo(url, { compression: 'none' }, 'pushgateway');
  plain.exporter.deliver(await batchAt(2000));
  await until(async () => (await plain.counted(SENT)) === 1);
  await plain.exporter.close(1000);
});

for (const [what, refuse] of [
  ['is answered 500', (response: ServerResponse) => response.writeHead(500).end('boom')],
  ['is answered 503', (response: ServerResponse) => response.writeHead(503).end('busy')],
  ['breaks the connection', (response: ServerResponse) => response.socket?.destroy()],
] as const) {
  test(`a group that ${what} each time does not hold up the others`, async (t) => {
    const taken = new Map<string, number>();
    const { url } = await receiver(t, (request, _body, response) => {
      const job = /\/job\/([^/]+)/.exec(request.url ?? '')?.[1] ?? '';
      if (job === 'node-exporter') return refuse(response);
      taken.set(job, (taken.get(job) ?? 0) + 1);
      response.writeHead(204).end();
    });
    const { exporter } = await exporterTo(url, { compression: 'gzip' });
    const deliver = async (stampMs: number) => {
      for (const group of ['node', 'process', 'agent'] as const) {
        exporter.deliver({ ...(await batchAt(stampMs)), group });
      }
    };
    await deliver(1000);
    await until(() => ['process-exporter', 'firesteel'].every((job) => taken.get(job) === 1));
    for (let cycle = 2; cycle < 6; cycle++) {
      // The first of consecutive failures blocks the address for half a second at most; later ones only their own group.
      await deliver(cycle * 1000);
      await until(() => ['process-exporter', 'firesteel'].every((job) => taken.get(job) === cycle));
    }
    assert.equal(exporter.status().state, 'retrying', 'the group that fails is still retried');
    await exporter.close(100);
  });
}

test('credentials come from files and reach neither log nor errors', async (t) => {
  const folder = scratchFolder(t);
  for (const [name, text] of Object.entries({ user: 'admin', password: 's3cret', header: 'h1dden' })) {
    writeFileSync(join(folder, name), `${text}\n`);
  }
  const seen: unknown[] = [];
  const { url, server } = await receiver(t, ({ headers }, _body, response) => {
    seen.push(headers.authorization, headers['x-proxy-token']);
    response.writeHead(401).end('no');
  });
  const auth = { usernameFile: join(folder, 'user'), passwordFile: join(folder, 'password') };
  const headerFiles = { 'X-Proxy-Token': join(folder, 'header') };
  const { exporter, lines } = await exporterTo(url, { auth, headerFiles });
  exporter.deliver(await batchAt(1000));
  await until(() => lines.length > 0);
  await exporter.close(1000);
  server.closeAllConnections();
  assert.deepEqual(seen.slice(0, 2), [`Basic ${Buffer.from('admin:s3cret').toString('base64')}`, 'h1dden']);
  assert.match(lines.join(''), /"reason|push failed: auth/);
  for (const secret of ['s3cret', 'h1dden', Buffer.from('admin:s3cret').toString('base64')]) {
    assert.ok(!lines.join('').includes(secret));
  }
});

test('a missing password file is reported with its path and nothing is sent without it', async (t) => {
  let requests = 0;
  const { url } = await receiver(t, () => requests++);
  const { exporter, lines } = await exporterTo(url, { auth: { bearerTokenFile: '/nowhere/token' } });
  exporter.deliver(await batchAt(1000));
  await exporter.close(1000);
  assert.match(lines[0] ?? '', /cannot read the secret file \/nowhere\/token: ENOENT/);
  assert.equal(requests, 0);
});

test('redirects are not followed', async (t) => {
  let requests = 0;
  const { url } = await receiver(t, (_request, _body, response) => {
    requests++;
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  const { exporter, lines } = await exporterTo(url, {}, 'pushgateway');
  exporter.deliver(await batchAt(1000));
  await exporter.close(1000);
  assert.equal(requests, 1);
  assert.match(lines[0] ?? '', /to \/elsewhere.*redirects are not followed/);
});

test('a receiver that hangs delays neither delivery nor shutdown; its backlog is bounded and counted', async (t) => {
  const { url } = await receiver(t, () => undefined);
  const { exporter, counted } = await exporterTo(url);
  for (let stamp = 1; stamp <= 10; stamp++) exporter.deliver(await batchAt(stamp));
  assert.equal(await counted('firesteel_export_queue_bodies{exporter="it",tier="memory"}'), 4);
  assert.equal(await counted(dropped('queue_full')), 5);
  exporter.deliver(await batchAt(11));
  assert.equal(await counted('firesteel_export_queue_oldest_timestamp_seconds{exporter="it"}'), 0.008);
  const started = performance.now();
  await exporter.close(200);
  // An upload may take 75 s.
  assert.ok(performance.now() - started < 60_000);
  assert.equal(await counted(dropped('shutdown')), 5);
  assert.equal(await counted('firesteel_export_queue_bodies{exporter="it",tier="memory"}'), 0, 'after its end');
});

test('an endless response is truncated: its code decides', { timeout: 120_000 }, async (t) => {
  const { url } = await receiver(t, (_request, _body, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384)));
    };
    response.writeHead(500);
    response.on('drain', more);
    more();
  });
  const { exporter, counted } = await exporterTo(url, { retries: 0 });
  exporter.deliver(await batchAt(1000));
  await until(async () => (await counted(dropped('server_error'))) === 1);
  await exporter.close(1000);
});

test('a keep-alive connection that the receiver has just closed costs one more request, not a failure', async (t) => {
  let requests = 0;
  const { url, server } = await receiver(t, (request, _body, response) => {
    requests++;
    if (requests === 2) request.socket.destroy();
    else response.writeHead(204).end();
  });
  server.keepAliveTimeout = 60_000;
  const { exporter, lines, counted } = await exporterTo(url);
  exporter.deliver(await batchAt(1000));
  await until(async () => (await counted(SENT)) === 1);
  exporter.deliver(await batchAt(2000));
  await until(async () => (await counted(SENT)) === 2);
  assert.equal(requests, 3);
  assert.deepEqual(lines, []);
  await exporter.close(1000);
});

test('an upload whose response breaks off is not repeated at once: the receiver has processed it', async (t) => {
  let requests = 0;
  const { url } = await receiver(t, (request, _body, response) => {
    requests++;
    if (requests === 1) response.writeHead(204).end();
    else request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345');
  });
  const { exporter, counted } = await exporterTo(url, { retries: 0 });
  exporter.deliver(await batchAt(1000));
  while ((await counted(SENT)) !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
  exporter.deliver(await batchAt(2000));
  while ((await counted(dropped('network'))) !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(requests, 2);
  await exporter.close(1000);
});

test('an agent that is no longer the leader sends nothing: neither queued batches nor retries', async (t) => {
  let isLeader: boolean = true;
  let requests = 0;
  const { url } = await receiver(t, (request, _body, response) => {
    requests++;
    if (requests === 1) {
      response.writeHead(204).end();
      return;
    }
    isLeader = false;
    request.socket.destroy();
  });
  const { exporter, counted } = await exporterTo(url);
  const mayPush = () => isLeader;
  exporter.deliver({ ...(await batchAt(1)), mayPush });
  await until(async () => (await counted(SENT)) === 1);
  // Its keep-alive connection breaks after this agent has lost the leadership.
  exporter.deliver({ ...(await batchAt(2)), mayPush });
  await until(() => !isLeader);
  await exporter.close(1000);
  assert.equal(requests, 2);
  assert.equal(await counted(dropped('not_master')), 1);
});

test('a large batch arrives unchanged, also if the receiver reads slowly', { timeout: 120_000 }, async (t) => {
  const members = Array.from({ length: 300 }, (_, index) => randomBytes(20_000 + index * 37));
  const hash = createHash('sha256');
  const arrived = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    request.on('data', (part: Buffer) => {
      hash.update(part);
      request.pause();
      setTimeout(() => request.resume(), 2);
    });
    request.on('end', () => {
      arrived.resolve(hash.digest('hex'));
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { exporter, counted } = await exporterTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  exporter.deliver({ group: 'node', stampMs: 1000, samples: 1, textBytes: 1, encoding: 'gzip', members });
  assert.equal(await arrived.promise, createHash('sha256').update(Buffer.concat(members)).digest('hex'));
  await exporter.close(2000);
  assert.equal(await counted(SENT), 1);
});
