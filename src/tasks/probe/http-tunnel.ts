import { request } from 'node:http';
import type { Socket } from 'node:net';
import { ProbeFailure } from './failure.ts';

/**
 * Requests a tunnel to the host of `url` from the proxy at the other end of `socket`. Afterwards the socket is the
 * tunnel.
 */
export function openTunnel(
  socket: Socket,
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const target = `${url.hostname}:${url.port || 443}`;
  return new Promise((resolve, reject) => {
    const sent = request({
      createConnection: () => socket,
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...headers },
      setHost: false,
    });
    const end = (cause?: unknown) => {
      signal.removeEventListener('abort', abort);
      if (cause === undefined) return resolve();
      socket.destroy();
      reject(cause);
    };
    const abort = () => end(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    sent.on('error', end);
    sent.once('response', ({ statusCode }) => end(refusal(statusCode, target)));
    sent.once('connect', ({ statusCode = 0 }) => {
      end(statusCode === 200 ? undefined : refusal(statusCode, target));
    });
    sent.end();
  });
}

const refusal = (status: number | undefined, target: string): ProbeFailure =>
  new ProbeFailure('unreachable', `the proxy returned ${status} to the request for a tunnel to ${target}`);
