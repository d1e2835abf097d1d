import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { StatusView } from '../../src/http/status-view.ts';
import { type AgentProcess, startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { head, type RawConnection, rawConnection } from '../kit/raw-http.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../kit/victoria-metrics.ts';

const TOKEN = { authorization: 'Bearer control-me' };
const JSON_BODY = { ...TOKEN, 'content-type': 'application/json' };

/** On a machine that runs many tests a cycle sometimes takes a second, with or without hostile clients. */
const INTERVAL_MS = 5000;

/** The heap's limit plus buffers of requests in progress; the headers alone are 100 MB. */
const MAX_GROWTH_BYTES = 96 * 1024 * 1024;

interface Scene {
  readonly agent: AgentProcess;
  readonly vm: VictoriaMetrics;
  readonly url: string;
  rss(): number;
}

/** The bundle, pushing itself and this host to VictoriaMetrics. */
async function scene(t: TestContext): Promise<Scene> {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'token'), 'control-me');
  const vm = await startVictoriaMetrics(t, folder);
  const flags = [
    ...['--push.interval', `${INTERVAL_MS}ms`, '--push.phase', '0s', '--node', 'n1', '--vmagent.url', vm.url],
    ...['--http.listen', '127.0.0.1:0', '--set', `http.controlTokenFile=${join(folder, 'token')}`],
  ];
  // With a larger heap it would end, so uncollected garbage does not hide retained memory.
  const agent = startAgentProcess(t, ['run', ...flags], {}, ['--max-semi-space-size=1', '--max-old-space-size=64']);
  await agent.printed(/"msg":"started"/);
  const url = /"http":"([^"]+)"/.exec(agent.stderr())?.[1] ?? '';
  const rss = () => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.child.pid}/status`, 'utf8'))?.[1]);
  return { agent, vm, url, rss };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const crowd = (t: TestContext, url: string, count: number): Promise<RawConnection[]> =>
  Promise.all(Array.from({ length: count }, () => rawConnection(t, url)));

/** Statuses of all requests with a response; the others were aborted. */
async function statuses(connections: readonly RawConnection[]): Promise<Set<number>> {
  const settled = await Promise.allSettled(connections.map((one) => one.status(30_000)));
  return new Set(settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
}

async function slowloris(t: TestContext, url: string): Promise<void> {
  const connections = await crowd(t, url, 200);
  for (const { socket } of connections) socket.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\n');
  const drip = setInterval(() => {
    for (const { socket } of connections) if (!socket.destroyed) socket.write('x-drip: 1\r\n');
  }, 500);
  t.after(() => clearInterval(drip));
  const bodies = await crowd(t, url, 20);
  for (const { socket } of bodies)
    socket.write(head('POST', '/v1/log-level', { ...JSON_BODY, 'content-length': '9999' }));
  assert.deepEqual(await statuses([...connections, ...bodies]), new Set([408]));
  clearInterval(drip);
  await Promise.all([...connections, ...bodies].map(({ closed }) => closed));
}

async function largeHeaders(t: TestContext, url: string): Promise<void> {
  const connections = await crowd(t, url, 10);
  const filler = 'x'.repeat(64 * 1024);
  await Promise.all(
    connections.map(async ({ socket, closed }) => {
      socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nx-large: ');
      for (let sent = 0; sent < 10e6 && !socket.destroyed; sent += filler.length) {
        if (!socket.write(filler))
          await Promise.race([closed, new Promise((resolve) => socket.once('drain', resolve))]);
      }
      await closed;
    }),
  );
  const codes = await statuses(connections);
  // A client that continues to send while it is disconnected may lose the response.
  codes.delete(431);
  assert.deepEqual(codes, new Set());
  const [patient] = await crowd(t, url, 1);
  assert.ok(patient);
  patient.socket.write(`GET / HTTP/1.1\r\nhost: localhost\r\nx-large: ${'x'.repeat(9000)}`);
  assert.equal(await patient.status(), 431);
}

async function thousandConnections(t: TestContext, url: string): Promise<void> {
  const connections = await crowd(t, url, 1000);
  assert.equal((await fetch(`${url}/healthz`)).status, 200, 'a probe gets through');
  for (const { socket } of connections) if (!socket.destroyed) socket.write(head('GET', '/v1/status'));
  const codes = await statuses(connections);
  assert.ok(codes.has(200), [...codes].join());
  assert.ok(
    [...codes].every((code) => code === 200 || code === 503),
    [...codes].join(),
  );
  for (const { socket } of connections) socket.destroy();
}

async function slowReaders(t: TestContext, url: string): Promise<void> {
  const connections = await crowd(t, url, 100);
  for (const { socket } of connections) {
    socket.pause();
    // Many responses on one connection that the client does not read.
    socket.write(head('GET', '/metrics').repeat(20) + head('GET', '/v1/status').repeat(100));
  }
  await pause(3000);
  for (const { socket } of connections) socket.destroy();
}

async function refusals(t: TestContext, url: string): Promise<void> {
  const cases: readonly (readonly [number, string])[] = [
    [404, head('GET', '/page/../../../etc/passwd')],
    [404, head('GET', '/page/..%2f..%2f..%2fetc%2fpasswd')],
    [404, head('GET', '/page/%2e%2e/%2e%2e/etc/passwd')],
    [404, head('GET', '//etc/passwd')],
    [404, head('GET', 'http://localhost/v1/status')],
    [404, head('GET', '/page/index.html%00.js')],
    [421, head('GET', '/v1/status', { host: 'evil.example' })],
    [421, head('GET', '/', { host: 'localhost.evil.example:9750' })],
    [421, head('POST', '/v1/reload', { ...TOKEN, host: 'evil.example' })],
    [401, head('POST', '/v1/reload')],
    [401, head('POST', '/v1/collectors/node.loadavg/disable', { authorization: 'Bearer guess' })],
    [405, head('DELETE', '/v1/status')],
    [405, head('TRACE', '/')],
    [413, head('POST', '/v1/log-level', { ...JSON_BODY, 'content-length': '10000000' })],
    [400, `${head('POST', '/v1/log-level', { ...JSON_BODY, 'content-length': '6' })}{"leve`],
    [400, `${head('POST', '/v1/log-level', { ...JSON_BODY, 'content-length': '60000' })}${'['.repeat(60_000)}`],
    [400, `${head('POST', '/v1/log-level', { ...JSON_BODY, 'content-length': '31' })}{"__proto__":{"level":"fatal"}}`],
    [415, `${head('POST', '/v1/log-level', { ...TOKEN, 'content-length': '2' })}{}`],
    [400, head('GET', '/v1/metrics?name=node_load1&label=x')],
    [404, head('GET', `/v1/metrics?name=${'%ff'.repeat(1000)}`)],
    [400, 'GET /v1/status HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n'],
    [400, '\0\0\0\0\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n'],
  ];
  for (const [code, text] of cases) {
    const connection = await rawConnection(t, url);
    connection.socket.write(text, 'latin1');
    assert.equal(await connection.status(), code, text.slice(0, 120));
    assert.doesNotMatch(connection.text(), /root:|at file:|node_modules/);
    connection.socket.destroy();
  }
}

