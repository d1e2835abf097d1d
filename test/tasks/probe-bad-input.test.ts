// Targets that never end, abort, lie or send decompression bombs: there is a result within the timeout, with the correct reason.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import type * as z from 'zod';
import { Names } from '../../src/net/names.ts';
import type { Reason } from '../../src/tasks/probe/failure.ts';
import type { TaskType, TaskWorld } from '../../src/tasks/task-type.ts';
import { dns } from '../../src/tasks/types/dns.ts';
import { http } from '../../src/tasks/types/http.ts';
import { tcp } from '../../src/tasks/types/tcp.ts';
import { udp } from '../../src/tasks/types/udp.ts';
import { freePort } from '../kit/free-port.ts';
import { fixture } from '../kit/host-tree.ts';
import { startNameServer } from '../kit/name-server.ts';
import { probe, reasonOf } from '../kit/probe.ts';
import { CA_FILE, tcpServer, tlsTcpServer, tlsWebServer, webServer } from '../kit/probe-servers.ts';

const TIMEOUT_MS = 600;
/** Where something else ends the probe. */
const PATIENT_MS = 5000;
/** 50 ms, plus an allowance for a machine that is busy with other tests. */
const LATE_MS = 50 + 400;

interface Case {
  readonly type: TaskType<z.ZodObject>;
  target(context: TestContext): Promise<string>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly reason: Reason;
  world?(context: TestContext): Promise<Partial<TaskWorld>>;
}

const raw =
  (handle: Parameters<typeof tcpServer>[1], scheme = 'http://') =>
  async (context: TestContext) =>
    `${scheme}127.0.0.1:${await tcpServer(context, handle)}`;

const web = (handle: Parameters<typeof webServer>[1]) => async (context: TestContext) =>
  `http://127.0.0.1:${await webServer(context, handle)}/`;

const trusting = { http: { tls: { caFile: CA_FILE } } };

/** Writes until the peer disconnects. */
function pour(write: (chunk: Buffer) => boolean, onDrain: (next: () => void) => void): void {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const next = () => {
    while (write(chunk));
    onDrain(next);
  };
  next();
}

const silentNames = async (context: TestContext) => {
  const server = await startNameServer(context, { 'silent.example': 'silent' });
  const names = new Names({ port: server.port, resolvConfFile: fixture('none'), hostsFile: fixture('none') });
  context.after(() => names.close());
  return { names };
};

