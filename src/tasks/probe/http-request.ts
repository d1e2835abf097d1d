import { basicAuth } from '../../base/basic-auth.ts';
import { errorText } from '../../base/error-text.ts';
import { readText, whyUnread } from '../../base/files.ts';
import { SecretFile } from '../../config/secret-file.ts';
import { ProbeFailure } from './failure.ts';
import type { HttpOptions } from './http-options.ts';

const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** Headers sent to the first host only. */
const FOR_ONE_HOST = new Set(['authorization', 'cookie', 'host', 'www-authenticate']);

/** The parts of the requests of one task; secrets are read again when their files change. */
export class HttpRequests {
  readonly #options: HttpOptions;
  readonly #files = new Map<string, SecretFile>();

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** The server name in a Host header. */
  get hostHeader(): string | undefined {
    const found = Object.entries(this.#options.headers).find(([name]) => name.toLowerCase() === 'host')?.[1];
    return typeof found === 'string' ? found : undefined;
  }

  /** Headers for `url`, with names in lower case; `isFirstHost` is false after a redirect to another host. */
  headers(url: URL, cookies: string | undefined, isFirstHost: boolean): Record<string, string> & { host: string } {
    const { headers, auth, compression } = this.#options;
    const made: Record<string, string> & { host: string } = { host: url.host, 'user-agent': 'firesteel' };
    if (compression) made['accept-encoding'] = compression;
    for (const [name, value] of Object.entries(headers)) {
      const key = name.toLowerCase();
      // Contents of files are secrets.
      if (!isFirstHost && (typeof value !== 'string' || FOR_ONE_HOST.has(key))) continue;
      made[key] = typeof value === 'string' ? value : this.#secret(value.file);
    }
    if (isFirstHost && auth) made.authorization = this.#authorization(auth);
    if (cookies !== undefined) made.cookie = [...(made.cookie ? [made.cookie] : []), cookies].join('; ');
    return made;
  }

  /** For a proxy. */
  proxyHeaders(): Record<string, string> {
    const { proxyAuth } = this.#options;
    return proxyAuth ? { 'proxy-authorization': this.#authorization(proxyAuth) } : {};
  }

  /** The body of a request. */
  payload(): string | undefined {
    const { payload, payloadFile } = this.#options;
    if (payloadFile === undefined) return payload;
    try {
      return readText(payloadFile, MAX_PAYLOAD_BYTES);
    } catch (cause) {
      throw new ProbeFailure('internal', `cannot read ${payloadFile}: ${whyUnread(cause)}`, { cause });
    }
  }

  #authorization(auth: {
    readonly username?: string | undefined;
    readonly passwordFile?: string | undefined;
    readonly bearerTokenFile?: string | undefined;
  }): string {
    if (auth.bearerTokenFile !== undefined) return `Bearer ${this.#secret(auth.bearerTokenFile)}`;
    return basicAuth(`${auth.username ?? ''}:${this.#secret(auth.passwordFile ?? '')}`);
  }

  #secret(path: string): string {
    const file = this.#files.get(path) ?? new SecretFile(path);
    this.#files.set(path, file);
    try {
      return file.read();
    } catch (cause) {
      throw new ProbeFailure('internal', errorText(cause), { cause });
    }
  }
}

/** The method and whether the payload is sent again after a redirect, as in Go. */
export function afterRedirect(
  status: number,
  method: string,
): { readonly method: string; readonly keepsPayload: boolean } {
  if (status === 307 || status === 308) return { method, keepsPayload: true };
  return { method: method === 'HEAD' ? 'HEAD' : 'GET', keepsPayload: false };
}
