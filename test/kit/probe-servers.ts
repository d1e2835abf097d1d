import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { fixture } from './host-tree.ts';

/** A certificate of test/fixtures/probe-tls with its key. */
export const certificate = (name: string) => ({
  cert: readFileSync(fixture(`probe-tls/${name}.crt`)),
  key: readFileSync(fixture(`probe-tls/${name}.key`)),
});

/** The certificate authority of those. */
export const CA_FILE = fixture('probe-tls/ca.crt');

/** Lets a server listen on 127.0.0.1 until the test ends; resolves to its port. */
async function listen(context: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** A web server; resolves to its port. */
export const webServer = (context: TestContext, handle: RequestListener) => listen(context, createServer(handle));

/** A web server with TLS. */
export const tlsWebServer = (context: TestContext, handle: RequestListener, name = 'server') =>
  listen(context, createHttpsServer(certificate(name), handle));

/** A TCP server; errors of its connections are ignored. */
export const tcpServer = (context: TestContext, handle: (socket: Socket) => void) =>
  listen(context, createTcpServer(handle));

/** The same with TLS. */
export const tlsTcpServer = (context: TestContext, handle: (socket: Socket) => void, name = 'server') =>
  listen(
    context,
    createTlsServer(certificate(name), (socket) => {
      socket.on('error', () => undefined);
      handle(socket);
    }),
  );
