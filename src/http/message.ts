import type { IncomingHttpHeaders } from 'node:http';

/** A request, as routes see it. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The decoded values of `{name}` segments of the route's path. */
  readonly params: Readonly<Record<string, string>>;
  /** The complete body of a changing request; empty for GET. */
  readonly body: string;
  /** {@link body} as received. */
  readonly bytes: Buffer;
  /** Fires when the client has disconnected or the response has been sent. */
  readonly signal: AbortSignal;
}

/** The response of a route. */
export interface Reply {
  readonly status: number;
  /** Content type; plain text when unset. */
  readonly type?: string;
  /** With a content-encoding or `no-transform` among them, the body is sent unchanged. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Large text is sent in pieces. */
  readonly body: string | Buffer | AsyncIterable<Buffer>;
}

/** Handles one request. */
export type Handler = (request: HttpRequest) => Reply | Promise<Reply>;

/** The methods of a path. GET also handles HEAD; the others change something and always need the control token. */
export interface RouteMethods {
  readonly GET?: Handler;
  readonly POST?: Handler;
  readonly PUT?: Handler;
  readonly DELETE?: Handler;
  /** Whether GET needs no token even if reading needs one. */
  readonly open?: boolean;
  /** `push`: changes need the token for pushes instead of the control token. */
  readonly token?: 'push';
  /** Maximum body size in bytes; 64 KiB when unset. */
  readonly maxBody?: number;
  /** Maximum concurrent requests; any beyond get 503 with Retry-After. */
  readonly atOnce?: number;
  /** Whether the response is endless; others are aborted when they take too long. */
  readonly endless?: boolean;
}

/** An endpoint; a plain function handles GET. */
export type Route = Handler | RouteMethods;

/**
 * Routes by path. A segment may be `{name}`: any text; the last one may be `{name...}`: the rest of the path as sent.
 */
export type Routes = Readonly<Record<string, Route>>;

/** A JSON response. */
export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  type: 'application/json',
  headers,
  body: `${JSON.stringify(value)}\n`,
});

/** A JSON error response. */
export const refuse = (status: number, error: string, headers: Readonly<Record<string, string>> = {}): Reply =>
  json(status, { error }, headers);
