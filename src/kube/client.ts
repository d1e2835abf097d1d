import type { IncomingMessage } from 'node:http';
import { retryAfterMs } from '../base/backoff.ts';
import { monotonicMs, wallMs } from '../base/clock.ts';
import { turn } from '../base/turns.ts';
import { ApiBodyError, ApiError, type KubeApi, type KubeRequest } from './api.ts';
import { chunksOf, unreachable } from './chunks.ts';
import { Connection } from './connection.ts';
import { openResponse, readWhole } from './http-exchange.ts';
import { type ClusterSettings, loadKubeConfig } from './kubeconfig.ts';

/** Limits of one request; everything except the tests uses the defaults. */
export interface ClientLimits {
  /** For a complete response. */
  readonly requestMs: number;
  /** For the headers of a streamed response. */
  readonly headersMs: number;
  /** Of a complete response. */
  readonly bodyBytes: number;
}

const DEFAULT_LIMITS: ClientLimits = { requestMs: 60_000, headersMs: 30_000, bodyBytes: 16 * 1024 * 1024 };
const ERROR_BODY_BYTES = 4096;

/**
 * The API server via plain JSON over persistent connections.
 *
 * The client library is not used for requests: its Watch opens a TLS connection for each watch, may use HTTP/2 without
 * being asked, silently drops malformed lines, has no limit on line length, and reduces a refusal to its status, so
 * that Retry-After and the reason are lost.
 */
export class KubeClient implements KubeApi {
  readonly #connection: Connection;
  readonly #limits: ClientLimits;

  constructor(connection: Connection, limits: Partial<ClientLimits> = {}) {
    this.#connection = connection;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** Resolves the cluster now instead of at the first request. Throws ApiUnreachable when none is found. */
  locate(): void {
    this.#connection.locate();
  }

  async json<T>(request: KubeRequest): Promise<T> {
    const { requestMs, bodyBytes } = this.#limits;
    const began = monotonicMs();
    const { response, url } = await this.#open(request, requestMs);
    const { text, isWhole } = await this.#read(response, url, bodyBytes, requestMs - (monotonicMs() - began));
    if (!isWhole) throw new ApiBodyError(url, 'too-large', `response is larger than ${bodyBytes} bytes`);
    try {
      return JSON.parse(text);
    } catch {
      throw new ApiBodyError(url, 'malformed', `response is not JSON: ${text.slice(0, 100)}`);
    }
  }

  async stream(request: KubeRequest, idleMs: number): Promise<AsyncIterable<Buffer>> {
    const { response, url } = await this.#open(request, this.#limits.headersMs);
    return chunksOf(response, url, idleMs);
  }

  #read(response: IncomingMessage, url: string, limit: number, deadlineMs: number) {
    return readWhole(response, limit, deadlineMs).catch((cause: unknown) => {
      throw unreachable(url, cause);
    });
  }

  /** Closes all connections; running requests fail. */
  close(): void {
    this.#connection.close();
  }

  /** Sends the request; resolves once the headers of a 2xx response have arrived. */
  async #open(
    { method = 'GET', path, query = {}, accept = 'application/json', bulk = false, body, signal }: KubeRequest,
    headersMs: number,
  ): Promise<{ response: IncomingMessage; url: string }> {
    const session = await this.#connection.session();
    // An agent makes dozens of concurrent requests at startup.
    await turn();
    signal.throwIfAborted();
    const target = new URL(session.server + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    const url = `${method} ${target.origin}${target.pathname}`;
    const response = await openResponse({
      ...{ method, url: target, body, headersMs, signal },
      // Compressing a list takes the API server longer than sending it over the cluster network, and us as long to
      // decompress.
      headers: { ...session.headers, accept, 'accept-encoding': 'identity' },
      agents: bulk ? session.bulk : session.direct,
    }).catch((cause: unknown) => {
      throw unreachable(url, cause);
    });
    const coding = response.headers['content-encoding'] ?? 'identity';
    if (coding !== 'identity') {
      response.destroy();
      throw new ApiBodyError(url, 'malformed', `unrequested content encoding ${coding}`);
    }
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return { response, url };
    const { text } = await this.#read(response, url, ERROR_BODY_BYTES, this.#limits.headersMs);
    if (status === 401) this.#connection.renew();
    throw new ApiError(url, status, text, retryAfterMs(response.headers['retry-after'], wallMs()));
  }
}

/** The client for the cluster that `settings` specify. Nothing is read or sent before the first request. */
export const kubeClient = (settings: ClusterSettings): KubeClient =>
  new KubeClient(new Connection(() => loadKubeConfig(settings)));
