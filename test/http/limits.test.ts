import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Routes } from '../../src/http/message.ts';
import { type HttpServerSettings, startHttp } from '../../src/http/server.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { head, rawConnection } from '../kit/raw-http.ts';

const ok = () => ({ status: 200, body: 'ok\n' });

/** A server with a path for each method; `POST /echo` returns the length of its body. */
async function serve(t: TestContext, options: HttpServerSettings = {}, more: Routes = {}) {
  const file = join(scratchFolder(t), 'token');
  writeFileSync(file, 'secret');
  const errors: string[] = [];
  const routes: Routes = {
    '/get': ok,
    '/echo': { POST: ({ body }) => ({ status: 200, body: String(body.length) }) },
    '/both': { GET: ok, POST: ok },
    '/things/{id}/{action}': ({ params }) => ({ status: 200, body: `${params.action} ${params.id}` }),
    ...more,
  };
  const server = await startHttp('127.0.0.1:0', routes, (path, cause) => errors.push(`${path}: ${cause}`), {
    settings: () => ({ controlTokenFile: file, ...options }),
  });
  t.after(() => server.close());
  return { url: server.url, errors };
}

const TOKEN = { authorization: 'Bearer secret' };

test('each path has its methods; others are refused with a list of these', async (t) => {
  const { url } = await serve(t);
  const ask = async (method: string, path: string) => {
    const { status, headers } = await fetch(url + path, { method, headers: TOKEN });
    return [status, headers.get('allow')];
  };
  assert.deepEqual(await ask('GET', '/get'), [200, null]);
  assert.deepEqual(await ask('HEAD', '/get'), [200, null]);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    assert.deepEqual(await ask(method, '/get'), [405, 'GET, HEAD'], method);
  }
  assert.deepEqual(await ask('GET', '/echo'), [405, 'POST']);
  assert.deepEqual(await ask('PUT', '/both'), [405, 'GET, HEAD, POST']);
  assert.deepEqual(await ask('POST', '/nothing'), [404, null]);
  assert.deepEqual(await ask('GET', '/constructor'), [404, null]);
});

test('path parameters are decoded, and only exist where defined', async (t) => {
  const { url } = await serve(t);
  const text = async (path: string) => (await fetch(url + path)).text();
  assert.equal(await text('/things/a%2Fb%20c/run'), 'run a/b c');
  for (const path of ['/things/a', '/things/a/run/', '/things//a/run', '/things/%ff/run', '/thing/a/run']) {
    assert.equal((await fetch(url + path)).status, 404, path);
  }
});

test('a body of 64 KiB is accepted, a larger one is not, whether its length is given or not', async (t) => {
  const { url } = await serve(t);
  const post = (body: string | ReadableStream) =>
    fetch(`${url}/echo`, {
      method: 'POST',
      headers: TOKEN,
      body,
      ...(typeof body === 'string' ? {} : { duplex: 'half' }),
    });
  assert.equal(await (await post('x'.repeat(65_536))).text(), '65536');
  assert.equal((await post('x'.repeat(65_537))).status, 413);
  const connection = await rawConnection(t, url);
  connection.socket.write(head('POST', '/echo', { ...TOKEN, 'transfer-encoding': 'chunked' }));
  const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
  for (let count = 0; count < 20 && connection.text() === ''; count++) {
    connection.socket.write(chunk);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(await connection.status(), 413);
  await connection.closed;
  assert.match(connection.text(), /connection: close/i);
});

test('an unrequested body ends the connection instead of being read', async (t) => {
  const { url } = await serve(t);
  for (const [method, path, code] of [
    ['GET', '/get', 200],
    ['POST', '/nothing', 404],
    ['POST', '/echo', 401],
  ] as const) {
    const connection = await rawConnection(t, url);
    connection.socket.write(head(method, path, { 'content-length': '1000000000' }));
    assert.equal(await connection.status(), code);
    await connection.closed;
    assert.match(connection.text(), /connection: close/i);
  }
});

test('headers beyond 8 KiB get 431, anything but HTTP 400', async (t) => {
  const { url } = await serve(t);
  for (const [text, code] of [
    [head('GET', '/get', { 'x-large': 'x'.repeat(10_000) }), 431],
    [head('GET', `/${'x'.repeat(10_000)}`), 431],
    ['GET\r\n\r\n', 400],
    [head('GET', '/get', { 'content-length': '-1' }), 400],
    [head('GET', '/get', { 'content-length': '3', 'transfer-encoding': 'chunked' }), 400],
    ['GET /get HTTP/1.1\r\n\r\n', 400],
    [`\x16\x03\x01${'\0'.repeat(100)}`, 400],
  ] as const) {
    const connection = await rawConnection(t, url);
    connection.socket.write(text, 'latin1');
    assert.equal(await connection.status(), code, text.slice(0, 40));
    await connection.closed;
  }
});

test('a slow request is refused within seconds', async (t) => {
  const { url } = await serve(t);
  const headers = await rawConnection(t, url);
  headers.socket.write('GET /get HTTP/1.1\r\nhost: localhost\r\n');
  const drip = setInterval(() => headers.socket.write('x-drip: 1\r\n'), 200);
  t.after(() => clearInterval(drip));
  const body = await rawConnection(t, url);
  body.socket.write(`${head('POST', '/echo', { ...TOKEN, 'content-length': '100' })}x`);
  const silent = await rawConnection(t, url);
  assert.equal(await headers.status(), 408);
  assert.equal(await body.status(), 408);
  await Promise.all([headers.closed, body.closed, silent.closed]);
});

test('on a loopback address only this host’s names are accepted', async (t) => {
  const { url, errors } = await serve(t);
  const ask = async (host: string) => {
    const asking = request(`${url}/get`, { headers: { host } }).end();
    const [response] = await once(asking, 'response');
    response.resume();
    return response.statusCode;
  };
  const { port } = new URL(url);
  for (const host of ['localhost', `localhost:${port}`, `LocalHost:1`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
    assert.equal(await ask(host), 200, host);
  }
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    '@localhost',
  ]) {
    assert.equal(await ask(host), 421, host);
  }
  const old = await rawConnection(t, url);
  old.socket.write('GET /get HTTP/1.0\r\n\r\n');
  assert.equal(await old.status(), 200, 'a request without a Host header is accepted');
  const everywhere = await startHttp('0.0.0.0:0', { '/get': ok }, () => undefined);
  t.after(() => everywhere.close());
  const { port: other } = new URL(everywhere.url);
  assert.equal((await fetch(`http://127.0.0.1:${other}/get`)).status, 200);
  assert.deepEqual(errors, []);
});