async function datagrams(context: TestContext, answer: (message: Buffer) => Buffer | undefined): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (message, { port, address }) => {
    const reply = answer(message);
    if (reply) socket.send(reply, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  context.after(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

const CASES: Readonly<Record<string, Case>> = {
  'a name server that hangs': {
    type: http,
    target: async () => 'http://silent.example/',
    reason: 'resolve',
    world: silentNames,
  },
  'an unknown name': {
    type: tcp,
    target: async () => 'nobody.example:80',
    reason: 'resolve',
    world: silentNames,
  },
  'a closed port': {
    type: http,
    target: async () => `http://127.0.0.1:${await freePort()}`,
    reason: 'connect_refused',
  },
  'an unresponsive server': { type: http, target: raw(() => undefined), reason: 'timeout' },
  'a header that never ends': {
    type: http,
    target: raw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('x-more: yes\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    }),
    reason: 'timeout',
  },
  'a header of megabytes': {
    type: http,
    target: raw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx: ');
      pour(
        (chunk) => socket.write(chunk),
        (next) => socket.once('drain', next),
      );
    }),
    reason: 'read',
  },
  'a body that drips': {
    type: http,
    target: web((_, response) => {
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    }),
    reason: 'timeout',
  },
  'a body that never ends': {
    type: http,
    target: web((_, response) =>
      pour(
        (chunk) => response.write(chunk),
        (next) => response.once('drain', next),
      ),
    ),
    reason: 'body',
  },
  'a body of a gigabyte that is checked': {
    type: http,
    target: web((_, response) => {
      response.writeHead(200, { 'content-length': 2 ** 30 });
      pour(
        (chunk) => response.write(chunk),
        (next) => response.once('drain', next),
      );
    }),
    options: { http: { body: { match: ['never'] } } },
    reason: 'body',
  },
  'a body shorter than its length': {
    type: http,
    target: raw((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')),
    reason: 'read',
  },
  'a reset within the headers': {
    type: http,
    target: raw((socket) => socket.write('HTTP/1.1 200 OK\r\n', () => socket.resetAndDestroy())),
    reason: 'read',
  },
  'what is not HTTP': { type: http, target: raw((socket) => socket.end('220 mail.example ESMTP\r\n')), reason: 'read' },
  'a handshake that stops': {
    type: http,
    target: raw((socket) => socket.write(Buffer.from('160303004a02000046', 'hex')), 'https://'),
    options: trusting,
    reason: 'timeout',
  },
  'a reset in the handshake': {
    type: http,
    target: raw((socket) => socket.once('data', () => socket.resetAndDestroy()), 'https://'),
    reason: 'tls',
  },
  'no TLS on a TLS port': {
    type: http,
    target: raw((socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n'), 'https://'),
    reason: 'tls',
  },
  'an expired certificate': {
    type: http,
    target: async (context) =>
      `https://127.0.0.1:${await tlsWebServer(context, (_, response) => response.end(), 'expired')}`,
    options: trusting,
    reason: 'certificate',
  },
  'a certificate for another name': {
    type: http,
    target: async (context) =>
      `https://127.0.0.1:${await tlsWebServer(context, (_, response) => response.end(), 'wrong-name')}`,
    options: trusting,
    reason: 'certificate',
  },
  'a certificate without names': {
    type: tcp,
    target: async (context) => `localhost:${await tlsTcpServer(context, () => undefined, 'no-names')}`,
    options: { ip: 'ip4', tcp: { tls: { caFile: CA_FILE } } },
    reason: 'certificate',
  },
  'redirects in a circle': {
    type: http,
    target: web((_, response) => response.writeHead(302, { location: '/' }).end()),
    reason: 'redirect',
  },
  'a redirect to no URL': {
    type: http,
    target: web((_, response) => response.writeHead(302, { location: 'http://[' }).end()),
    reason: 'redirect',
  },
  'a redirect to a file': {
    type: http,
    target: web((_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end()),
    reason: 'redirect',
  },
  'an expression that would backtrack in other engines': {
    type: http,
    target: web((_, response) => response.end(`${'a'.repeat(500_000)}b`)),
    options: { http: { body: { match: ['^(a+)+$'] } } },
    reason: 'body',
  },
  'invalid JSON': {
    type: http,
    target: web((_, response) => response.end('{"status":')),
    options: { http: { body: { json: [{ pointer: '/status', equals: 'up' }] } } },
    reason: 'body',
  },
  'a body with a wrong content encoding': {
    type: http,
    target: web((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('plain')),
    options: { http: { body: { match: ['plain'] } } },
    reason: 'body',
  },
  'a response that is too slow': {
    type: http,
    target: web((_, response) => void setTimeout(() => response.end('ok'), 100)),
    options: { http: { slowerThan: '50ms' } },
    reason: 'slow',
  },
  'a banner that never ends': {
    type: tcp,
    target: raw(
      (socket) =>
        pour(
          (chunk) => socket.write(chunk),
          (next) => socket.once('drain', next),
        ),
      '',
    ),
    options: { tcp: { dialogue: [{ expect: '^220' }] } },
    reason: 'read',
  },
  'a banner of lines that never ends': {
    type: tcp,
    target: raw((socket) => {
      const timer = setInterval(() => socket.write('- not yet\r\n'), 10);
      socket.on('close', () => clearInterval(timer));
    }, ''),
    options: { tcp: { dialogue: [{ expect: '^220 ' }] } },
    reason: 'timeout',
  },
  'a different banner': {
    type: tcp,
    target: raw((socket) => socket.end('500 no\r\n'), ''),
    options: { tcp: { dialogue: [{ expect: '^220 ' }] } },
    reason: 'body',
  },
  'STARTTLS with a server without TLS': {
    type: tcp,
    target: raw((socket) => socket.on('data', () => socket.write('454 not available\r\n')), ''),
    options: { tcp: { tls: { caFile: CA_FILE }, dialogue: [{ send: 'STARTTLS', startTls: true }] } },
    reason: 'tls',
  },
  'a datagram to a closed port': {
    type: udp,
    target: async () => `127.0.0.1:${await freePort()}`,
    reason: 'connect_refused',
  },
  'datagrams without a response': {
    type: udp,
    target: (context) => datagrams(context, () => undefined),
    options: { udp: { send: 'x', expect: '.' } },
    reason: 'timeout',
  },
  'a different response than expected': {
    type: udp,
    target: (context) => datagrams(context, () => Buffer.from('no')),
    options: { udp: { send: 'x', expect: '^yes' } },
    reason: 'body',
  },
  'a DNS response with a loop': {
    type: dns,
    target: (context) =>
      datagrams(context, (message) => {
        const answer = Buffer.concat([message, Buffer.from('c00c', 'hex')]);
        answer.writeUInt16BE(0x8180, 2);
        answer.writeUInt16BE(0xc00c, 12);
        return answer;
      }),
    options: { dns: { name: 'example.org', type: 'A' } },
    reason: 'read',
  },
  'a DNS response to another query': {
    type: dns,
    target: (context) => datagrams(context, (message) => Buffer.concat([Uint8Array.of(1, 2), message.subarray(2)])),
    options: { dns: { name: 'example.org', type: 'A' } },
    reason: 'timeout',
  },
};

for (const [name, { type, target, options, reason, world }] of Object.entries(CASES)) {
  test(`${name}: ${reason}`, async (context) => {
    const address = await target(context);
    const changes = await world?.(context);
    const startMs = performance.now();
    const timeoutMs = reason === 'timeout' ? TIMEOUT_MS : PATIENT_MS;
    const latestMs = timeoutMs + LATE_MS;
    const probed = await probe(type, address, options, { timeoutMs, ...changes });
    const tookMs = performance.now() - startMs;
    assert.equal(reasonOf(probed), reason);
    assert.equal(probed.get('probe_success'), 0);
    assert.ok((probed.get('probe_duration_seconds') ?? 0) * 1000 <= latestMs, `${tookMs} ms`);
    assert.ok(tookMs <= latestMs, `${tookMs} ms`);
  });
}

test('a banner that is not UTF-8 becomes labels of valid text', async (context) => {
  const port = await tcpServer(context, (socket) =>
    socket.write(Buffer.from('220 \xff\xfe caf\xe9\x01\r\n', 'latin1')),
  );
  const options = { tcp: { dialogue: [{ expect: '^220 (?P<name>.*)', labels: ['name'] }] } };
  const probed = await probe(tcp, `127.0.0.1:${port}`, options);
  const info = [...probed.keys()].find((key) => key.startsWith('probe_expect_info'));
  assert.equal(info, 'probe_expect_info{name="\uFFFD\uFFFD caf\uFFFD"}');
});

test('unresponsive targets delay no others: 60 of them next to one that responds', async (context) => {
  const port = await webServer(context, (_, response) => response.end('ok'));
  const silent = await tcpServer(context, () => undefined);
  let ended = 0;
  const waiting = Array.from({ length: 60 }, async (_, index) => {
    const probed = await probe(http, `http://127.0.0.1:${silent}/${index}`, {}, { timeoutMs: 3000 });
    ended++;
    return probed;
  });
  const probed = await probe(http, `http://127.0.0.1:${port}/`, {}, { timeoutMs: 60_000 });
  assert.equal(probed.get('probe_success'), 1);
  assert.equal(ended, 0, 'it did not wait for the others');
  for (const one of await Promise.all(waiting)) assert.equal(reasonOf(one), 'timeout');
});
