/** The API server's answers can be asked for as metadata only: contents then never leave it. */
export const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
export const METADATA_EVENTS = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

/** One request to the API server. */
export interface KubeRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path below the server's URL: `/api/v1/pods`. */
  readonly path: string;
  /** Parameters that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly accept?: string;
  /** One of the big ones, of which few run at a time: so they keep neither watches nor Leases waiting. */
  readonly bulk?: boolean;
  /** Sent as JSON. */
  readonly body?: object;
  readonly signal: AbortSignal;
}

/**
 * The API server as the rest of the agent sees it. Rejects with {@link ApiError}, {@link ApiUnreachable} or
 * {@link ApiBodyError}, none of which holds a credential.
 */
export interface KubeApi {
  /** One answer, parsed. The caller vouches for `T`; a well-formed answer of another kind is possible (a proxy's). */
  json<T>(request: KubeRequest): Promise<T>;
  /** A long or endless answer, once its headers are there; breaks when nothing came for `idleMs`. */
  stream(request: KubeRequest, idleMs: number): Promise<AsyncIterable<Buffer>>;
}

/** A `Status` object: what the API server says when it says no. */
export interface KubeStatus {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

const KEPT_TEXT = 300;

/** The API server, or something on the way to it, answered with other than 2xx. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** The machine-readable `reason` of a Status object: `Expired`, `Conflict`, ...; empty when there was none. */
  readonly reason: string;
  readonly url: string;
  /** The first bytes of what was said. */
  readonly text: string;
  readonly retryAfterMs: number | undefined;

  constructor(url: string, status: number, body: string, retryAfterMs?: number) {
    const said = statusOf(body);
    const text = (said?.message ?? body).slice(0, KEPT_TEXT);
    super(`${url}: ${status} ${text.trim()}`);
    this.status = status;
    this.reason = said?.reason ?? '';
    this.url = url;
    this.text = text;
    this.retryAfterMs = retryAfterMs;
  }
}

function statusOf(body: string): KubeStatus | undefined {
  try {
    const parsed: KubeStatus | null = JSON.parse(body);
    return parsed?.kind === 'Status' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** No answer: no connection, a broken one, a deadline, or no credentials to ask with. `code` is an errno or got's. */
export class ApiUnreachable extends Error {
  override readonly name = 'ApiUnreachable';
  readonly code: string;
  readonly url: string;

  constructor(url: string, code: string, message: string) {
    super(`${url}: ${message.slice(0, KEPT_TEXT)}`);
    this.code = code;
    this.url = url;
  }
}

/** A 2xx answer that can't be used: no JSON, not the kind that was asked for, or beyond its bound. */
export class ApiBodyError extends Error {
  override readonly name = 'ApiBodyError';
  readonly code: 'malformed' | 'too-large';

  constructor(url: string, code: 'malformed' | 'too-large', message: string) {
    super(`${url}: ${message.slice(0, KEPT_TEXT)}`);
    this.code = code;
  }
}

/** Milliseconds asked for by a Retry-After header (seconds or a date), at most five minutes. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), 300_000);
}