for (const host of [
  'localhost',
  'LOCALHOST',
  '127.0.0.1',
  '127.1',
  '127.0.0.2',
  '2130706433',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:7f00:1]',
]) {
  test(`http.listen ${host} is a loopback address: only this host’s names are accepted`, async (t) => {
    const server = await startHttp(`${host}:0`, { '/get': ok }, () => undefined);
    t.after(() => server.close());
    const { port } = new URL(server.url);
    const ask = async (name: string) => {
      const connection = await rawConnection(t, server.url);
      connection.socket.write(head('GET', '/get', { host: name }));
      return connection.status();
    };
    for (const name of [host, `${host}:${port}`, 'localhost', '127.0.0.1', '[::1]']) {
      assert.equal(await ask(name), 200, name);
    }
    for (const name of ['evil.example', `evil.example:${port}`, '10.0.0.1', '']) {
      assert.equal(await ask(name), 421, `"${name}"`);
    }
  });
}

test('idle connections are closed first, so that others still get through', async (t) => {
  const { url } = await serve(t, { maxConnections: 20 });
  const crowd = await Promise.all(Array.from({ length: 60 }, () => rawConnection(t, url)));
  for (let round = 0; round < 5; round++) assert.equal((await fetch(`${url}/get`)).status, 200);
  const open = () => crowd.filter(({ socket }) => !socket.destroyed).length;
  const deadline = AbortSignal.timeout(60_000);
  while (open() > 20) {
    assert.ok(!deadline.aborted, `${open()} connections are open`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

test('a response in progress is not closed for a crowd', async (t) => {
  const gate = Promise.withResolvers<void>();
  const slow = async () => {
    await gate.promise;
    return { status: 200, body: 'at last' };
  };
  const { url } = await serve(t, { maxConnections: 5 }, { '/slow': slow });
  const answer = fetch(`${url}/slow`);
  for (let count = 0; count < 20; count++) await rawConnection(t, url);
  gate.resolve();
  assert.equal(await (await answer).text(), 'at last');
});

test('a client that sends many requests without waiting for responses is disconnected', async (t) => {
  let begun = 0;
  const gate = Promise.withResolvers<void>();
  const GET = async () => {
    begun++;
    await gate.promise;
    return { status: 200, body: 'x'.repeat(100_000) };
  };
  const { url } = await serve(t, {}, { '/large': { GET } });
  const connection = await rawConnection(t, url);
  connection.socket.write(head('GET', '/large').repeat(100));
  await connection.closed;
  gate.resolve();
  assert.ok(begun <= 2, `${begun} were begun`);
  assert.equal(await (await fetch(`${url}/get`)).text(), 'ok\n');
});

test('only a few expensive requests run at a time', async (t) => {
  const gate = Promise.withResolvers<void>();
  let running = 0;
  const GET = async () => {
    running++;
    await gate.promise;
    return { status: 200, body: 'done' };
  };
  const { url } = await serve(t, {}, { '/costly': { GET, atOnce: 2 } });
  const answers: Response[] = [];
  const asked = Array.from({ length: 6 }, async () => {
    const answer = await fetch(`${url}/costly`);
    answers.push(answer);
    return answer;
  });
  const deadline = AbortSignal.timeout(60_000);
  while (running < 2 || answers.length < 4) {
    assert.ok(!deadline.aborted, `${running} run, ${answers.length} are answered`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.deepEqual([answers[0]?.status, answers[0]?.headers.get('retry-after')], [503, '5']);
  gate.resolve();
  const codes = (await Promise.all(asked)).map(({ status }) => status).sort();
  assert.deepEqual(codes, [200, 200, 503, 503, 503, 503]);
  assert.equal((await fetch(`${url}/costly`)).status, 200, 'a place is free again');
});
