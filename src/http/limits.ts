import type { IncomingMessage, Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';

/**
 * Limits of node:http, which itself responds with 408 to slow requests and 431 to large headers. It checks for slow ones at an
 * interval, even without connections, and each check wakes the process.
 */
export const LIMITS = {
  requestTimeout: 10_000,
  headersTimeout: 5000,
  keepAliveTimeout: 5000,
  maxHeaderSize: 8192,
  connectionsCheckingInterval: 10_000,
};

/** An idle connection is closed, also while its reader does not accept a response. */
export const IDLE_MS = 30_000;

/**
 * A response that has not been sent by then is aborted: a reader of one byte a second would hold its memory forever.
 */
export const RESPONSE_MS = 120_000;

/** More than any request needs. */
export const MAX_BODY_BYTES = 64 * 1024;

/** Including connections still in the TLS handshake. */
const MAX_SOCKETS = 4000;

/** Maximum pipelined requests on one connection. Only an attempt to exhaust memory sends more. */
const MAX_PIPELINED = 2;

/**
 * Bounds the connections. Beyond `most()`, the one that has been idle longest is closed, so that clients that only keep
 * connections open do not lock out the kubelet's probes.
 */
export function boundConnections(server: Server | TlsServer, most: () => number, tls: boolean): void {
  const waiting = new Set<Socket>();
  const pending = new WeakMap<Socket, number>();
  let open = 0;
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    open++;
    waiting.add(socket);
    socket.once('close', () => {
      open--;
      waiting.delete(socket);
    });
    if (open > most()) waiting.values().next().value?.destroy();
  });
  // Runs before the server's own listener, which would start a response.
  server.prependListener('request', ({ socket }, response) => {
    waiting.delete(socket);
    const count = (pending.get(socket) ?? 0) + 1;
    pending.set(socket, count);
    if (count > MAX_PIPELINED) socket.destroy();
    response.once('close', () => {
      pending.set(socket, (pending.get(socket) ?? 1) - 1);
      if (!socket.destroyed) waiting.add(socket);
    });
  });
  server.maxConnections = MAX_SOCKETS;
}

/** Whether a request has a body. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** The body of a request; undefined if it has more than `most` bytes. Rejects if the client aborts. */
export async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > most) return undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  const pieces: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of pieces) {
    length += chunk.length;
    if (length > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