/**
 * One response. An idle keep-alive connection may be closed in favour of a thousand others: like every client, this one
 * retries.
 */
async function ask(url: string): Promise<Response> {
  try {
    return await fetch(url);
  } catch (cause) {
    const { code } = (cause as { cause?: NodeJS.ErrnoException }).cause ?? {};
    // With or without a reset, depending on whether the request had arrived.
    if (code !== 'ECONNRESET' && code !== 'UND_ERR_SOCKET') throw cause;
    return await fetch(url);
  }
}

/** Sends requests continuously, as fast as possible. */
async function hammer(url: string, until: AbortSignal): Promise<number> {
  const paths = ['/v1/status', '/v1/metrics?match=node', '/v1/metrics?name=node_cpu_seconds_total&text=idle', '/'];
  let answers = 0;
  const client = async (path: string) => {
    while (!until.aborted) {
      const response = await ask(url + path);
      await response.arrayBuffer();
      assert.ok(response.status === 200 || response.status === 503, `${path} ${response.status}`);
      answers++;
      await pause(20);
    }
  };
  await Promise.all(paths.map(client));
  return answers;
}

test('hostile clients cause no lost cycle or push, and little use of memory', { timeout: 240_000 }, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const { agent, vm, url, rss } = await scene(t);
  // Caches and the heap of the first cycles are excluded.
  await vm.until('count_over_time(node_load1[1h])', (samples) => (samples[0]?.value ?? 0) >= 3, 60_000);
  await fetch(`${url}/metrics`).then((response) => response.arrayBuffer());
  const before = rss();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, rss());
  }, 100);
  t.after(() => clearInterval(watch));
  const began = Date.now();
  const ended = new AbortController();
  const hammering = hammer(url, ended.signal);
  for (const attack of [refusals, largeHeaders, slowReaders, thousandConnections, slowloris]) {
    const started = performance.now();
    await attack(t, url);
    const megabytes = ((rss() - before) / 2 ** 20).toFixed(1);
    t.diagnostic(`${attack.name}: ${Math.round(performance.now() - started)} ms, ${megabytes} MiB over the start`);
  }
  ended.abort();
  t.diagnostic(`${await hammering} responses to normal clients in the meantime`);
  clearInterval(watch);
  const end = Date.now();
  const growth = most - before;
  t.diagnostic(
    `memory rose by ${(growth / 2 ** 20).toFixed(1)} MiB at most, from ${(before / 2 ** 20).toFixed(1)} MiB`,
  );
  assert.ok(growth < MAX_GROWTH_BYTES, `${growth} bytes`);

  const due = Math.floor(end / INTERVAL_MS) - Math.floor(began / INTERVAL_MS);
  const view = (await (await fetch(`${url}/v1/status`)).json()) as StatusView;
  t.diagnostic(`${due} cycles were due, ${view.cycle.skipped} were skipped`);
  assert.equal(view.cycle.skipped, 0);
  // Pushed samples become visible some seconds later.
  await vm.visible('node_load1', end + INTERVAL_MS);
  const [series] = await vm.export('node_load1');
  const arrived = new Set(series?.timestamps.map((stamp) => Math.floor(stamp / INTERVAL_MS)));
  for (let tick = Math.floor(began / INTERVAL_MS) + 1; tick <= Math.floor(end / INTERVAL_MS); tick++) {
    assert.ok(arrived.has(tick), `the cycle of ${new Date(tick * INTERVAL_MS).toISOString()} did not arrive`);
  }
  assert.equal(view.collectors.find(({ id }) => id === 'node.loadavg')?.state, 'ok');
  assert.equal(view.agent.log.level, 'info');
  assert.doesNotMatch(agent.stderr(), /"level":"(?:error|fatal)"/);
});
