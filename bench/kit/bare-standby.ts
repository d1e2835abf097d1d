// The cost of an idle standby's requests in a Node.js that does nothing else: it follows the watches of argv, reads a
// Lease, and pushes its own metrics. argv has the API server's URL, the receiver's, and the paths of the watches.

import { Agent, request } from 'node:http';

const [api = '', receiver = '', ...paths] = process.argv.slice(2);

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/monitoring/leases/firesteel';
const LEASE_MS = 6000;
const PUSH_MS = 15_000;
/** About the size of an agent's own metrics, compressed. */
const body = Buffer.alloc(4000, 'x');
const agent = new Agent({ keepAlive: true });

// A server may close an idle connection just then; the next request opens another.
const exchange = (url: string, content?: Buffer) =>
  request(url, { method: content ? 'POST' : 'GET', agent }, (response) => response.resume())
    .on('error', () => {})
    .end(content);

for (const path of paths) {
  const url = `${api}${path}?watch=true&allowWatchBookmarks=true`;
  request(url, (response) => {
    response.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n')) if (line !== '') JSON.parse(line);
    });
  }).end();
}
setInterval(() => exchange(`${api}${LEASE}`), LEASE_MS);
setInterval(() => exchange(receiver, body), PUSH_MS);
process.on('disconnect', () => process.exit());
process.send?.('ready');
