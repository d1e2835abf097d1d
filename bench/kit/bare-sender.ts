// The cost of only sending a request body in Node.js: argv has the receiver's URL, the size of a body, and the
// milliseconds between two requests. One is sent before `ready`.

import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';

const [url = '', bytes, intervalMs] = process.argv.slice(2);
const body = randomBytes(Number(bytes));
const agent = new Agent({ keepAlive: true });

const send = () =>
  new Promise<void>((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent }, (response) => response.resume().once('end', resolve));
    sent.once('error', reject);
    sent.end(body);
  });

process.on('disconnect', () => process.exit());
await send();
process.send?.('ready');
for (;;) {
  await setTimeout(Number(intervalMs));
  await send();
}
