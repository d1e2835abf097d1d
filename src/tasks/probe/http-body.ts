import type { IncomingHttpHeaders } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { ProbeFailure } from './failure.ts';

/** Ways in which a body may be compressed. */
export const COMPRESSIONS = ['gzip', 'br', 'deflate', 'zstd'] as const;
type Compression = (typeof COMPRESSIONS)[number];

const DECODERS: Readonly<Record<Compression, () => Transform>> = {
  gzip: createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
  zstd: createZstdDecompress,
};

/** What is read of a body. */
interface BodyWish {
  /** Decode it from this; the length is then that of the decoded one. */
  readonly compression?: Compression;
  /** Whether the text is wanted. */
  readonly keep: boolean;
  /** A larger body fails the probe. */
  readonly limit: number;
}

/** What was read. */
export interface BodyRead {
  /** Bytes, after decoding if that was asked for. */
  bytes: number;
  readonly chunks: Buffer[];
}

/**
 * Reads a body to its end into `read`, which is right also when this rejects: with ProbeFailure `body` for one over the
 * limit or that can't be decoded, with the error of the connection, or the reason of `signal`.
 */
export function readBody(body: Readable, wish: BodyWish, read: BodyRead, signal: AbortSignal): Promise<void> {
  const { compression, keep, limit } = wish;
  return new Promise((resolve, reject) => {
    const decoder = compression && DECODERS[compression]();
    const source = decoder ?? body;
    let isOver = false as boolean;
    const end = (cause?: unknown) => {
      // The first reason counts: what is destroyed here reports that as well.
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

/** The text of a body, in the charset that its header names; bytes that are wrong in it become U+FFFD. */
export function bodyText({ chunks }: BodyRead, headers: IncomingHttpHeaders): string {
  const bytes = Buffer.concat(chunks);
  const charset = /charset\s*=\s*"?([^\s;"]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  return decoderFor(charset).decode(bytes);
}

function decoderFor(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    // A name that nobody knows; most pages are readable as UTF-8.
    return new TextDecoder();
  }
}

/** How a body is compressed, if its header says so in a way that can be decoded. */
export function encodingOf(headers: IncomingHttpHeaders): Compression | undefined {
  const named = (headers['content-encoding'] ?? '').trim().toLowerCase().replace(/^x-/, '');
  return COMPRESSIONS.find((one) => one === named);
}
