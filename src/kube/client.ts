import type { IncomingMessage } from 'node:http';
import { turn } from '../base/turns.ts';
import { ApiBodyError, ApiError, ApiUnreachable, type KubeApi, type KubeRequest, retryAfterMs } from './api.ts';
import { Connection } from './connection.ts';
import { exchange, TimeoutError } from './http-exchange.ts';
import { type ClusterSettings, loadKubeConfig } from './kubeconfig.ts';

/** Bounds of one request; all but the tests take the defaults. */
export interface ClientLimits {
  /** For a whole answer. */
  readonly requestMs: number;
  /** For the headers of a streamed answer. */
  readonly headersMs: number;
  /** Of a whole answer. */
  readonly bodyBytes: number;
}

const DEFAULT_LIMITS: ClientLimits = { requestMs: 60_000, headersMs: 30_000, bodyBytes: 16 * 1024 * 1024 };
const ERROR_BODY_BYTES = 4096;

/**
 * The API server by plain JSON over kept connections.
 *
 * The client library is not used for requests: its Watch opens a TLS connection for each watch, may speak HTTP/2
 * unasked, drops malformed lines silently, has no bound for a line, and reduces a refusal to its status, so that
 * Retry-After and the reason are lost.
 */
export class KubeClient implements KubeApi {
  readonly #connection: Connection;
  readonly #limits: ClientLimits;

  constructor(connection: Connection, limits: Partial<ClientLimits> = {}) {
    this.#connection = connection;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** Looks for the cluster now, not only at the first request. Throws ApiUnreachable when there is none to be found. */
  locate(): void {
    this.#connection.locate();
  }

  async json<T>(request: KubeRequest): Promise<T> {
    const { requestMs, bodyBytes } = this.#limits;
    const began = performance.now();
    const { response, url } = await this.#open(request, requestMs);
    const late = setTimeout(
      () => response.destroy(new TimeoutError('whole answer', requestMs)),
      requestMs - (performance.now() - began),
    );
    const { text, whole } = await readBody(chunks(response, url, requestMs), bodyBytes).finally(() =>
      clearTimeout(late),
    );
    if (!whole) throw new ApiBodyError(url, 'too-large', `answer is larger than ${bodyBytes} bytes`);
    try {
      return JSON.parse(text);
    } catch {
      throw new ApiBodyError(url, 'malformed', `answer is not JSON: ${text.slice(0, 100)}`);
    }
  }

  async stream(request: KubeRequest, idleMs: number): Promise<AsyncIterable<Buffer>> {
    const { response, url } = await this.#open(request, this.#limits.headersMs);
    return chunks(response, url, idleMs);
  }

  /** Closes all connections; running requests fail. */
  close(): void {
    this.#connection.close();
  }

  /** Sends the request; resolves at the headers of a 2xx answer. */
  async #open(
    { method = 'GET', path, query = {}, accept = 'application/json', bulk = false, body, signal }: KubeRequest,
    headersMs: number,
  ): Promise<{ response: IncomingMessage; url: string }> {
    const session = await this.#connection.session();
    // An agent that starts makes dozens of requests at once.
    await turn();
    signal.throwIfAborted();
    const target = new URL(session.server + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    const url = `${method} ${target.origin}${target.pathname}`;
    const response = await exchange({
      ...{ method, target, body, headersMs, signal },
      // To pack a list takes the API server longer than a cluster's network takes to send it, and us as long to unpack.
      headers: { ...session.headers, accept, 'accept-encoding': 'identity' },
      agent: bulk ? session.bulk : session.direct,
    }).catch((cause: unknown) => {
      throw unreachable(url, cause);
    });
    const coding = response.headers['content-encoding'] ?? 'identity';
    if (coding !== 'identity') {
      response.destroy();
      throw new ApiBodyError(url, 'malformed', `the answer is packed with ${coding}, which was not asked for`);
    }
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return { response, url };
    const { text } = await readBody(chunks(response, url, this.#limits.headersMs), ERROR_BODY_BYTES);
    if (status === 401) this.#connection.renew();
    throw new ApiError(url, status, text, retryAfterMs(response.headers['retry-after'], Date.now()));
  }
}

/** The client for the cluster that `settings` name. Nothing is read or sent before the first request. */
export const kubeClient = (settings: ClusterSettings): KubeClient =>
  new KubeClient(new Connection(() => loadKubeConfig(settings)));

/** The stream's bytes; ends it when the reader leaves or nothing came for `idleMs`. */
async function* chunks(stream: IncomingMessage, url: string, idleMs: number): AsyncGenerator<Buffer> {
  let dead: ApiUnreachable | undefined;
  const timer = setTimeout(() => {
    dead = new ApiUnreachable(url, 'EIDLE', `nothing came for ${idleMs} ms`);
    stream.destroy(dead);
  }, idleMs);
  try {
    for await (const chunk of stream) {
      timer.refresh();
      yield chunk;
    }
  } catch (cause) {
    throw dead ?? unreachable(url, cause);
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
}

/** The body as text; its beginning when it is larger than `limit`. */
async function readBody(body: AsyncIterable<Buffer>, limit: number): Promise<{ text: string; whole: boolean }> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    parts.push(part);
    size += part.length;
    if (size > limit) break;
  }
  return { text: Buffer.concat(parts).toString(), whole: size <= limit };
}

/** Whatever an error holds beyond them, only code and message are taken over: no request, and so no token. */
function unreachable(url: string, cause: unknown): ApiUnreachable {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new ApiUnreachable(url, code ?? 'ERROR', message);
}
