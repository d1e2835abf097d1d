import { monotonicMs, secondsSince } from '../../base/clock.ts';
import { errorText } from '../../base/error-text.ts';
import { ProbeFailure } from './failure.ts';
import { type BodyRead, bodyText, encodingOf, readResponseBody } from './http-body.ts';
import { checkHeaders, checkJson, checkText } from './http-checks.ts';
import { type ProbeResponse, timeOf } from './http-exchange.ts';
import type { HttpOptions } from './http-options.ts';

const KEPT_BODY_BYTES = 1024 * 1024;
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** The status codes of redirects. */
export const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The results of checking the last response. */
interface ResponseCheck {
  /** Why the probe fails; any other error if the body could not be read. */
  failure: unknown;
  /** The kind of expression that failed. */
  failedBy: 'regex' | 'json' | undefined;
  /** Seconds since 1970. */
  lastModified: number | undefined;
  bodyBytes: number;
  transferSeconds: number;
}

/**
 * Reads the last response and checks it, in the order of blackbox_exporter: status, headers, body, version. Never
 * rejects: of a truncated body, the received part counts.
 */
export async function checkResponse(
  response: ProbeResponse,
  options: HttpOptions,
  signal: AbortSignal,
): Promise<ResponseCheck> {
  const { status, headers, body, version } = response;
  const result: ResponseCheck = {
    failure: undefined,
    failedBy: undefined,
    lastModified: timeOf(headers['last-modified']),
    bodyBytes: 0,
    transferSeconds: 0,
  };
  const check = (by: 'regex' | 'json', work: () => void): void => {
    if (result.failure !== undefined) return;
    try {
      work();
    } catch (cause) {
      result.failedBy = by;
      // Otherwise an expression that would take too long.
      result.failure = cause instanceof ProbeFailure ? cause : new ProbeFailure('body', errorText(cause), { cause });
    }
  };
  if (!options.status.some(([first, last]) => status >= first && status <= last)) {
    result.failure = new ProbeFailure(
      'status',
      `the response has status ${status}, expected ${expected(options.status)}`,
    );
  }
  const { match, notMatch, json, limit } = options.body;
  const keep = match.length + notMatch.length + json.length > 0;
  check('regex', () => checkHeaders(headers, options.header.match, options.header.notMatch));
  const compression = options.compression ?? (keep ? encodingOf(headers) : undefined);
  // The body of a redirect that is not followed is irrelevant.
  if (REDIRECTS.has(status) && headers.location !== undefined && !keep) {
    body.on('error', () => undefined).destroy();
    return result;
  }
  const startMs = monotonicMs();
  const read: BodyRead = { bytes: 0, chunks: [] };
  const reading = {
    ...(compression && { compression }),
    keep,
    limit: limit ?? (keep ? KEPT_BODY_BYTES : MAX_BODY_BYTES),
  };
  try {
    await readResponseBody(body, reading, read, signal);
  } catch (cause) {
    result.failure ??= cause;
    return result;
  } finally {
    result.bodyBytes = read.bytes;
    result.transferSeconds = secondsSince(startMs);
  }
  if (keep && result.failure === undefined) {
    const text = bodyText(read, headers);
    check('regex', () => checkText(text, match, notMatch));
    if (json.length > 0) check('json', () => checkJson(text, json));
  }
  const { versions } = options;
  if (versions.length > 0 && !versions.some((one) => Number(one) === version)) {
    result.failure ??= new ProbeFailure('version', `the response is HTTP/${version}, expected ${versions.join(', ')}`);
  }
  return result;
}

const expected = (ranges: HttpOptions['status']): string =>
  ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
