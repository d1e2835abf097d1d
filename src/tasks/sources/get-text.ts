import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { shownUrl } from '../../config/http-url.ts';
import type { Names } from '../../net/names.ts';
import { requestFailure } from '../../net/request-failure.ts';

/** A response with a text, or "not modified". */
interface TextResponse {
  /** Undefined when nothing has changed (304). */
  readonly text: string | undefined;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

/** Options of a request in addition to its URL. */
interface GetOptions {
  readonly names: Names;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** Requests a text once; redirects are refused. Rejects with an Error that names the URL and contains no secret. */
export async function getText(url: string, { names, headers, maxBytes, signal }: GetOptions): Promise<TextResponse> {
  const fail = (message: string) => new Error(`${shownUrl(url)}: ${message}`);
  const send = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(url, { agent: false, lookup: names.lookup, headers, signal }, resolve);
    request.on('error', (cause) => reject(signal.aborted ? fail('no response in time') : requestFailure(url, cause)));
    request.end();
  });
  const { statusCode = 0 } = response;
  const { etag, 'last-modified': lastModified } = response.headers;
  if (statusCode === 304) {
    response.resume();
    return { text: undefined, etag, lastModified };
  }
  if (statusCode !== 200) {
    response.destroy();
    const hint = statusCode >= 300 && statusCode < 400 ? ', redirects are not followed' : '';
    throw fail(`answered ${statusCode}${hint}`);
  }
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    const pieces: AsyncIterable<Buffer> = response;
    for await (const chunk of pieces) {
      length += chunk.length;
      if (length > maxBytes) throw fail(`the response is larger than ${maxBytes / 1024} KiB`);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (length > maxBytes) throw cause;
    throw fail(signal.aborted ? 'the response did not complete in time' : 'the response was truncated');
  } finally {
    response.destroy();
  }
  return { text: Buffer.concat(chunks).toString(), etag, lastModified };
}
