import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { shownUrl } from '../config/http-url.ts';
import { SecretFile } from '../config/secret-file.ts';
import { exchange } from './exchange.ts';
import { LazyAgents } from './lazy-agents.ts';
import { Names } from './names.ts';
import { requestFailure } from './request-failure.ts';
import type { AgentPair } from './staged-request.ts';
import { secureOptions } from './tls-files.ts';

/** Credentials and trusted authorities. */
interface JsonClientOptions {
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly insecureSkipVerify: boolean;
}

/** A successful response. */
interface JsonResponse {
  /** Undefined when unchanged (304). */
  readonly value: unknown;
  readonly etag: string | undefined;
}

/** The kubelet's list of 250 pods is 3 MB. */
const MAX_RESPONSE_BYTES = 32 * 1024 * 1024;
const RESPONSE_MS = 10_000;

/** Requests JSON from one server, over one keep-alive connection, with name resolution separate from all others. */
export class JsonClient {
  readonly #options: JsonClientOptions;
  readonly #token: SecretFile | undefined;
  readonly #names: Names;
  #agents: LazyAgents | undefined;

  constructor(options: JsonClientOptions, names = new Names()) {
    this.#options = options;
    this.#names = names;
    this.#token = options.tokenFile === undefined ? undefined : new SecretFile(options.tokenFile);
  }

  /** Rejects with an Error that describes the problem and contains no token. */
  async get(asked: string, signal: AbortSignal, etag?: string): Promise<JsonResponse> {
    const url = shownUrl(asked);
    const { code, headers, body } = await this.#request(asked, signal, etag);
    if (code === 304) return { value: undefined, etag };
    // Behind the name of a Service, another replica may be able to respond, and a keep-alive connection stays with this
    // one.
    if (code >= 500) this.close();
    if (code !== 200) throw new Error(`${url}: ${code} ${body.slice(0, 200).trim()}`);
    try {
      return { value: JSON.parse(body), etag: headers.etag };
    } catch {
      throw new Error(`${url}: the response is not JSON: ${body.slice(0, 100)}`);
    }
  }

  /** The unparsed response. Rejects like {@link get}. */
  async text(url: string, signal: AbortSignal): Promise<string> {
    const { code, body } = await this.#request(url, signal);
    if (code !== 200) throw new Error(`${shownUrl(url)}: ${code} ${body.slice(0, 200).trim()}`);
    return body;
  }

  close(): void {
    this.#agents?.destroy();
    this.#agents = undefined;
  }

  async #request(url: string, signal: AbortSignal, etag?: string) {
    try {
      const { code, headers, body } = await exchange({
        method: 'GET',
        url,
        headers: {
          'user-agent': 'firesteel',
          accept: 'application/json',
          'accept-encoding': 'gzip',
          ...(etag && { 'if-none-match': etag }),
          ...(this.#token && { authorization: `Bearer ${this.#token.read()}` }),
        },
        pieces: [],
        agents: this.#kept(),
        timeoutMs: RESPONSE_MS,
        signal: AbortSignal.any([signal, AbortSignal.timeout(RESPONSE_MS)]),
        maxResponseBytes: MAX_RESPONSE_BYTES,
      });
      return { code, headers, body: await textOf(body, headers['content-encoding']) };
    } catch (cause) {
      // The next attempt opens a new connection, possibly to another replica, and rereads the CA file.
      this.close();
      throw requestFailure(url, cause);
    }
  }

  #kept(): AgentPair {
    const common = { keepAlive: true, maxSockets: 1, lookup: this.#names.lookup };
    this.#agents ??= new LazyAgents(
      new HttpAgent(common),
      () => new HttpsAgent({ ...common, ...secureOptions(this.#options) }),
    );
    return this.#agents;
  }
}

const unzip = promisify(gunzip);

/** Throws if the decompressed data is larger. */
const textOf = async (body: Buffer, encoding: string | undefined): Promise<string> =>
  (encoding === 'gzip' && body.length > 0
    ? await unzip(body, { maxOutputLength: MAX_RESPONSE_BYTES })
    : body
  ).toString();
