import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { StatusView } from '../../src/http/status-view.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { startLocalAgent } from '../kit/local-agent.ts';
import { samplesOf } from '../kit/samples.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';
import { until } from '../kit/until.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

const OPTIONS = { timeout: 180_000 };
const off = { enabled: false };

async function serve(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** A pod of this node at 127.0.0.1. */
const pod = (name: string, port: number) => ({
  metadata: {
    namespace: 'shop',
    name,
    uid: name,
    annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': String(port) },
  },
  spec: { nodeName: 'n1', containers: [{ name: 'app', ports: [{ containerPort: port }] }] },
  status: { phase: 'Running', podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
});

test('a new pod is scraped within one refresh, a vanished one ends immediately', OPTIONS, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const folder = scratchFolder(t);
  const vm = await startVictoriaMetrics(t, folder);
  let value = 0;
  const page = await serve(t, (_, response) =>
    response.end(`# TYPE orders_total counter\norders_total{kind="a"} ${++value}\n`),
  );
  let pods: object[] = [];
  const kubelet = await serve(t, (_, response) => response.end(JSON.stringify({ kind: 'PodList', items: pods })));
  writeFileSync(`${folder}/token`, 'x');
  const { get, log } = await startLocalAgent(t, () => ({
    node: 'n1',
    cluster: 'prod',
    push: { interval: '1s', phase: '0s' },
    http: { listen: '127.0.0.1:0' },
    collectors: {
      node: off,
      container: {
        ...off,
        identity: {
          source: 'kubelet',
          url: `http://127.0.0.1:${kubelet}`,
          tokenFile: `${folder}/token`,
          refresh: '1s',
        },
      },
      process: off,
    },
    scrape: { annotations: { enabled: true }, interval: '1s', timeout: '1s' },
    exporters: { vm: { type: 'vmagent', url: vm.url, staleMarkers: true } },
  }));
  const targets = async () => ((await get('/v1/status')).body as StatusView).scrape;
  assert.deepEqual((await targets())?.targets, []);
  pods = [pod('web-1', page)];
  const began = performance.now();
  const [first] = await vm.until('orders_total', (found) => found.length === 1);
  const seconds = (performance.now() - began) / 1000;
  t.diagnostic(`stored ${seconds.toFixed(1)} s after the pod appeared`);
  assert.deepEqual(first?.metric, {
    __name__: 'orders_total',
    cluster: 'prod',
    container: 'app',
    instance: `127.0.0.1:${page}`,
    job: 'shop/web-1',
    kind: 'a',
    namespace: 'shop',
    node: 'n1',
    pod: 'web-1',
  });
  await vm.until('count_over_time(orders_total[1m])', ([found]) => (found?.value ?? 0) >= 4);
  const [{ values = [], timestamps = [] } = {}] = await vm.export('orders_total');
  assert.deepEqual(
    values,
    values.toSorted((a, b) => a - b),
  );
  // Each page was pushed once, with its own time.
  assert.equal(new Set(timestamps).size, timestamps.length);
  assert.equal(new Set(values).size, values.length);
  const [view] = (await targets())?.targets ?? [];
  assert.deepEqual(
    [view?.state, view?.kept, view?.source, view?.url],
    ['up', 1, 'annotations', `http://127.0.0.1:${page}/metrics`],
  );
  const explored = (await get('/v1/metrics/{name}', '/v1/metrics/orders_total').catch(() => undefined))?.body;
  if (explored !== undefined) assert.match(JSON.stringify(explored), /orders_total/);
  pods = [];
  // A series without a stale marker would be shown for five minutes more.
  await vm.until('orders_total', (found) => found.length === 0);
  await vm.until('up{job="shop/web-1"}', (found) => found.length === 0);
  assert.equal((await targets())?.targets.length, 0);
  assert.ok(!log.some(({ level }) => Number(level) >= 50), JSON.stringify(log).slice(0, 2000));
});

const BOMB = Buffer.alloc(40 * 2 ** 20, '#\n');
const BOMBS = { gzip: gzipSync(BOMB), zstd: zstdCompressSync(BOMB) };

/** Responses that are not a metrics page, by path, and the message on the status page. */
const BAD: Readonly<Record<string, readonly [listener: RequestListener, reason: RegExp]>> = {
  html: [
    (_, response) => response.setHeader('content-type', 'text/html').end('<html></html>'),
    /web page \(text\/html\)/,
  ],
  'not-found': [(_, response) => response.writeHead(404).end('nothing'), /returned 404/],
  busy: [(_, response) => response.writeHead(503).end('busy'), /returned 503/],
  login: [(_, response) => response.writeHead(401).end(), /returned 401: check the credentials/],
  redirect: [
    (_, response) => response.writeHead(302, { location: 'http://127.0.0.1/x' }).end(),
    /redirect to http:\/\/127.0.0.1\/x/,
  ],
  half: [
    (_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('a 1\nb 2\n');
      setTimeout(() => response.destroy(), 50);
    },
    /truncated|aborted|ECONNRESET/,
  ],
  'half-gzip': [
    (_, response) => {
      const packed = gzipSync(`${'a 1\n'.repeat(1000)}b 2\n`);
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(packed.subarray(0, packed.length - 12));
    },
    /unexpected end of file|truncated/,
  ],
  'not-gzip': [
    (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('a 1\n'),
    /incorrect header/,
  ],
  'zstd-bomb': [
    (_, response) => response.writeHead(200, { 'content-encoding': 'zstd' }).end(BOMBS.zstd),
    /larger than 1048576 bytes \(limits.body\)/,
  ],
  'half-zstd': [
    (_, response) => {
      const packed = zstdCompressSync(Buffer.from(`${'a 1\n'.repeat(1000)}b 2\n`));
      response.writeHead(200, { 'content-encoding': 'zstd' });
      response.end(packed.subarray(0, packed.length - 12));
    },
    /unexpected end of file|truncated/,
  ],
  'half-chunked': [
    (_, response) => {
      response.write('a 1\nb 2\n');
      setTimeout(() => response.socket?.destroy(), 50);
    },
    /truncated|aborted|ECONNRESET/,
  ],
  'headers-bomb': [
    (_, response) => {
      for (let index = 0; index < 200; index++) response.setHeader(`x-${index}`, 'y'.repeat(1000));
      response.end('a 1\n');
    },
    /HPE_HEADER_OVERFLOW/,
  ],
  'slow-headers': [
    (_, response) => {
      const timer = setInterval(() => response.socket?.write('H'), 100);
      response.on('close', () => clearInterval(timer));
    },
    /no complete page within 2000 ms|HPE_/,
  ],
  'not-http': [(_, response) => response.socket?.end('220 mail.example.com ESMTP\r\n'), /HPE_|Parse Error/],
  'long-line': [(_, response) => response.end(`a{x="${'y'.repeat(70_000)}"} 1\n`), /longer than 65536 bytes/],
  'no-line-end': [(_, response) => response.end('x'.repeat(500_000)), /longer than 65536 bytes/],
  'not-utf8': [
    (_, response) => response.end(Buffer.from([0x61, 0x7b, 0x78, 0x3d, 0x22, 0xff, 0x22, 0x7d, 0x20, 0x31, 10])),
    /not UTF-8/,
  ],
  'label-twice': [(_, response) => response.end('a{x="1",x="2"} 1\n'), /line 1: duplicate label x/],
  'no-eof': [
    (_, response) => response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0').end('a 1\n'),
    /without "# EOF"/,
  ],
  protobuf: [
    (_, response) =>
      response
        .setHeader('content-type', 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily')
        .end(Buffer.from([0x0a, 0x05, 0x0a, 0x01, 0x61, 0x18, 0x01])),
    /protobuf/,
  ],
  gone: [(request) => request.socket.destroy(), /ECONNRESET|socket hang up/],
  brotli: [(_, response) => response.writeHead(200, { 'content-encoding': 'br' }).end('a 1\n'), /compressed with br/],
  endless: [
    (_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('a 1\n'), 20);
      response.on('close', () => clearInterval(timer));
    },
    /no complete page within 2000 ms/,
  ],
  silent: [() => undefined, /no complete page within 2000 ms/],
  bomb: [
    (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMBS.gzip),
    /larger than 1048576 bytes \(limits.body\)/,
  ],
  many: [
    (_, response) => response.end(Array.from({ length: 2000 }, (_, index) => `a{x="${index}"} 1\n`).join('')),
    /more than 1000 samples/,
  ],
  'bad-line': [(_, response) => response.end('a 1\nthis is none\n'), /line 2/],
};

test(
  'responses that are not a metrics page: the target is down with a reason, and the others are not affected',
  OPTIONS,
  async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const vm = await startVictoriaMetrics(t, scratchFolder(t));
    const port = await serve(t, (request, response) => {
      const name = (request.url ?? '').slice(1);
      if (name === 'good') response.end('good 1\n');
      else BAD[name]?.[0](request, response);
    });
    const names = Object.keys(BAD);
    const { get } = await startLocalAgent(t, () => ({
      node: 'n1',
      push: { interval: '1s', phase: '0s' },
      http: { listen: '127.0.0.1:0' },
      collectors: { node: off, container: off, process: off },
      scrape: {
        interval: '2s',
        timeout: '2s',
        limits: { body: '1MiB', samples: 1000 },
        targets: [...names, 'good'].map((name) => ({ job: name, urls: [`http://127.0.0.1:${port}/${name}`] })),
      },
      exporters: { vm: { type: 'vmagent', url: vm.url } },
    }));
    await vm.until('count_over_time(good[5m])', ([found]) => (found?.value ?? 0) >= 6, 120_000);
    const errors = async () => {
      const { scrape } = (await get('/v1/status')).body as StatusView;
      return new Map(scrape?.targets.map(({ labels, state, error = '' }) => [labels.job, `${state}: ${error}`]));
    };
    // On a busy machine a scrape may take too long before it fails for its own reason.
    let seen = await errors();
    const unlike = () =>
      names.filter((name) => !new RegExp(`^down: .*(?:${BAD[name]?.[1].source})`).test(seen.get(name) ?? ''));
    await until(
      async () => {
        seen = await errors();
        return unlike().length === 0;
      },
      () => JSON.stringify(unlike().map((name) => [name, seen.get(name)])),
      60_000,
    );
    for (const name of names) {
      await vm.until(`up{job="${name}"}`, ([found]) => found?.value === 0);
      assert.deepEqual(await vm.query(`{job="${name}",__name__!~"up|scrape_.*"}`), [], name);
    }
    const [good] = await vm.export('good');
    assert.ok(good);
    const stamps = good.timestamps;
    const steps = stamps.slice(1).map((stamp, index) => stamp - (stamps[index] as number));
    t.diagnostic(`steps of the good target: ${steps.join(' ')}`);
  },
);

test(
  'a target that recovers partially: its missing series end, and continue when it is healthy',
  OPTIONS,
  async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const vm = await startVictoriaMetrics(t, scratchFolder(t));
    let body = 'a{x="1"} 1\na{x="2"} 1\n';
    const port = await serve(t, (_, response) => response.end(body));
    await startLocalAgent(t, () => ({
      node: 'n1',
      push: { interval: '1s', phase: '0s' },
      http: { listen: '127.0.0.1:0' },
      collectors: { node: off, container: off, process: off },
      scrape: {
        interval: '1s',
        timeout: '1s',
        targets: [{ job: 'one', urls: [`http://127.0.0.1:${port}`], labels: { zone: 'eu' } }],
      },
      exporters: { vm: { type: 'vmagent', url: vm.url, staleMarkers: true } },
    }));
    await vm.until('a{zone="eu"}', (found) => found.length === 2);
    body = 'a{x="2"} 2\n';
    await vm.until('a', (found) => found.length === 1 && found[0]?.metric.x === '2');
    body = 'a{x="2"} 3\nbroken\n';
    await vm.until('a', (found) => found.length === 0);
    await vm.until('up{job="one"}', ([found]) => found?.value === 0);
    body = 'a{x="1"} 4\n';
    await vm.until('a', (found) => found.length === 1 && found[0]?.value === 4);
  },
);

