import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PodInfo } from '../../src/kube/pod-info.ts';

/** A state agent that knows the generated pods. */
export async function servePods(pods: readonly PodInfo[]): Promise<{ url: string; close(): void }> {
  const body = JSON.stringify({ nodeName: '', resourceVersion: '1', pods });
  const server = createServer((request, response) => {
    const known = request.headers['if-none-match'] === '"1"';
    response.writeHead(known ? 304 : 200, { etag: '"1"', 'content-type': 'application/json' });
    response.end(known ? undefined : body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
