import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A connection on which a test writes what it likes. */
export interface RawConnection {
  readonly socket: Socket;
  /** What has come back. */
  readonly text: () => string;
  /** The status of the first answer; rejects when the connection ends without one. */
  status(milliseconds?: number): Promise<number>;
  /** Resolves when the other side has closed it. */
  readonly closed: Promise<void>;
}

/** Connects to the server at `url`; the connection ends with the test. */
export async function rawConnection(context: TestContext, url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  context.after(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk) => {
    if (text.length < 100_000) text += chunk.toString('latin1');
  });
  // The server breaks off what it does not like.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed]);
  return {
    socket,
    text: () => text,
    closed,
    async status(milliseconds = 20_000) {
      const deadline = AbortSignal.timeout(milliseconds);
      for (;;) {
        const code = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
        if (code !== undefined) return Number(code);
        if (socket.destroyed) throw new Error('the connection was closed without an answer');
        if (deadline.aborted) throw new Error(`no answer within ${milliseconds} ms`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
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
