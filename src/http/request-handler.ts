import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorCode } from '../base/error-text.ts';
import { begin } from '../base/last-operation.ts';
import type { Access, Need } from './access.ts';
import { bodyOf, hasBody, MAX_BODY_BYTES, RESPONSE_MS } from './limits.ts';
import { type HttpRequest, type Reply, type Route, type Routes, refuse } from './message.ts';
import { writeReply } from './reply.ts';
import { type Found, findRoute, handlerOf, isChange, methodsOf } from './router.ts';

/** Called with the error of a request to `path`. */
export type OnError = (path: string, cause: unknown) => void;

/** Answers one request; never rejects. */
type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Error codes of disconnected clients, which are not errors. */
const GONE = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'ABORT_ERR']);

/** Answers from the table of routes, for requests with access. */
export function requestHandler(routes: Routes, access: Access, onError: OnError): RequestHandler {
  const inProgress = new WeakMap<Route, number>();

  /** Counts the response as in progress until it has been sent. Undefined if there are too many. */
  const admitted = ({ route, endpoint }: Found, over: AbortSignal): boolean => {
    const count = (inProgress.get(route) ?? 0) + 1;
    if (count > (endpoint.atOnce ?? Number.POSITIVE_INFINITY)) return false;
    inProgress.set(route, count);
    over.addEventListener('abort', () => inProgress.set(route, (inProgress.get(route) ?? 0) - 1), { once: true });
    return true;
  };

  /** `over` fires when the response has been sent, or its reader has disconnected. */
  const replyTo = async (incoming: IncomingMessage, response: ServerResponse, over: AbortSignal): Promise<Reply> => {
    const { method = 'GET', headers } = incoming;
    // With two names, this server and a proxy in front of it might each use a different one.
    if ((incoming.headersDistinct.host?.length ?? 0) > 1) return refuse(400, 'more than one Host header');
    const { path, query } = split(incoming.url ?? '/');
    const found = findRoute(routes, path);
    const handler = found && handlerOf(method, found.endpoint);
    const refused = await access(headers, handler && found ? needOf(method, found) : 'read');
    if (refused) return refused;
    if (!found) return refuse(404, 'there is nothing at this path');
    if (!handler) {
      const allow = methodsOf(found.endpoint);
      return refuse(405, `only ${allow} is allowed here`, { allow });
    }
    const maxBytes = found.endpoint.maxBody ?? MAX_BODY_BYTES;
    const bytes = isChange(method) ? await bodyOf(incoming, maxBytes) : NO_BODY;
    if (bytes === undefined) return refuse(413, `the body is larger than ${maxBytes / 1024} KiB`);
    if (over.aborted || !admitted(found, over)) {
      return refuse(503, 'too many requests of this kind at once', { 'retry-after': '5' });
    }
    if (found.endpoint.endless !== true) abortLate(response, over);
    begin(`answer ${method} ${path}`);
    const request: HttpRequest = {
      method,
      path,
      query,
      headers,
      params: found.params,
      body: bytes.toString(),
      bytes,
      signal: over,
    };
    return handler(request);
  };

  return async (incoming, response) => {
    if (incoming.socket.destroyed) return;
    const { method = 'GET', headers } = incoming;
    const { path } = split(incoming.url ?? '/');
    const failed = (cause: unknown) => {
      if (!GONE.has(errorCode(cause) ?? '')) onError(path, cause);
    };
    const over = new AbortController();
    response.once('close', () => over.abort());
    let reply: Reply;
    try {
      reply = await replyTo(incoming, response, over.signal);
    } catch (cause) {
      failed(cause);
      reply = refuse(500, 'internal error; see the log');
    }
    try {
      // The unread rest of a body would have to be read before the next request.
      if (hasBody(incoming) && !incoming.complete) response.setHeader('connection', 'close');
      await writeReply({ method, headers }, response, reply);
    } catch (cause) {
      // The headers have already been sent, so the connection can only be closed.
      failed(cause);
      response.destroy();
    }
  };
}

const NO_BODY = Buffer.alloc(0);

function needOf(method: string, { endpoint }: Found): Need {
  if (isChange(method)) return endpoint.token ?? 'control';
  return endpoint.open === true ? 'nothing' : 'read';
}

function abortLate(response: ServerResponse, over: AbortSignal): void {
  const timer = setTimeout(() => response.destroy(), RESPONSE_MS);
  over.addEventListener('abort', () => clearTimeout(timer), { once: true });
}

function split(url: string): { path: string; query: URLSearchParams } {
  const mark = url.indexOf('?');
  return mark === -1
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}
