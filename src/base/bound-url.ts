import type { Server } from 'node:net';

/** The URL of a server that listens on a TCP port. Throws Error when it does not. */
export function boundUrl(server: Server, scheme: 'http' | 'https'): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${scheme}://${host}:${address.port}`;
}
