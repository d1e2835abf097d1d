import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A connection to a server of this machine that can be cut. */
export interface TcpProxy {
  readonly port: number;
  /** From now on nothing passes in either direction, and no connection is closed, as with an unplugged cable. */
  cut(): void;
  /** New connections pass again; earlier ones are closed. */
  restore(): void;
}

/** Starts a proxy to `port`; it ends with the test. */
export async function startProxy(context: TestContext, port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let whole: boolean = true;
  const server = createServer((near) => {
    sockets.add(near);
    if (!whole) return;
    const far = connect(port, '127.0.0.1');
    sockets.add(far);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk) => whole && to.write(chunk));
      from.on('close', () => whole && to.destroy());
      from.on('error', () => to.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      whole = false;
    },
    restore() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      whole = true;
    },
  };
}
