import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A connection on which a test writes arbitrary bytes. */
export interface RawConnection {
  readonly socket: Socket;
  /** The received text. */
  readonly text: () => string;
  /** The status of the first response; rejects if the connection ends without one. */
  status(milliseconds?: number): Promise<number>;
  /** Resolves when the other side has closed it. */
  readonly closed: Promise<void>;
}

/** Connects to the server at `url`; the connection ends with the test. */
export async function rawConnection(context: TestContext, url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ''));
  context.after(() => socket.destroy());
  let text = '';
  const answered = Promise.withResolvers<number>();
  // Not every test awaits it.
  answered.promise.catch(() => undefined);
  socket.on('data', (chunk) => {
    if (text.length < 100_000) text += chunk.toString('latin1');
    const code = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
    if (code !== undefined) answered.resolve(Number(code));
  });
  // The server breaks the connection of requests that it refuses.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void closed.then(() => answered.reject(new Error('the connection was closed without a response')));
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed]);
  return {
    socket,
    text: () => text,
    closed,
    async status(milliseconds = 20_000) {
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => late.reject(new Error(`no response within ${milliseconds} ms`)), milliseconds);
      return Promise.race([answered.promise, late.promise]).finally(() => clearTimeout(timer));
    },
  };
}

/** The head of a request. */
export const head = (method: string, path: string, headers: Readonly<Record<string, string>> = {}): string =>
  [
    `${method} ${path} HTTP/1.1`,
    ...Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n');
