import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { exchange } from '../../src/net/exchange.ts';

/** Larger than the buffers of a socket, in pieces as small as those of a cluster's state. */
const MEMBERS = Array.from({ length: 1000 }, (_, index) => Buffer.alloc(6000, index));

/** Responds as soon as it has the last byte of a request. In a thread of its own, as a receiver is another process. */
const RECEIVER = `
const { parentPort, workerData } = require('node:worker_threads');
let connections = 0;
require('node:net').createServer((socket) => {
  connections++;
  let left = 0;
  socket.on('data', (chunk) => {
    if (left === 0) {
      const head = chunk.indexOf('\\r\\n\\r\\n') + 4;
      left = workerData + head;
    }
    left -= chunk.length;
    if (left === 0) socket.write('HTTP/1.1 204 No Content\\r\\nx-connections: ' + connections + '\\r\\n\\r\\n');
  });
  socket.on('error', () => {});
}).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port); });
`;

/** How often a body of so many members is sent; the larger one is written in several pieces. */
const BODIES = [
  { members: MEMBERS, pushes: 30 },
  { members: Array.from({ length: 6 }, () => MEMBERS).flat(), pushes: 5 },
];

for (const { members, pushes } of BODIES) {
  const bytes = members.reduce((sum, { length }) => sum + length, 0);
  test(`a connection is used again although the response arrives together with the end of the write, ${bytes / 1e6} MB`, () =>
    sendAll(members, bytes, pushes));
}

async function sendAll(members: readonly Buffer[], bytes: number, pushes: number): Promise<void> {
  const receiver = new Worker(RECEIVER, { eval: true, workerData: bytes });
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent() };
  try {
    const [port] = await once(receiver, 'message');
    for (let push = 0; push < pushes; push++) {
      const { code, headers } = await exchange({
        method: 'POST',
        url: `http://127.0.0.1:${port}/`,
        headers: { 'content-length': bytes },
        pieces: members,
        agents,
        timeoutMs: 30_000,
        signal: AbortSignal.timeout(60_000),
      });
      assert.equal(code, 204);
      assert.equal(headers['x-connections'], '1', `push ${push}`);
    }
  } finally {
    agents.http.destroy();
    await receiver.terminate();
  }
}
