import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { basicAuth } from '../base/basic-auth.ts';
import { errorCode } from '../base/error-text.ts';
import { SecretFile } from '../config/secret-file.ts';
import type { Names } from '../net/names.ts';
import { requestFailure } from '../net/request-failure.ts';
import { secureOptions, tlsStamp } from '../net/tls-files.ts';
import { BadPage } from './page.ts';
import type { TargetSettings } from './target.ts';

/** The older format first: with OpenMetrics, client libraries use other names for some families. */
const ACCEPT = 'text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.8,*/*;q=0.1';
const IDLE_MS = 20_000;
/** Size of the pieces of a page: a millisecond of reading each. */
const PIECE_BYTES = 64 * 1024;
/** Bytes of an error response used for the message. */
const MAX_SHOWN = 120;

/** The start of a page. */
interface OpenPage {
  readonly isOpenMetrics: boolean;
  /** Its pieces, decompressed. Rejects if the response is truncated, too large or takes too long. */
  readonly pieces: AsyncIterable<Buffer>;
}

/** Requests the page of one target, over keep-alive connections. */
export class PageClient {
  readonly #settings: TargetSettings;
  readonly #names: Names;
  readonly #maxBytes: number;
  readonly #secrets: { readonly token?: SecretFile; readonly password?: SecretFile };
  #agents: { readonly http: HttpAgent; readonly https: HttpsAgent } | undefined;
  /** Of the files that the agents were made from. */
  #stamp = '';

  constructor(settings: TargetSettings, names: Names, maxBytes: number) {
    this.#settings = settings;
    this.#names = names;
    this.#maxBytes = maxBytes;
    const { bearerTokenFile, passwordFile } = settings.auth ?? {};
    if (passwordFile !== undefined) this.#secrets = { password: new SecretFile(passwordFile) };
    else this.#secrets = bearerTokenFile === undefined ? {} : { token: new SecretFile(bearerTokenFile) };
  }

  /** Requests the page. Rejects with {@link BadPage} for a response that is not a page, and with socket errors. */
  async open(url: string, signal: AbortSignal): Promise<OpenPage> {
    const response = await this.#request(url, signal);
    const { statusCode = 0, headers } = response;
    const type = headers['content-type'] ?? '';
    if (statusCode !== 200) {
      response.destroy();
      throw new BadPage(refusalOf(statusCode, headers.location));
    }
    if (/^\s*text\/html/i.test(type)) {
      response.destroy();
      throw new BadPage('returned a web page (text/html) instead of metrics: check path and port');
    }
    if (/^\s*application\/vnd\.google\.protobuf/i.test(type)) {
      response.destroy();
      throw new BadPage('returned protobuf although text was requested');
    }
    const isOpenMetrics = /^\s*application\/openmetrics-text/i.test(type);
    return { isOpenMetrics, pieces: this.#pieces(response, headers['content-encoding'] ?? '') };
  }

  close(): void {
    this.#agents?.http.destroy();
    this.#agents?.https.destroy();
    this.#agents = undefined;
  }

  async #request(url: string, signal: AbortSignal): Promise<IncomingMessage> {
    const { auth, timeoutMs } = this.#settings;
    const { token, password } = this.#secrets;
    const { http, https } = this.#kept();
    const headers = {
      accept: ACCEPT,
      'accept-encoding': 'gzip, zstd',
      'user-agent': 'firesteel',
      'x-prometheus-scrape-timeout-seconds': String(timeoutMs / 1000),
      ...(token && { authorization: `Bearer ${token.read()}` }),
      ...(password && { authorization: basicAuth(`${auth?.username ?? ''}:${password.read()}`) }),
    };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const options = { headers, signal };
    const request = url.startsWith('https:')
      ? httpsRequest(url, { ...options, agent: https })
      : httpRequest(url, { ...options, agent: http });
    request.on('response', resolve);
    request.on('error', reject);
    // Node reports no error when it closes the connection because of a 101 to a request without an upgrade.
    request.once('close', () => reject(new Error('the connection was closed without a usable response')));
    request.end();
    try {
      return await promise;
    } catch (cause) {
      // A keep-alive socket that the target has just closed is not a failure of the target.
      if (request.reusedSocket && errorCode(cause) === 'ECONNRESET' && !signal.aborted) {
        this.close();
        return await this.#request(url, signal);
      }
      throw requestFailure(url, cause);
    }
  }

  async *#pieces(response: IncomingMessage, encoding: string): AsyncGenerator<Buffer> {
    let bytes = 0;
    const { stream, failed } = decoded(response, encoding);
    const decompressed: AsyncIterable<Buffer> = stream;
    try {
      for await (const piece of decompressed) {
        bytes += piece.length;
        if (bytes > this.#maxBytes) {
          throw new BadPage(`the page is larger than ${this.#maxBytes} bytes (limits.body)`);
        }
        yield piece;
      }
      if (!response.complete) throw new BadPage('the response was truncated');
    } catch (cause) {
      throw failed() ?? cause;
    } finally {
      // Otherwise a connection with the rest of a page would be reused.
      if (!response.complete) response.destroy();
      stream.destroy();
    }
  }

  #kept() {
    const { tls } = this.#settings;
    const stamp = tlsStamp(tls);
    if (stamp !== this.#stamp) this.close();
    this.#stamp = stamp;
    const common = { keepAlive: true, maxSockets: 1, timeout: IDLE_MS, lookup: this.#names.lookup };
    this.#agents ??= {
      http: new HttpAgent(common),
      https: new HttpsAgent({ ...common, ...secureOptions(tls) }),
    };
    return this.#agents;
  }
}

/** The decompressed response, and why decompression failed. */
function decoded(response: IncomingMessage, encoding: string): { stream: Readable; failed: () => Error | undefined } {
  const options = { chunkSize: PIECE_BYTES };
  const word = encoding.trim().toLowerCase();
  if (word === '' || word === 'identity') return { stream: response, failed: () => undefined };
  const decoder =
    word === 'gzip' || word === 'x-gzip'
      ? createGunzip(options)
      : word === 'zstd'
        ? createZstdDecompress(options)
        : word === 'deflate'
          ? createInflate(options)
          : undefined;
  if (decoder === undefined)
    throw new BadPage(`the response is compressed with ${word.slice(0, 40)}, which was not requested`);
  let failure: Error | undefined;
  response.on('error', (cause) => {
    failure = cause;
    decoder.destroy(cause);
  });
  response.on('aborted', () => decoder.destroy(new BadPage('the response was truncated')));
  response.pipe(decoder);
  return { stream: decoder, failed: () => failure };
}

function refusalOf(status: number, location: string | undefined): string {
  if (status >= 300 && status < 400) {
    return `returned ${status} with a redirect to ${(location ?? '').slice(0, MAX_SHOWN)}, which is not followed: configure that address`;
  }
  if (status === 401 || status === 403) return `returned ${status}: check the credentials (auth)`;
  if (status === 404) return 'returned 404: check the path';
  return `returned ${status}`;
}
