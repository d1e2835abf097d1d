import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import got, { type Progress, RequestError, type Response } from 'got';
import { errorText } from '../base/error-text.ts';
import { readRegular } from '../base/files.ts';
import { shownUrl } from '../config/http-url.ts';
import { SecretFile } from '../config/secret-file.ts';
import { Names } from './names.ts';

/** Credentials and trusted authorities. */
export interface JsonClientOptions {
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly insecureSkipVerify: boolean;
}

/** A successful response. */
export interface JsonAnswer {
  /** Undefined when unchanged (304). */
  readonly value: unknown;
  readonly etag: string | undefined;
}

/** No bundle of certificates is larger. */
const MAX_CA_BYTES = 4 * 1024 * 1024;
/** The kubelet's list of 250 pods has 3 MB. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const ANSWER_MS = 10_000;

/** Requests JSON from one server, over one keep-alive connection, with name resolution separate from all others. */
export class JsonClient {
  readonly #options: JsonClientOptions;
  readonly #token: SecretFile | undefined;
  readonly #names: Names;
  #agents: { readonly http: HttpAgent; readonly https: HttpsAgent } | undefined;

  constructor(options: JsonClientOptions, names = new Names()) {
    this.#options = options;
    this.#names = names;
    this.#token = options.tokenFile === undefined ? undefined : new SecretFile(options.tokenFile);
  }

  /** Rejects with an Error that describes the problem and contains no token. */
  async get(asked: string, signal: AbortSignal, etag?: string): Promise<JsonAnswer> {
    const url = shownUrl(asked);
    const { statusCode, headers, body } = await this.#request(asked, signal, etag);
    if (statusCode === 304) return { value: undefined, etag };
    // Behind the name of a Service, another replica may be able to respond, and a keep-alive connection stays with this
    // one.
    if (statusCode >= 500) this.close();
    if (statusCode !== 200) throw new Error(`${url}: ${statusCode} ${body.slice(0, 200).trim()}`);
    try {
      return { value: JSON.parse(body), etag: headers.etag };
    } catch {
      throw new Error(`${url}: the response is not JSON: ${body.slice(0, 100)}`);
    }
  }

  /** The unparsed response. Rejects like {@link get}. */
  async text(url: string, signal: AbortSignal): Promise<string> {
    const { statusCode, body } = await this.#request(url, signal);
    if (statusCode !== 200) throw new Error(`${shownUrl(url)}: ${statusCode} ${body.slice(0, 200).trim()}`);
    return body;
  }

  close(): void {
    this.#agents?.http.destroy();
    this.#agents?.https.destroy();
    this.#agents = undefined;
  }

  async #request(url: string, signal: AbortSignal, etag?: string): Promise<Response<string>> {
    const tooMuch = new AbortController();
    try {
      const request = got(url, {
        headers: {
          'user-agent': 'firesteel',
          accept: 'application/json',
          ...(etag && { 'if-none-match': etag }),
          ...(this.#token && { authorization: `Bearer ${this.#token.read()}` }),
        },
        agent: this.#kept(),
        followRedirect: false,
        throwHttpErrors: false,
        retry: { limit: 0 },
        timeout: { lookup: 2000, connect: 3000, secureConnect: 3000, request: ANSWER_MS },
        signal: AbortSignal.any([signal, tooMuch.signal]),
      });
      request.on('downloadProgress', ({ transferred }: Progress) => {
        if (transferred > MAX_ANSWER_BYTES) tooMuch.abort();
      });
      return (await request) as Response<string>;
    } catch (cause) {
      // The next attempt opens a new connection, possibly to another replica, and rereads the CA file.
      this.close();
      if (tooMuch.signal.aborted)
        throw new Error(`${shownUrl(url)}: the response is larger than ${MAX_ANSWER_BYTES} bytes`);
      // Only code and message: got's errors contain the request's headers, and thus the token.
      const code = cause instanceof RequestError ? `${cause.code} ` : '';
      throw new Error(`${shownUrl(url)}: ${code}${errorText(cause)}`);
    }
  }

  #kept() {
    const { caFile, insecureSkipVerify } = this.#options;
    const common = { keepAlive: true, maxSockets: 1, lookup: this.#names.lookup };
    this.#agents ??= {
      http: new HttpAgent(common),
      https: new HttpsAgent({
        ...common,
        ...(caFile === undefined ? {} : { ca: readRegular(caFile, { maxBytes: MAX_CA_BYTES }).content }),
        rejectUnauthorized: !insecureSkipVerify,
      }),
    };
    return this.#agents;
  }
}
