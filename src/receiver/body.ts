import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { errorCode, errorText } from '../base/error-text.ts';
import { Refused } from './refused.ts';

/**
 * Budget for the bytes of concurrent requests on all connections, so that many large uploads do not exhaust the memory.
 */
export class ByteBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Throws {@link Refused} (503) if the budget is exceeded. */
  take(bytes: number): void {
    if (bytes > this.#left) throw new Refused(503, 'too many uploads at once; try again later');
    this.#left -= bytes;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

/**
 * Reads a request's raw body, at most `limit` bytes. Throws {@link Refused} for a larger body (413) or a truncated one
 * (400; the client will rarely see that). The rest of a refused body is read and discarded, so that the client receives
 * the response. The caller returns the body's length to `budget`.
 */
export function readRequestBody(request: IncomingMessage, limit: number, budget: ByteBudget): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const fail = (error: Refused) => {
      budget.give(length);
      request.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut);
      request.on('error', () => {}).resume();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      if (length + chunk.length > limit) return fail(tooLarge(limit));
      try {
        budget.take(chunk.length);
      } catch (cause) {
        return fail(cause instanceof Refused ? cause : new Refused(500, errorText(cause)));
      }
      length += chunk.length;
      chunks.push(chunk);
    };
    const onEnd = () => {
      request.off('error', onCut).off('close', onCut);
      resolve(Buffer.concat(chunks));
    };
    const onCut = () => fail(new Refused(400, `the body was cut off after ${length} bytes; nothing was stored`));
    request.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut);
  });
}

/** The compression of a body. */
type BodyCompression = 'gzip' | 'zstd';

/**
 * The compression of the body; undefined if uncompressed. Both servers support gzip, VictoriaMetrics also zstd (since
 * 1.114). Throws {@link Refused} for others.
 */
export function compressionOfBody(encoding: string | undefined, readsZstd: boolean): BodyCompression | undefined {
  if (encoding === undefined || encoding === '' || encoding === 'identity') return undefined;
  if (encoding === 'gzip' || (encoding === 'zstd' && readsZstd)) return encoding;
  const taken = readsZstd ? 'gzip and zstd (lower case)' : 'gzip';
  throw new Refused(400, `Content-Encoding ${JSON.stringify(encoding)}: only ${taken} and identity are supported`);
}

const UNPACK = { gzip: promisify(gunzip), zstd: promisify(zstdDecompress) };

/**
 * Decompresses all members of `body`, to at most `limit` bytes. Throws {@link Refused}. Stricter than VictoriaMetrics,
 * which stores the decompressible part of a truncated or corrupt body and may store half of a number: here nothing is
 * stored.
 */
export async function unpack(body: Buffer, packing: BodyCompression, limit: number): Promise<Buffer> {
  if (body.length === 0) return body;
  try {
    const options = { maxOutputLength: limit, info: true };
    const { buffer, engine } = (await UNPACK[packing](body, options)) as unknown as Unpacked;
    if (engine.bytesWritten < body.length) {
      const from = `from byte ${engine.bytesWritten} on`;
      throw new Refused(400, `bytes after the last ${packing} member, ${from}; nothing was stored`);
    }
    return buffer;
  } catch (cause) {
    if (cause instanceof Refused) throw cause;
    if (errorCode(cause) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit);
    throw new Refused(400, `the body is not valid ${packing} (${errorText(cause)}); nothing was stored`);
  }
}

/** What the option `info`, which the types leave out, makes of the result. */
interface Unpacked {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

const tooLarge = (limit: number): Refused =>
  new Refused(413, `the text is larger than ${limit} bytes; push it in parts`);
