import type { Server } from 'node:net';
import { errorCode, errorText } from './error-text.ts';

const DENIED = "Node's permission model denies access to the network; start node with --allow-net";

/**
 * Listens on a TCP port of `host`, or of all addresses if that is empty. Rejects with an Error whose message says why
 * that is impossible and what to do, without the address.
 */
export function listenAt(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (isNetDenied()) throw new Error(DENIED);
    // Stays: a connection that can't be accepted later is no reason to end.
    server.on('error', (cause) => reject(new Error(reasonOf(cause))));
    server.listen(port, host === '' ? undefined : host, resolve);
  });
}

/**
 * Whether Node's permission model denies listening. For an address, listen() throws that in a later turn, where nobody
 * can catch it. Versions before 25 do not restrict the network, but say that it is denied.
 */
const isNetDenied = (): boolean =>
  process.permission?.has('net') === false && process.allowedNodeEnvironmentFlags.has('--allow-net');

function reasonOf(cause: Error): string {
  const code = errorCode(cause);
  const hint = code === 'EADDRINUSE' ? 'another process has that port' : (code ?? errorText(cause));
  return `${hint}; choose another address`;
}
