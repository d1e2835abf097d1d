import { readFileSync } from 'node:fs';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGzip, gzip } from 'node:zlib';
import { ConfigError } from '../config/load.ts';

/** What a route is asked. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** What a route answers. */
export interface Reply {
  readonly status: number;
  /** Content type; plain text when unset. */
  readonly type?: string;
  /** With a content-encoding among them the body is sent as it is. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A text that is large comes in pieces. */
  readonly body: string | Buffer | AsyncIterable<Buffer>;
}

/** Answers a GET or HEAD request to its path. */
export type Route = (request: HttpRequest) => Reply | Promise<Reply>;

/** Node agents of a large cluster ask every 15 s, and each connection stays open for 5 s. */
const MAX_CONNECTIONS = 2000;
const SMALLEST_TO_COMPRESS = 1024;
const gzipAsync = promisify(gzip);

/** The agent's own HTTP server. */
export interface HttpServer {
  /** Base URL with the port that was really taken. */
  readonly url: string;
  close(): Promise<void>;
}

/** Files of the server's certificate and its key. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
}

const LIMITS = { requestTimeout: 10_000, headersTimeout: 5000, keepAliveTimeout: 5000, maxHeaderSize: 8192 };

/** Mounted certificates are renewed in place, long before the old ones end. */
const REREAD_CERTIFICATE_MS = 60_000;

/**
 * Serves `routes` at `listen` (HOST:PORT or :PORT), over TLS if there is a certificate. Rejects with a ConfigError when
 * the address can't be taken or the certificate can't be used. `onError` is told of routes that threw; the client
 * learns nothing of the cause.
 */
export async function startHttp(
  listen: string,
  routes: Readonly<Record<string, Route>>,
  onError: (path: string, cause: unknown) => void,
  tls?: ServerTls,
): Promise<HttpServer> {
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    void answer(request, response, routes, onError);
  };
  const server = tls ? createTlsServer({ ...LIMITS, ...certificate(tls) }, serve) : createServer(LIMITS, serve);
  const reread = tls ? setInterval(() => renew(server as TlsServer, tls, onError), REREAD_CERTIFICATE_MS) : undefined;
  reread?.unref();
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(30_000);
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  await listening(server, host, Number(listen.slice(colon + 1)), listen);
  const { address, family, port } = server.address() as AddressInfo;
  const name = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `${tls ? 'https' : 'http'}://${name}:${port}`,
    close: () =>
      new Promise((resolve) => {
        clearInterval(reread);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function certificate({ certFile, keyFile }: ServerTls): { cert: Buffer; key: Buffer } {
  try {
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  } catch (cause) {
    throw new ConfigError([`http.tls: cannot read the certificate or its key: ${(cause as Error).message}`]);
  }
}

/** Takes a renewed certificate over; one that can't be used leaves the old one in place. */
function renew(server: TlsServer, tls: ServerTls, onError: (path: string, cause: unknown) => void): void {
  try {
    server.setSecureContext(certificate(tls));
  } catch (cause) {
    onError(tls.certFile, cause);
  }
}

function listening(server: Server | TlsServer, host: string, port: number, listen: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const hint = cause.code === 'EADDRINUSE' ? 'another process has that port' : (cause.code ?? cause.message);
      reject(new ConfigError([`http.listen: cannot listen on ${listen}: ${hint}; choose another address`]));
    });
    server.listen(port, host === '' ? undefined : host, resolve);
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Readonly<Record<string, Route>>,
  onError: (path: string, cause: unknown) => void,
): Promise<void> {
  const asked = parse(request);
  try {
    await write(asked, response, await reply(asked, routes, onError));
  } catch (cause) {
    // Headers are gone by now, so breaking off is all that is left; a reader that went away is no error.
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') onError(asked.path, cause);
    response.destroy();
  }
}

function parse({ url = '/', method = 'GET', headers }: IncomingMessage): HttpRequest {
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  return { method, path, query: new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1)), headers };
}

async function reply(
  request: HttpRequest,
  routes: Readonly<Record<string, Route>>,
  onError: (path: string, cause: unknown) => void,
): Promise<Reply> {
  const route = Object.hasOwn(routes, request.path) ? routes[request.path] : undefined;
  if (route === undefined) return { status: 404, body: 'not found\n' };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, headers: { allow: 'GET, HEAD' }, body: 'GET only\n' };
  }
  try {
    return await route(request);
  } catch (cause) {
    onError(request.path, cause);
    return { status: 500, body: 'internal error; see the log\n' };
  }
}

async function write({ method, headers }: HttpRequest, response: ServerResponse, reply: Reply): Promise<void> {
  response.statusCode = reply.status;
  response.setHeader('content-type', reply.type ?? 'text/plain; charset=utf-8');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('cache-control', 'no-store');
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  const wantsGzip =
    /\bgzip\b/.test(String(headers['accept-encoding'] ?? '')) && !response.hasHeader('content-encoding');
  if (typeof reply.body !== 'string' && !Buffer.isBuffer(reply.body)) {
    await writePieces(response, reply.body, wantsGzip, method === 'HEAD');
    return;
  }
  let body = Buffer.from(reply.body);
  if (wantsGzip && body.length >= SMALLEST_TO_COMPRESS) {
    body = await gzipAsync(body, { level: constants.Z_BEST_SPEED });
    response.setHeader('content-encoding', 'gzip');
  }
  if (reply.status !== 304) response.setHeader('content-length', body.length);
  response.end(method === 'HEAD' || reply.status === 304 ? undefined : body);
}

async function writePieces(
  response: ServerResponse,
  pieces: AsyncIterable<Buffer>,
  wantsGzip: boolean,
  headOnly: boolean,
): Promise<void> {
  if (wantsGzip) response.setHeader('content-encoding', 'gzip');
  if (headOnly) response.end();
  else if (wantsGzip) await pipeline(pieces, createGzip({ level: constants.Z_BEST_SPEED }), response);
  else await pipeline(pieces, response);
}
