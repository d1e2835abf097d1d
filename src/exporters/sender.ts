import type { ClientRequest } from 'node:http';
import got, { type Progress, RequestError, type Response, TimeoutError } from 'got';
import type { ExporterSettings } from '../config/schema.ts';
import type { Compression } from '../metrics/compression.ts';
import { Agents } from './agents.ts';
import type { Answer } from './answers.ts';
import { retryAfterMs } from './backoff.ts';
import { Credentials } from './credentials.ts';
import { wireBytes } from './exporter.ts';

/** What is handed to the socket at a time; a write of its own for each member would cost three times the CPU. */
const PIECE_BYTES = 512 * 1024;

const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

/** More than a receiver says; an error page beyond it is cut off. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** One upload. */
export interface Upload {
  readonly method: 'POST' | 'PUT';
  readonly url: string;
  /** Content-Encoding. */
  readonly compression: Compression | 'snappy';
  /** The text format when unset. */
  readonly contentType?: string;
  /** The body, in this order. */
  readonly members: readonly Buffer[];
  readonly timeoutMs: number;
  /** Asked before a second try: the process may have been stopped for long during the first. */
  readonly mayPush?: (() => boolean) | undefined;
}

/** An answer and what the self metrics want to know of the try. */
export interface Tried extends Answer {
  readonly durationSeconds: number;
  /** How far the receiver's clock is ahead of ours, from its Date header (which has whole seconds). */
  readonly clockSkewSeconds?: number;
  /** Whether a kept connection turned out to be dead, and the upload was made again on a new one. */
  readonly wasReset?: boolean;
}

/** Sends single uploads to one receiver. Never throws: every failure is an answer. */
export class Sender {
  readonly #agents: Agents;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #credentials: Credentials;
  readonly #now: () => number;

  constructor(settings: ExporterSettings, now: () => number, env: NodeJS.ProcessEnv) {
    this.#agents = new Agents(settings.tls, env);
    this.#headers = settings.headers;
    this.#credentials = new Credentials(settings.auth);
    this.#now = now;
  }

  /**
   * One try; a second at once, on a new socket, when a kept socket broke: the receiver had just closed it. `signal`
   * cuts it off, which is for the end of the process only: receivers keep a half-sent body's first half.
   */
  async send(upload: Upload, signal: AbortSignal): Promise<Tried> {
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    const seen: { request?: ClientRequest } = {};
    let wasReset: boolean = false;
    try {
      let response: Response<string>;
      try {
        response = await this.#request(upload, this.#agents.kept, signal, seen);
      } catch (cause) {
        if (!isDeadSocket(cause, seen.request) || upload.mayPush?.() === false) throw cause;
        wasReset = true;
        response = await this.#request(upload, this.#agents.fresh(), signal, seen);
      }
      return { ...this.#answerOf(response), wasReset, durationSeconds: seconds() };
    } catch (cause) {
      return { ...failureOf(cause, upload.timeoutMs), wasReset, durationSeconds: seconds() };
    }
  }

  close(): void {
    this.#agents.close();
  }

  async #request(
    upload: Upload,
    agent: Agents['kept'],
    signal: AbortSignal,
    seen: { request?: ClientRequest },
  ): Promise<Response<string>> {
    const tooMuch = new AbortController();
    const length = wireBytes(upload);
    const request = got(upload.url, {
      method: upload.method,
      body: pieces(upload.members, length),
      headers: {
        ...this.#headers,
        ...this.#credentials.headers,
        'user-agent': 'firesteel',
        'content-type': upload.contentType ?? TEXT_FORMAT,
        'content-encoding': upload.compression,
        'content-length': String(length),
      },
      agent,
      followRedirect: false,
      throwHttpErrors: false,
      retry: { limit: 0 },
      // Sending is given long: receivers answer 204 to a body that is cut off, and keep half of its last number.
      timeout: { lookup: 5000, connect: 5000, secureConnect: 5000, send: 60_000, response: upload.timeoutMs },
      signal: AbortSignal.any([signal, tooMuch.signal]),
    });
    request.on('request', (made: ClientRequest) => {
      seen.request = made;
    });
    request.on('downloadProgress', ({ transferred }: Progress) => {
      if (transferred > MAX_ANSWER_BYTES) tooMuch.abort();
    });
    return (await request) as Response<string>;
  }

  #answerOf(response: Response<string>): Omit<Tried, 'durationSeconds'> {
    const { statusCode: code, headers, body } = response;
    const wait = retryAfterMs(headers['retry-after'], this.#now());
    const date = headers.date === undefined ? Number.NaN : Date.parse(headers.date);
    const location = code >= 300 && code < 400 && headers.location ? `to ${headers.location}` : '';
    return {
      code,
      text: oneLine(body) || location,
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
      ...(Number.isNaN(date) ? {} : { clockSkewSeconds: (date - this.#now()) / 1000 }),
    };
  }
}

/**
 * The members in pieces, all of them in one buffer: got takes the next one when the one before is written. Handed over
 * whole, a body would be copied by got, in case a hook changes it before a redirect.
 */
function* pieces(members: readonly Buffer[], length: number): Generator<Buffer> {
  const piece = Buffer.allocUnsafe(Math.min(length, PIECE_BYTES));
  let filled = 0;
  for (const member of members) {
    for (let start = 0; start < member.length; ) {
      const copied = member.copy(piece, filled, start);
      start += copied;
      filled += copied;
      if (filled < piece.length) continue;
      yield piece;
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

const oneLine = (text: string): string => text.slice(0, 300).replace(/\s+/g, ' ').trim();

/** A kept socket that the receiver closed while the request was on its way: nothing of it was taken. */
const isDeadSocket = (cause: unknown, request: ClientRequest | undefined): boolean =>
  cause instanceof RequestError && /^(?:ECONNRESET|EPIPE)$/.test(cause.code) && request?.reusedSocket === true;

/** Only code and message of got's errors: the rest holds the request's headers. */
function failureOf(cause: unknown, timeoutMs: number): Pick<Tried, 'code' | 'failure' | 'text'> {
  if (cause instanceof TimeoutError) {
    const connecting = cause.event === 'lookup' || cause.event === 'connect' || cause.event === 'secureConnect';
    return connecting
      ? { code: 'error', failure: 'network', text: `no connection (${cause.message})` }
      : { code: 'error', failure: 'timeout', text: `no answer within ${timeoutMs} ms (${cause.event})` };
  }
  const code = cause instanceof RequestError ? `${cause.code}: ` : '';
  return {
    code: 'error',
    failure: 'network',
    text: oneLine(code + (cause instanceof Error ? cause.message : String(cause))),
  };
}
