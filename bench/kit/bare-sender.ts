// The cost of only sending pushes in Node.js: argv has the receiver's URL, the milliseconds between two pushes, and the
// sizes of the bodies of each push, which are sent concurrently. One push is sent before `ready`.

import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';

const [url = '', intervalMs, ...sizes] = process.argv.slice(2);
const bodies = sizes.map((size) => randomBytes(Number(size)));
const agent = new Agent({ keepAlive: true });

const send = (body: Buffer) =>
  new Promise<void>((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent }, (response) => response.resume().once('end', resolve));
    sent.once('error', reject);
    sent.end(body);
  });

const push = () => Promise.all(bodies.map(send));

process.on('disconnect', () => process.exit());
await push();
process.send?.('ready');
for (;;) {
  await setTimeout(Number(intervalMs));
  await push();
}
