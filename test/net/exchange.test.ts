import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { exchange } from '../../src/net/exchange.ts';

/** Larger than the buffers of a socket, in pieces as small as those of a cluster's state. */
const MEMBERS = Array.from({ length: 1000 }, (_, index) => Buffer.alloc(6000, index));
const BYTES = MEMBERS.reduce((sum, { length }) => sum + length, 0);

/** Responds as soon as it has the last byte of a request. In a thread of its own, as a receiver is another process. */
const RECEIVER = `
const { parentPort } = require('node:worker_threads');
let connections = 0;
require('node:net').createServer((socket) => {
  connections++;
  let left = 0;
  socket.on('data', (chunk) => {
    if (left === 0) {
      const head = chunk.indexOf('\\r\\n\\r\\n') + 4;
      left = ${BYTES} + head;
    }
    left -= chunk.length;
    if (left === 0) socket.write('HTTP/1.1 204 No Content\\r\\nx-connections: ' + connections + '\\r\\n\\r\\n');
  });
  socket.on('error', () => {});
}).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port); });
`;

test('a connection is used again although the response arrives together with the end of the write', async () => {
  const receiver = new Worker(RECEIVER, { eval: true });
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent() };
  try {
    const [port] = await once(receiver, 'message');
    for (let push = 0; push < 30; push++) {
      const { code, headers } = await exchange(
        {
          method: 'POST',
          url: `http://127.0.0.1:${port}/`,
          headers: { 'content-length': BYTES },
          members: MEMBERS,
          agents,
          timeoutMs: 30_000,
          signal: AbortSignal.timeout(60_000),
        },
        () => {},
      );
      assert.equal(code, 204);
      assert.equal(headers['x-connections'], '1', `push ${push}`);
    }
  } finally {
    agents.http.destroy();
    await receiver.terminate();
  }
});
