import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

/** One stored entry. */
export interface StoredEntry {
  /** Its identity in the store: the cursor, or the id of the document. */
  readonly id: string;
  readonly timeUs: number;
  readonly message: string;
  /** All other values by name, nested ones with dots. */
  readonly fields: Readonly<Record<string, string>>;
  /** The labels by which the store groups entries. */
  readonly stream: string;
}

/** A request with its decompressed body. */
export interface StoreRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface StoreReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * A fault of a request: a response without storing anything; `lost`: everything is stored and the connection closed without
 * a response; `cut`: it is closed in the middle of the upload; `garbage`: the response is not HTTP.
 */
export type Fault = StoreReply | 'lost' | 'cut' | 'garbage';

/** Content encodings that stores may accept. */
const DECODERS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  '': (body) => body,
  gzip: (body) => gunzipSync(body),
  deflate: (body) => inflateSync(body),
  zstd: (body) => zstdDecompressSync(body),
};

/** A store of log entries with the documented rules of a real one, which records what real ones drop silently. */
export abstract class LogStore {
  readonly stored: StoredEntry[] = [];
  /** Rules that requests violated. */
  readonly violations: string[] = [];
  readonly requests: Omit<StoreRequest, 'body'>[] = [];
  /** Chooses the fault of each request, by its number. */
  plan: (request: number) => Fault | undefined = () => undefined;
  readonly #server: Server;
  #port = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((cause: unknown) => {
        if (!request.destroyed) this.violations.push(`the store failed: ${String(cause)}`);
        response.destroy();
      });
    });
  }

  /** Names of accepted content encodings. */
  protected abstract readonly encodings: readonly string[];

  /** Response to an unsupported encoding. */
  protected abstract unknownEncoding(encoding: string): StoreReply;

  /** Handles a request. */
  protected abstract take(request: StoreRequest): StoreReply;

  async start(context: TestContext): Promise<this> {
    context.after(() => this.stop());
    await this.listen();
    return this;
  }

  /** Opens the port, the same as before. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** Without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** How often each entry is stored, by id. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { id } of this.stored) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request;
    const url = new URL(request.url ?? '/', this.url);
    const fault = this.plan(this.requests.push({ method, url, headers }));
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      if (fault === 'cut') break;
    }
    if (fault === 'cut' || fault === 'garbage') {
      request.socket.end(fault === 'cut' ? '' : '\x00\x01 this is no HTTP \xff\r\n\r\n');
      return;
    }
    const reply =
      typeof fault === 'object' ? fault : this.#taken({ method, url, headers, body: Buffer.concat(chunks) });
    if (fault === 'lost') request.socket.destroy();
    else response.writeHead(reply.status, reply.headers).end(reply.body);
  }

  #taken(request: StoreRequest): StoreReply {
    const encoding = String(request.headers['content-encoding'] ?? '');
    const decode = this.encodings.includes(encoding) ? DECODERS[encoding] : undefined;
    if (decode === undefined) return this.unknownEncoding(encoding);
    return this.take({ ...request, body: decode(request.body) });
  }

  /** Records the violation of a rule. */
  protected violated(rule: string): void {
    this.violations.push(rule);
  }
}

/** The object in a line of JSON; undefined for anything else, and for one with a duplicate name. */
export function objectOf(line: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  // One of two equal names is lost when it is read.
  return isObject && JSON.stringify(value).length === line.length ? (value as Record<string, unknown>) : undefined;
}

/** The texts in an object, nested ones with dots in their names. */
export function flattened(value: object, prefix = ''): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, one] of Object.entries(value)) {
    if (typeof one === 'object' && one !== null) Object.assign(flat, flattened(one, `${prefix}${name}.`));
    else flat[prefix + name] = String(one);
  }
  return flat;
}

/** Microseconds of RFC 3339; NaN for anything else. */
export function timeOf(text: unknown): number {
  const [, whole, fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(String(text)) ?? [];
  return whole === undefined
    ? Number.NaN
    : Date.parse(`${whole}Z`) * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}
