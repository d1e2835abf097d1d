import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { type TestContext, test } from 'node:test';
import type { Route } from '../../src/http/message.ts';
import { routes } from '../../src/http/routes.ts';
import { type HttpServer, startHttp } from '../../src/http/server.ts';
import { gauge } from '../../src/metrics/family.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import { parseText } from '../../src/metrics/text/parse.ts';
import { fixture } from '../kit/host-tree.ts';
import { rawConnection } from '../kit/raw-http.ts';

async function serve(
  t: TestContext,
  table: Record<string, Route>,
  onError = (): void => undefined,
): Promise<HttpServer> {
  const server = await startHttp('127.0.0.1:0', table, onError);
  t.after(() => server.close());
  return server;
}

function agentRoutes() {
  const registry = new AgentRegistry();
  const state = { unready: ['the first collection is still running'], collections: 0 };
  registry.addProducer({
    group: 'node',
    name: 'disks',
    collect(out) {
      state.collections++;
      for (let device = 0; device < 100; device++) {
        out.add(gauge('reads', 'Reads.', ['device']), 1, `sd${device}`);
        out.add(gauge('writes', 'Writes.', ['device']), 2, `sd${device}`);
      }
    },
  });
  return {
    state,
    table: routes({
      registry,
      deadlineMs: 1000,
      now: Date.now,
      unready: () => state.unready,
    }),
  };
}

test('healthz responds while the event loop turns, readyz after the first collection', async (t) => {
  const { state, table } = agentRoutes();
  const { url } = await serve(t, table);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/readyz`)).status, 503);
  state.unready = [];
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
});

test('collect[] and exclude[] select collectors, as in node_exporter', async (t) => {
  const registry = new AgentRegistry();
  const runs: string[] = [];
  for (const name of ['cpu', 'disks', 'mounts']) {
    registry.addProducer({
      group: 'node',
      name,
      collect(out) {
        runs.push(name);
        out.add(gauge(`node_${name}`, 'x'), 1);
      },
    });
  }
  const { url } = await serve(t, routes({ registry, deadlineMs: 1000, now: Date.now, unready: () => [] }));
  const familiesOf = async (query: string) => {
    runs.length = 0;
    const text = await (await fetch(`${url}/metrics?${query}`)).text();
    const names = [...text.matchAll(/^node_\w+/gm)].map(String);
    assert.deepEqual([...new Set(runs)].map((name) => `node_${name}`).sort(), names, 'other collectors do not run');
    return names;
  };
  assert.deepEqual(await familiesOf('collect[]=cpu&collect%5B%5D=node.mounts'), ['node_cpu', 'node_mounts']);
  assert.deepEqual(await familiesOf('exclude[]=cpu'), ['node_disks', 'node_mounts']);
  assert.deepEqual(await familiesOf(''), ['node_cpu', 'node_disks', 'node_mounts']);
  for (const [query, why] of [
    ['collect[]=nothing', /no collector .+nothing.+ is enabled/],
    ['collect[]=cpu&exclude[]=disks', /are mutually exclusive/],
    [`${'collect[]=cpu&'.repeat(201)}`, /more than 200/],
  ] as const) {
    const answer = await fetch(`${url}/metrics?${query}`);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), why);
  }
});

test('metrics are the complete registry, each family in one piece; concurrent requests share one collection', async (t) => {
  const { state, table } = agentRoutes();
  const { url } = await serve(t, table);
  const answers = await Promise.all(Array.from({ length: 4 }, () => fetch(`${url}/metrics`)));
  const [first] = answers;
  assert.match(first?.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.equal(first?.headers.get('content-encoding'), 'gzip');
  const names: string[] = [];
  for (const line of parseText(await (first as Response).text())) {
    if (line.kind === 'sample' && names.at(-1) !== line.name) names.push(line.name);
  }
  assert.deepEqual(names, [...new Set(names)]);
  assert.ok(names.includes('reads') && names.includes('firesteel_collector_success'));
  assert.equal(state.collections, 1);
});

test('text is compressed only if accepted', async (t) => {
  const { url } = await serve(t, { '/big': () => ({ status: 200, body: 'x'.repeat(5000) }) });
  const plain = await fetch(`${url}/big`, { headers: { 'accept-encoding': 'identity' } });
  assert.equal(plain.headers.get('content-encoding'), null);
  assert.equal(plain.headers.get('content-length'), '5000');
});

test('unknown paths are refused, and errors reveal nothing to the client', async (t) => {
  const logged: unknown[] = [];
  const broken = () => {
    throw new Error('the password is s3cret');
  };
  const { url } = await serve(t, { '/broken': broken }, (...args: unknown[]) => {
    logged.push(args[0]);
  });
  assert.equal((await fetch(`${url}/../../etc/passwd`)).status, 404);
  assert.equal((await fetch(`${url}/__proto__`)).status, 404);
  assert.equal((await fetch(`${url}/broken`, { method: 'POST', body: 'x' })).status, 405);
  const answer = await fetch(`${url}/broken`);
  assert.equal(answer.status, 500);
  assert.deepEqual(await answer.json(), { error: 'internal error; see the log' });
  assert.deepEqual(logged, ['/broken']);
});

test('an address in use is reported with advice', async (t) => {
  const { url } = await serve(t, {});
  const listen = new URL(url).host;
  await assert.rejects(
    startHttp(listen, {}, () => undefined),
    {
      message: `http.listen: cannot listen on ${listen}: another process has that port; choose another address`,
    },
  );
});

test('with a certificate it serves over TLS; a missing one is reported', async (t) => {
  const tls = { certFile: fixture('tls/first-server.crt'), keyFile: fixture('tls/first-server.key') };
  const server = await startHttp(
    '127.0.0.1:0',
    { '/healthz': () => ({ status: 200, body: 'ok\n' }) },
    () => undefined,
    { tls },
  );
  t.after(() => server.close());
  assert.match(server.url, /^https:/);
  const ca = readFileSync(fixture('tls/first-ca.crt'));
  const [response] = (await once(get(`${server.url}/healthz`, { ca }), 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  response.resume();
  await assert.rejects(
    startHttp('127.0.0.1:0', {}, () => undefined, { tls: { ...tls, keyFile: '/nowhere' } }),
    {
      message: /^http\.tls: cannot read the certificate or its key: ENOENT.*\/nowhere/,
    },
  );
});

test('two Host headers are refused, even if they are equal', async (t) => {
  const { url } = await serve(t, { '/x': () => ({ status: 200, body: 'x' }) });
  for (const [hosts, status] of [
    ['host: localhost\r\nhost: localhost', 400],
    ['Host: localhost\r\nHOST: evil.example', 400],
    ['host: localhost', 200],
  ] as const) {
    const connection = await rawConnection(t, url);
    connection.socket.write(`GET /x HTTP/1.1\r\n${hosts}\r\n\r\n`);
    assert.equal(await connection.status(), status);
  }
});
