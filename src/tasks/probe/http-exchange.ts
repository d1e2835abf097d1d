import { type IncomingHttpHeaders, request } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** A request as sent over a connection. */
interface Ask {
  readonly method: string;
  readonly url: URL;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>> & { readonly host: string };
  readonly payload?: string;
  /** Whether the request line contains the complete URL, as required by proxies. */
  readonly isForProxy?: boolean;
}

/** The header of a response. */
export interface ProbeResponse {
  readonly status: number;
  readonly version: number;
  readonly headers: IncomingHttpHeaders;
  /** As in Go: -1 if it is not known before the end. */
  readonly contentLength: number;
  readonly body: Readable;
}

/** Go's limit is a megabyte. */
const MAX_HEADER_BYTES = 1024 * 1024;

/** Sends a request over its own connection, and resolves when the header of the response has been received. */
export function ask(
  socket: Socket,
  protocol: string | undefined,
  what: Ask,
  signal: AbortSignal,
): Promise<ProbeResponse> {
  return protocol === 'h2' ? askHttp2(socket, what, signal) : askHttp1(socket, what, signal);
}

function askHttp1(
  socket: Socket,
  { method, url, headers, payload, isForProxy }: Ask,
  signal: AbortSignal,
): Promise<ProbeResponse> {
  return new Promise((resolve, reject) => {
    const sent = request({
      createConnection: () => socket,
      method,
      path: isForProxy ? url.href.replace(/#.*$/, '') : `${url.pathname}${url.search}`,
      headers: { ...headers, ...(payload !== undefined && { 'content-length': Buffer.byteLength(payload) }) },
      setHost: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      joinDuplicateHeaders: true,
    });
    const abort = () => {
      sent.destroy();
      reject(signal.reason);
    };
    const done = (result: ProbeResponse) => {
      signal.removeEventListener('abort', abort);
      resolve(result);
    };
    const fail = (cause: unknown) => {
      signal.removeEventListener('abort', abort);
      reject(cause);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    sent.on('error', fail);
    sent.once('upgrade', (response, upgraded) => {
      upgraded.destroy();
      done({ status: 101, version: 1.1, headers: response.headers, contentLength: 0, body: response });
    });
    sent.once('response', (response) => {
      const { statusCode: status = 0, headers: found, httpVersionMajor: major, httpVersionMinor: minor } = response;
      done({
        status,
        version: major + minor / 10,
        headers: found,
        contentLength: lengthOf(method, status, found),
        body: response,
      });
    });
    sent.end(payload);
  });
}

/** As in Go's http.Response. */
function lengthOf(method: string, status: number, headers: IncomingHttpHeaders): number {
  const length = /^\d+$/.test(headers['content-length'] ?? '') ? Number(headers['content-length']) : -1;
  if (method === 'HEAD') return length;
  if (status === 204 || status === 304 || status < 200) return 0;
  return headers['transfer-encoding'] === undefined ? length : -1;
}

/** Headers that do not exist in HTTP/2. */
const HOP_BY_HOP = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-connection']);

async function askHttp2(
  socket: Socket,
  { method, url, headers, payload }: Ask,
  signal: AbortSignal,
): Promise<ProbeResponse> {
  // Only loaded for servers that speak it.
  const { connect } = await import('node:http2');
  return new Promise((resolve, reject) => {
    const session = connect(url.origin, { createConnection: () => socket });
    const end = () => session.destroy();
    const abort = () => fail(signal.reason);
    const fail = (cause: unknown) => {
      signal.removeEventListener('abort', abort);
      end();
      reject(cause);
    };
    session.on('error', fail);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    const more = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
    const stream = session.request(
      {
        ':method': method,
        ':scheme': 'https',
        ':authority': headers.host,
        ':path': `${url.pathname}${url.search}`,
        ...Object.fromEntries(more),
      },
      { endStream: payload === undefined },
    );
    stream.on('error', fail);
    stream.once('close', end);
    stream.once('response', (found, flags) => {
      signal.removeEventListener('abort', abort);
      const { ':status': status = 0, ...rest } = found;
      const length = /^\d+$/.test(rest['content-length'] ?? '') ? Number(rest['content-length']) : -1;
      const END_STREAM = 0x1;
      const isEmpty = length === -1 && (flags & END_STREAM) !== 0 && method !== 'HEAD';
      resolve({ status, version: 2, headers: rest, contentLength: isEmpty ? 0 : length, body: stream });
    });
    // A stream that ends without a response.
    stream.once('end', () => fail(new Error('the stream ended without a response')));
    if (payload !== undefined) stream.end(payload);
  });
}

/** A date of a header: the three forms of RFC 9110, 5.6.7, as Unix seconds. */
export function timeOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  const milliseconds = Date.parse(/GMT$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}
