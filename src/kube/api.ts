/** Responses can be requested as metadata only: then contents never leave the API server. */
export const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
export const METADATA_EVENTS = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

/** One request to the API server. */
export interface KubeRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path below the server's URL: `/api/v1/pods`. */
  readonly path: string;
  /** Undefined parameters are omitted. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly accept?: string;
  /** A large request, of which only a few run concurrently, so that they delay neither watches nor Leases. */
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
  /**
   * One parsed response. The caller vouches for `T`; a well-formed response of another kind is possible, e.g. from a
   * proxy.
   */
  json<T>(request: KubeRequest): Promise<T>;
  /** A long or endless response, once its headers have arrived; fails when nothing is received for `idleMs`. */
  stream(request: KubeRequest, idleMs: number): Promise<AsyncIterable<Buffer>>;
}

/** A `Status` object: the API server's error response. */
export interface KubeStatus {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

const KEPT_TEXT = 300;

/** The API server, or a proxy in front of it, responded with a status other than 2xx. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** The machine-readable `reason` of a Status object: `Expired`, `Conflict`, ...; empty without one. */
  readonly reason: string;
  readonly url: string;
  /** The first bytes of the response. */
  readonly text: string;
  readonly retryAfterMs: number | undefined;

  constructor(url: string, status: number, body: string, retryAfterMs?: number) {
    const parsed = statusOf(body);
    const text = (parsed?.message ?? body).slice(0, KEPT_TEXT);
    super(`${url}: ${status} ${text.trim()}`);
    this.status = status;
    this.reason = parsed?.reason ?? '';
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

/**
 * No response: no connection, a broken one, a deadline, or no credentials. `code` is an errno or one of got's codes.
 */
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

/** An unusable 2xx response: not JSON, not the requested kind, or too large. */
export class ApiBodyError extends Error {
  override readonly name = 'ApiBodyError';
  readonly code: 'malformed' | 'too-large';

  constructor(url: string, code: 'malformed' | 'too-large', message: string) {
    super(`${url}: ${message.slice(0, KEPT_TEXT)}`);
    this.code = code;
  }
}