test('a Pushgateway gets each target as a group, with the newest page of each', OPTIONS, async (t) => {
  if (!serverAvailable(t, 'prometheus-pushgateway')) return;
  const gateway = await startServer(
    t,
    'prometheus-pushgateway',
    (port) => [`--web.listen-address=127.0.0.1:${port}`],
    '/-/ready',
  );
  let value = 0;
  const port = await serve(t, (_, response) => response.end(`a ${++value}\nb{job="theirs"} 1\n`));
  await startLocalAgent(t, () => ({
    node: 'n1',
    push: { interval: '3s', phase: '0s' },
    http: { listen: '127.0.0.1:0' },
    collectors: { node: off, container: off, process: off },
    scrape: { interval: '1s', timeout: '1s', targets: [{ job: 'one', urls: [`http://127.0.0.1:${port}`] }] },
    exporters: { pg: { type: 'pushgateway', url: gateway, groups: ['scrape'] } },
  }));
  const held = async () => samplesOf(await (await fetch(`${gateway}/metrics`)).text());
  const labels = `instance="127.0.0.1:${port}",job="one",node="n1"`;
  await until(async () => ((await held()).get(`a{${labels}}`) ?? 0) >= 3);
  const samples = await held();
  assert.equal(samples.get(`b{exported_job="theirs",${labels}}`), 1);
  assert.equal(samples.get(`up{${labels}}`), 1);
});
