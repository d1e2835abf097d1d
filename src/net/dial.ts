import { connect, type Socket } from 'node:net';
import type { Address } from './literal-address.ts';

/**
 * Connects to one address, without name resolution or fallback. Rejects with the error of the socket, or with the
 * reason of `signal`. The socket has no error listener left: its user must add one.
 */
export function dial(address: Address, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.address, port, family: address.family, autoSelectFamily: false });
    socket.setNoDelay(true);
    settle(socket, 'connect', signal, resolve, reject);
  });
}

/** Waits for `event` on a socket; destroys it on failure or when `signal` fires. */
export function settle<S extends Socket>(
  socket: S,
  event: string,
  signal: AbortSignal,
  resolve: (socket: S) => void,
  reject: (cause: unknown) => void,
): void {
  const end = () => {
    signal.removeEventListener('abort', abort);
    socket.off(event, done);
    socket.off('close', closed);
  };
  const done = () => {
    end();
    socket.off('error', fail);
    resolve(socket);
  };
  // Stays registered: a socket may emit more than one error.
  const fail = (cause: unknown) => {
    end();
    socket.destroy();
    reject(cause);
  };
  const abort = () => fail(signal.reason);
  const closed = () => fail(Object.assign(new Error('the peer closed the connection'), { code: 'ECONNRESET' }));
  socket.on('error', fail);
  socket.once(event, done);
  socket.once('close', closed);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
}
