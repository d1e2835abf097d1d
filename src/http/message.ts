import type { IncomingHttpHeaders } from 'node:http';

/** A request, as routes see it. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** What stands where the route's path has `{name}`, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** The body of a request that changes something, whole; empty for GET. */
  readonly body: string;
  /** {@link body} as it came. */
  readonly bytes: Buffer;
  /** Fires when the client is gone or the answer is out. */
  readonly signal: AbortSignal;
}

/** What a route answers. */
export interface Reply {
  readonly status: number;
  /** Content type; plain text when unset. */
  readonly type?: string;
  /** With a content-encoding or `no-transform` among them the body is sent as it is. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A text that is large comes in pieces. */
  readonly body: string | Buffer | AsyncIterable<Buffer>;
}

/** Answers one request. */
export type Handler = (request: HttpRequest) => Reply | Promise<Reply>;

/** What a path can do. GET answers HEAD too; the others change something and always need the control token. */
export interface Endpoint {
  readonly GET?: Handler;
  readonly POST?: Handler;
  readonly PUT?: Handler;
  readonly DELETE?: Handler;
  /** Whether GET needs no token even if reading needs one. */
  readonly open?: boolean;
  /** `push`: what changes something needs the token for pushes instead of the control token. */
  readonly token?: 'push';
  /** Most bytes of a body; 64 KiB when unset. */
  readonly maxBody?: number;
  /** How many requests may be served at a time; more get 503 with Retry-After. */
  readonly atOnce?: number;
  /** Whether the answer never ends by itself; others are cut off when they take too long. */
  readonly endless?: boolean;
}

/** An endpoint; a mere function answers GET. */
export type Route = Handler | Endpoint;

/** Routes by path. A segment may be `{name}`: any text; the last one `{name...}`: all that follows, as it was sent. */
export type Routes = Readonly<Record<string, Route>>;

/** An answer in JSON. */
export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  type: 'application/json',
  headers,
  body: `${JSON.stringify(value)}\n`,
});

/** A refusal in JSON. */
export const refuse = (status: number, error: string, headers: Readonly<Record<string, string>> = {}): Reply =>
  json(status, { error }, headers);
