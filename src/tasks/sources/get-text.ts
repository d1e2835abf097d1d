import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { shownUrl } from '../../config/http-url.ts';
import { exchange, type Response } from '../../net/exchange.ts';
import { LazyAgents } from '../../net/lazy-agents.ts';
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
  /** Milliseconds until the response is complete. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Requests a text once, on a connection of its own; redirects are refused. Rejects with an Error that names the URL and
 * contains no secret.
 */
export async function getText(url: string, options: GetOptions): Promise<TextResponse> {
  const { code, headers, body } = await responseTo(url, options);
  const { etag, 'last-modified': lastModified } = headers;
  if (code === 304) return { text: undefined, etag, lastModified };
  if (code === 200) return { text: body.toString(), etag, lastModified };
  const hint = code >= 300 && code < 400 ? ', redirects are not followed' : '';
  throw new Error(`${shownUrl(url)}: responded with ${code}${hint}`);
}

async function responseTo(
  url: string,
  { names, headers, maxBytes: maxResponseBytes, timeoutMs, signal }: GetOptions,
): Promise<Response> {
  const common = { keepAlive: false, lookup: names.lookup };
  const agents = new LazyAgents(new HttpAgent(common), () => new HttpsAgent(common));
  try {
    return await exchange({
      ...{ method: 'GET', url, headers, pieces: [], agents, maxResponseBytes, timeoutMs },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
  } catch (cause) {
    throw requestFailure(url, cause);
  }
}
