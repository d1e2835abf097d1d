import { type ClientRequest, request } from 'node:http';
import type { TestContext } from 'node:test';
import { type Receiver, type ReceiverLimits, startReceiver } from '../../src/receiver/server.ts';

/** The initial clock of every test. */
export const NOW = Date.UTC(2026, 10, 21);

/** A receiver on a free port, closed after the test; its clock is `clock.now`. */
export async function receiver(
  context: TestContext,
  limits: Partial<ReceiverLimits> = {},
  clock = { now: NOW },
): Promise<Receiver> {
  const abort = new AbortController();
  const started = await startReceiver({
    host: '127.0.0.1',
    port: 0,
    now: () => clock.now,
    signal: abort.signal,
    limits: { closeTimeoutMs: 100, ...limits },
  });
  context.after(() => started.close());
  return started;
}

/** A response of the receiver. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly location: string | undefined;
}

/** The request to send; unlike with fetch, the path is sent unchanged. */
export interface Send {
  readonly method?: string;
  readonly path: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends one request on its own connection. */
export function send(url: string, { method = 'POST', path, body = 'a_b 1\n', headers = {} }: Send): Promise<Answer> {
  return new Promise((resolve, reject) => {
    open(url, method, path, { 'content-length': String(Buffer.byteLength(body)), ...headers }, resolve, reject).end(
      body,
    );
  });
}

/** Opens a request whose body the test writes. */
export function open(
  url: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  onAnswer: (answer: Answer) => void,
  onError: (error: Error) => void,
): ClientRequest {
  const { hostname, port } = new URL(url);
  const sent = request({ hostname, port, method, path, headers, agent: false }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    response.on('error', onError);
    response.on('end', () => onAnswer({ status: response.statusCode ?? 0, text, location: response.headers.location }));
  });
  return sent.on('error', onError);
}

/** The series of one target as lines, sorted. */
export function seriesOf(store: Receiver['store'], protocol: 'vm' | 'pushgateway', labels: object): string[] {
  const target = store.find(protocol, new Map(Object.entries(labels)));
  const families = [...(target?.families.values() ?? [])];
  return families.flatMap(({ series }) => [...series.values()].map(({ key, value }) => `${key} ${value}`)).sort();
}
