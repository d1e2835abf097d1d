import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGzip, gzip } from 'node:zlib';
import type { HttpRequest, Reply } from './message.ts';

const SMALLEST_TO_COMPRESS = 1024;
const gzipAsync = promisify(gzip);

/** Headers of all responses. No header allows other origins to read them. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** Writes a response, compressed if accepted. Rejects if the client does not read it to the end. */
export async function writeReply(
  { method, headers }: Pick<HttpRequest, 'method' | 'headers'>,
  response: ServerResponse,
  reply: Reply,
): Promise<void> {
  response.statusCode = reply.status;
  response.setHeader('content-type', reply.type ?? 'text/plain; charset=utf-8');
  response.setHeader('cache-control', 'no-store');
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  const asItIs = response.hasHeader('content-encoding') || /no-transform/.test(reply.headers?.['cache-control'] ?? '');
  const wantsGzip = !asItIs && /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''));
  if (typeof reply.body !== 'string' && !Buffer.isBuffer(reply.body)) {
    await writePieces(response, reply.body, wantsGzip, method === 'HEAD');
    return;
  }
  let body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
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
