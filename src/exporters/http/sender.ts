import type { ClientRequest } from 'node:http';
import { retryAfterMs } from '../../base/backoff.ts';
import { monotonicMs, secondsSince } from '../../base/clock.ts';
import { errorCode, errorText } from '../../base/error-text.ts';
import type { Compression } from '../../metrics/compression.ts';
import { exchange, type Response } from '../../net/exchange.ts';
import { type AgentPair, StageTimeout } from '../../net/staged-request.ts';
import { wireBytes } from '../exporter.ts';
import { HttpAgents } from './agents.ts';
import { Credentials } from './credentials.ts';
import { receiverMessage, withoutQueries } from './response-text.ts';
import type { AttemptResult } from './responses.ts';
import type { HttpSettings } from './settings.ts';

const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

/** One upload. */
export interface Upload {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  /** Content-Encoding; no such header for `none`. */
  readonly compression: Compression | 'snappy' | 'none';
  /** The text format when unset. */
  readonly contentType?: string;
  /** Additional headers, in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body, in this order. */
  readonly members: readonly Buffer[];
  readonly timeoutMs: number;
  /** Also returns {@link UploadAttempt.body} of the response, up to this length. */
  readonly responseBytes?: number;
  /** Called before a retry: the process may have been suspended for long during the first attempt. */
  readonly mayPush?: (() => boolean) | undefined;
}

/** A response, with the details of the attempt that the self metrics need. */
export interface UploadAttempt extends AttemptResult {
  readonly durationSeconds: number;
  /** How far the receiver's clock is ahead of ours, from its Date header (in whole seconds). */
  readonly clockSkewSeconds?: number;
  /** Whether a keep-alive connection turned out to be dead, and the upload was retried on a new one. */
  readonly wasReset?: boolean;
  /** Headers of the response, in lower case. */
  readonly headers?: Response['headers'];
  /** The whole body of the response, if requested with {@link Upload.responseBytes}. */
  readonly body?: string;
}

/** Sends single uploads to one receiver. Never throws: every failure is a result. */
export class Sender {
  readonly #agents: HttpAgents;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #credentials: Credentials;
  readonly #now: () => number;

  constructor(
    settings: Pick<HttpSettings, 'auth' | 'headers' | 'headerFiles' | 'tls'>,
    now: () => number,
    env: NodeJS.ProcessEnv,
  ) {
    this.#agents = new HttpAgents(settings.tls, env);
    this.#headers = settings.headers;
    this.#credentials = new Credentials(settings);
    this.#now = now;
  }

  /**
   * One attempt. A retry follows immediately, on a new socket, when a keep-alive socket broke: the receiver had just
   * closed it. `signal` aborts it, at the end of the process only: receivers store the first half of a half-sent body.
   */
  async send(upload: Upload, signal: AbortSignal): Promise<UploadAttempt> {
    const started = monotonicMs();
    const seconds = () => secondsSince(started);
    const seen: { request?: ClientRequest } = {};
    let wasReset: boolean = false;
    let proxy: string | undefined;
    const common = () => ({
      wasReset,
      durationSeconds: seconds(),
      credentials: this.#credentials.settings,
      ...(proxy !== undefined && { proxy }),
    });
    try {
      proxy = this.#agents.proxyFor(upload.url)?.shown;
      let response: Response;
      try {
        response = await this.#request(upload, this.#agents.kept(upload.url), signal, seen);
      } catch (cause) {
        if (!isDeadSocket(cause, seen.request) || upload.mayPush?.() === false) throw cause;
        wasReset = true;
        response = await this.#request(upload, this.#agents.fresh(upload.url), signal, seen);
      }
      return {
        ...this.#resultOf(response),
        ...(upload.responseBytes !== undefined && { body: response.body.toString() }),
        ...common(),
      };
    } catch (cause) {
      return { ...failureOf(cause, upload.timeoutMs, proxy), ...common() };
    }
  }

  close(): void {
    this.#agents.close();
  }

  #request(
    upload: Upload,
    agents: AgentPair,
    signal: AbortSignal,
    seen: { request?: ClientRequest },
  ): Promise<Response> {
    const { method, url, members: pieces, timeoutMs, responseBytes: maxResponseBytes } = upload;
    const headers = {
      ...this.#headers,
      ...upload.headers,
      ...this.#credentials.headers,
      'user-agent': 'firesteel',
      'content-type': upload.contentType ?? TEXT_FORMAT,
      ...(upload.compression !== 'none' && { 'content-encoding': upload.compression }),
      'content-length': wireBytes(upload),
    };
    return exchange({ method, url, headers, pieces, agents, timeoutMs, maxResponseBytes, signal }, (request) => {
      seen.request = request;
    });
  }

  #resultOf({ code, headers, body }: Response): Omit<UploadAttempt, 'durationSeconds'> {
    const wait = retryAfterMs(headers['retry-after'], this.#now());
    const date = headers.date === undefined ? Number.NaN : Date.parse(headers.date);
    const { text, isPage } = receiverMessage(this.#credentials.hidden(body.toString()), headers['content-type']);
    const location =
      code >= 300 && code < 400 && headers.location
        ? `to ${this.#credentials.hidden(withoutQueries(headers.location))}`
        : '';
    return {
      code,
      headers,
      text: location || text,
      isPage,
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
      ...(Number.isNaN(date) ? {} : { clockSkewSeconds: (date - this.#now()) / 1000 }),
    };
  }
}

/** A keep-alive socket that the receiver closed while the request was in transit: it processed nothing of it. */
const isDeadSocket = (cause: unknown, request: ClientRequest | undefined): boolean =>
  /^(?:ECONNRESET|EPIPE)$/.test(errorCode(cause) ?? '') && request?.reusedSocket === true;

function failureOf(
  cause: unknown,
  timeoutMs: number,
  proxy: string | undefined,
): Pick<UploadAttempt, 'code' | 'failure' | 'text'> {
  const through = proxy === undefined ? '' : `through the proxy ${proxy}: `;
  if (cause instanceof StageTimeout) {
    return cause.stage === 'connect'
      ? { code: 'error', failure: 'network', text: `${through}no connection (${cause.message})` }
      : { code: 'error', failure: 'timeout', text: `${through}no response within ${timeoutMs} ms (${cause.message})` };
  }
  const [code = '', message] = [errorCode(cause), errorText(cause)];
  const { text } = receiverMessage(code === '' ? message : `${code}: ${message}`);
  return { code: 'error', failure: 'network', text: text.startsWith('the proxy') ? text : through + text };
}
