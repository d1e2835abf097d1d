import type { IncomingHttpHeaders } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { ProbeFailure } from './failure.ts';

/** Supported compressions of a body. */
export const COMPRESSIONS = ['gzip', 'br', 'deflate', 'zstd'] as const;
type ContentCoding = (typeof COMPRESSIONS)[number];

const DECODERS: Readonly<Record<ContentCoding, () => Transform>> = {
  gzip: createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
  zstd: createZstdDecompress,
};

/** Options for reading a body. */
interface BodyReadOptions {
  /** Compression to decode; the length is then that of the decoded body. */
  readonly compression?: ContentCoding;
  /** Whether the text is needed. */
  readonly keep: boolean;
  /** A larger body fails the probe. */
  readonly limit: number;
}

/** The body as read. */
export interface BodyRead {
  /** Bytes, after decoding if requested. */
  bytes: number;
  readonly chunks: Buffer[];
}

/**
 * Reads a complete body into `read`, which is also valid if this rejects: with ProbeFailure `body` for a body that is
 * too large or can't be decoded, with the error of the connection, or with the reason of `signal`.
 */
export function readResponseBody(
  body: Readable,
  options: BodyReadOptions,
  read: BodyRead,
  signal: AbortSignal,
): Promise<void> {
  const { compression, keep, limit } = options;
  return new Promise((resolve, reject) => {
    const decoder = compression && DECODERS[compression]();
    const source = decoder ?? body;
    let isOver: boolean = false;
    const end = (cause?: unknown) => {
      // The first reason counts: destroying the streams here also causes errors.
      if (isOver) return;
      isOver = true;
      signal.removeEventListener('abort', abort);
      body.destroy();
      decoder?.destroy();
      if (cause === undefined) resolve();
      else reject(cause);
    };
    const abort = () => end(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    source.on('data', (chunk: Buffer) => {
      read.bytes += chunk.length;
      if (read.bytes > limit) {
        read.bytes = limit;
        return end(new ProbeFailure('body', `the body is larger than ${limit} bytes: see body.limit`));
      }
      if (keep) read.chunks.push(chunk);
    });
    source.once('end', () => end());
    body.on('error', end);
    body.once('aborted', () =>
      end(Object.assign(new Error('the connection was closed before the end of the body'), { code: 'ECONNRESET' })),
    );
    body.once('close', () => {
      if (!body.readableEnded)
        end(Object.assign(new Error('the connection was closed before the end of the body'), { code: 'ECONNRESET' }));
    });
    if (decoder === undefined) return;
    decoder.on('error', (cause) => end(new ProbeFailure('body', `the body is not ${compression}: ${cause.message}`)));
    body.pipe(decoder);
  });
}

/** The text of a body, in the charset that its header names; invalid bytes become U+FFFD. */
export function bodyText({ chunks }: BodyRead, headers: IncomingHttpHeaders): string {
  const bytes = Buffer.concat(chunks);
  const charset = /charset\s*=\s*"?([^\s;"]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  return decoderFor(charset).decode(bytes);
}

function decoderFor(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    // An unknown charset; most pages are readable as UTF-8.
    return new TextDecoder();
  }
}

/** The compression of a body, if its header names one that can be decoded. */
export function encodingOf(headers: IncomingHttpHeaders): ContentCoding | undefined {
  const named = (headers['content-encoding'] ?? '').trim().toLowerCase().replace(/^x-/, '');
  return COMPRESSIONS.find((one) => one === named);
}
