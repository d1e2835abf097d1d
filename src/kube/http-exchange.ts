import { type ClientRequest, type Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { asError } from '../base/error-text.ts';
import { joined } from '../base/joined.ts';

/** One request, ready to send. */
interface Exchange {
  readonly method: string;
  readonly target: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: object | undefined;
  readonly agent: { readonly http: HttpAgent; readonly https: HttpsAgent };
  /** From the connection to the headers of the response. */
  readonly headersMs: number;
  readonly signal: AbortSignal;
}

/** DNS lookup, TCP and TLS. */
const CONNECT_MS = 10_000;

/** A timeout. */
class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ETIMEDOUT';

  constructor(what: string, milliseconds: number) {
    super(`no ${what} within ${milliseconds} ms`);
  }
}

/**
 * Sends a request; resolves at the headers of the response, whatever its status. The signal aborts it at any time.
 *
 * This uses Node's own client instead of got: a state agent requests its Lease every second or two, and got took a
 * quarter of an idle standby's CPU. It also passed each part of a list through one more stream.
 */
export function openResponse({
  method,
  target,
  headers,
  body,
  agent,
  headersMs,
  signal,
}: Exchange): Promise<IncomingMessage> {
  const isSecure = target.protocol === 'https:';
  const text = body && JSON.stringify(body);
  const content = text !== undefined && {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
  };
  const options = { method, headers: { ...headers, ...content } };
  const request = isSecure
    ? httpsRequest(target, { ...options, agent: agent.https })
    : httpRequest(target, { ...options, agent: agent.http });
  const response = responseOf(request, isSecure ? 'secureConnect' : 'connect', headersMs);
  // Node's own option `signal` observes the whole stream, which takes longer than the rest of the exchange.
  const cut = () => request.destroy(asError(signal.reason));
  signal.addEventListener('abort', cut, { once: true });
  request.once('close', () => signal.removeEventListener('abort', cut));
  request.end(text);
  return response;
}

/**
 * The whole body as text, read within `deadlineMs`; truncated, and the connection closed, when it is larger than `limit`
 * bytes. Rejects when the connection breaks or the deadline passes.
 */
export function readWhole(
  response: IncomingMessage,
  limit: number,
  deadlineMs: number,
): Promise<{ readonly text: string; readonly whole: boolean }> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const late = setTimeout(() => response.destroy(new TimeoutError('complete response', deadlineMs)), deadlineMs);
    const end = (whole: boolean) => {
      clearTimeout(late);
      resolve({ text: joined(parts).toString(), whole });
    };
    response.on('data', (part: Buffer) => {
      parts.push(part);
      size += part.length;
      if (size <= limit) return;
      end(false);
      response.destroy();
    });
    response.once('end', () => end(true));
    response.on('error', reject);
    // After `end` neither has an effect.
    response.once('close', () => {
      clearTimeout(late);
      reject(new Error('the connection was closed before the end of the response'));
    });
  });
}

/** Time spent waiting for one of few connections does not count. */
function responseOf(
  request: ClientRequest,
  connected: 'connect' | 'secureConnect',
  headersMs: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const expect = (what: string, milliseconds: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => request.destroy(new TimeoutError(what, milliseconds)), milliseconds);
    };
    request.once('socket', (socket: Socket) => {
      if (!socket.connecting) return expect('response', headersMs);
      expect('connection', CONNECT_MS);
      socket.once(connected, () => expect('response', headersMs));
    });
    request.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    // Not removed: a connection may break after the response has begun, and the reader gets that error.
    request.on('error', (cause) => {
      clearTimeout(timer);
      reject(cause);
    });
    request.once('close', () => clearTimeout(timer));
  });
}
