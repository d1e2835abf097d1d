import { errorCode, errorText } from '../base/error-text.ts';
import { shownUrl } from '../config/http-url.ts';

/** The error of a request to `url` that got no response. It names the URL without its query, which may be secret. */
export function requestFailure(url: string, cause: unknown): Error {
  const [code = '', message] = [errorCode(cause), errorText(cause)];
  return new Error(`${shownUrl(url)}: ${message.includes(code) ? message : `${code}: ${message}`}`);
}
