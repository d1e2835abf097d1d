import type { IncomingMessage, Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';

/** Of node:http; it answers what goes beyond by itself: 408 for what is slow, 431 for headers. */
export const LIMITS = {
  requestTimeout: 10_000,
  headersTimeout: 5000,
  keepAliveTimeout: 5000,
  maxHeaderSize: 8192,
  connectionsCheckingInterval: 2000,
};

/** A connection on which nothing moves is closed, also below an answer that its reader does not take. */
export const IDLE_MS = 30_000;

/** An answer that is not out by then is broken off: a reader of one byte a second would hold its memory for ever. */
export const ANSWER_MS = 120_000;

/** More than any request needs. */
export const MAX_BODY_BYTES = 64 * 1024;

/** With those that are still shaking hands. */
const MAX_SOCKETS = 4000;

/** Requests on one connection that are not answered yet. Only an attempt to fill memory sends more before the answer. */
const MAX_PIPELINED = 2;

/**
 * Bounds the connections. Beyond `most()`, the one that has waited longest for a request gives way: so a crowd that only
 * keeps connections open does not lock out the kubelet's probes.
 */
export function boundConnections(server: Server | TlsServer, most: () => number, tls: boolean): void {
  const waiting = new Set<Socket>();
  const asked = new WeakMap<Socket, number>();
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
  // Before the server's own listener, which would begin to answer.
  server.prependListener('request', ({ socket }, response) => {
    waiting.delete(socket);
    const unanswered = (asked.get(socket) ?? 0) + 1;
    asked.set(socket, unanswered);
    if (unanswered > MAX_PIPELINED) socket.destroy();
    response.once('close', () => {
      asked.set(socket, (asked.get(socket) ?? 1) - 1);
      if (!socket.destroyed) waiting.add(socket);
    });
  });
  server.maxConnections = MAX_SOCKETS;
}

/** Whether a request brings a body. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** The body of a request; undefined when it has more than `most` bytes. Rejects when the client breaks off. */
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
