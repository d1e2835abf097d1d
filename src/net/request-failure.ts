import { errorCode, errorText } from '../base/error-text.ts';
import { shownUrl } from '../config/http-url.ts';

/** The error of a request to `url` that got no complete response. It names the URL without its query, which may be secret. */
export function requestFailure(url: string, cause: unknown): Error {
  // Of AbortSignal.timeout, whose own text speaks of an operation.
  const isLate = cause instanceof DOMException && cause.name === 'TimeoutError';
  const [code = '', message] = [errorCode(cause), isLate ? 'no complete response in time' : errorText(cause)];
  return new Error(`${shownUrl(url)}: ${message.includes(code) ? message : `${code}: ${message}`}`);
}
