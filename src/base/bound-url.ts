import type { AddressInfo, Server } from 'node:net';

/** The address and port that a server listens on. Throws Error when it listens on no TCP port. */
export function boundAddress(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address;
}

/** The URL of a server that listens on a TCP port. Throws Error when it does not. */
export function boundUrl(server: Server, scheme: 'http' | 'https'): string {
  const { address, family, port } = boundAddress(server);
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
