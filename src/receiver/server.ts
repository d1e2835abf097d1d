// A stand-in for VictoriaMetrics and Pushgateway on one port, to test the agent without them: accepts both push
// protocols, responds like the real servers, and reports why each line was rejected.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { boundAddress, boundUrl } from '../base/bound-url.ts';
import { listenAt } from '../base/listen.ts';
import { type HostCheck, hostCheck } from '../base/loopback.ts';
import { VERSION } from '../config/version.ts';
import { ZSTD_QUESTION } from '../metrics/zstd-question.ts';
import { ByteBudget, compressionOfBody, readRequestBody, unpack } from './body.ts';
import { applyPush } from './gateway-push.ts';
import { importText } from './import-text.ts';
import { Refused } from './refused.ts';
import { unpackSnappy } from './remote-write.ts';
import { type GroupRoute, type ImportRoute, routeOf, type WriteRoute } from './routes.ts';
import { type PushSource, ReceiverStore } from './store.ts';
import { summaryText } from './summary.ts';
import { applyWrite } from './written.ts';

type PushRoute = ImportRoute | WriteRoute | GroupRoute;

/** Options of a receiver. */
interface ReceiverOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** Closes the receiver when it fires. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<ReceiverLimits>;
}

/** Limits for clients. */
export interface ReceiverLimits {
  /** Size of one body, before and after decompression. */
  readonly bodyBytes: number;
  /** Total of all bodies being uploaded. */
  readonly uploadBytes: number;
  readonly series: number;
  readonly connections: number;
  /** Time from the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** Time from the first byte of a request to its end. */
  readonly requestTimeoutMs: number;
  /** Idle timeout of a connection; VictoriaMetrics' own value. */
  readonly idleTimeoutMs: number;
  /** How long {@link Receiver.close} waits for requests in progress. */
  readonly closeTimeoutMs: number;
}

const LIMITS: ReceiverLimits = {
  bodyBytes: 64 * 2 ** 20,
  uploadBytes: 256 * 2 ** 20,
  series: 1_000_000,
  connections: 512,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  closeTimeoutMs: 2000,
};

/** A running receiver. */
export interface Receiver {
  /** Without a trailing slash, as expected by exporters. */
  readonly url: string;
  readonly store: ReceiverStore;
  /** Ends connections and resolves when the port is free; also after a second call. */
  close(): Promise<void>;
}

/**
 * Starts a receiver. Rejects like {@link listenAt}. On a loopback address, it accepts requests as {@link hostCheck} does.
 */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { host, port, now, signal } = options;
  const limits = { ...LIMITS, ...options.limits };
  const store = new ReceiverStore(now(), limits.series);
  const server = createServer({
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.max(10, Math.min(1000, limits.headersTimeoutMs / 4)),
  });
  server.maxConnections = limits.connections;
  await listenAt(server, port, host);
  // No request is read before this, because the event loop does not turn in between.
  const handler = new ReceiverHandler(store, limits, now, hostCheck({ host, address: boundAddress(server).address }));
  server.on('request', (request, response) => {
    handler.handle(request, response).catch((cause: unknown) => {
      store.report(now(), `BUG: ${String(cause)}`);
      response.destroy();
    });
  });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= closeServer(server, limits.closeTimeoutMs);
    return closed;
  };
  const url = boundUrl(server, 'http');
  if (signal?.aborted) await close();
  signal?.addEventListener('abort', close, { once: true });
  return { url, store, close };
}

class ReceiverHandler {
  readonly #store: ReceiverStore;
  readonly #limits: ReceiverLimits;
  readonly #now: () => number;
  readonly #foreignHost: HostCheck;
  readonly #budget: ByteBudget;
  /**
   * Ends when all requests accepted so far are processed: one at a time, so that only one is decompressed in memory.
   */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(store: ReceiverStore, limits: ReceiverLimits, now: () => number, foreignHost: HostCheck) {
    this.#store = store;
    this.#limits = limits;
    this.#now = now;
    this.#foreignHost = foreignHost;
    this.#budget = new ByteBudget(limits.uploadBytes);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    try {
      if ((request.headersDistinct.host?.length ?? 0) > 1) throw new Refused(400, 'more than one Host header');
      const foreign = this.#foreignHost(request.headers.host);
      if (foreign !== undefined) throw new Refused(421, foreign);
      const route = routeOf(method, url);
      if (route.kind === 'self') return respond(response, 200, `firesteel_receiver_info{version="${VERSION}"} 1\n`);
      if (route.kind === 'summary') return respond(response, 200, summaryText(this.#store, this.#now(), 80));
      this.#store.totals.requests++;
      const status = await this.#push(request, route);
      if (status !== 'yes') return respond(response, status);
      // Not a push, and not an error.
      this.#store.totals.requests--;
      respond(response, 400, 'the magic number of zstd is missing: zstd is supported here\n');
    } catch (cause) {
      const refused = cause instanceof Refused ? cause : new Refused(500, `BUG: ${String(cause)}`);
      this.#store.totals.refused++;
      this.#store.report(
        this.#now(),
        `${refused.status} to ${method} ${url.replace(/\?.*$/s, '').slice(0, 100)}: ${refused.message}`,
      );
      for (const [name, value] of Object.entries(refused.headers)) if (value) response.setHeader(name, value);
      respond(response, refused.status, `${refused.message}\n`);
    }
  }

  /** Processes one body; returns the status of the response, or the answer to the agent's zstd check. */
  async #push(request: IncomingMessage, route: PushRoute): Promise<number | 'yes'> {
    const encoding = request.headers['content-encoding'];
    // Pushgateway also accepts GZIP in capitals, VictoriaMetrics does not.
    const isGroup = route.kind === 'group';
    const packing =
      route.kind === 'write' ? undefined : compressionOfBody(isGroup ? encoding?.toLowerCase() : encoding, !isGroup);
    const body = await readRequestBody(request, this.#limits.bodyBytes, this.#budget);
    if (packing === 'zstd' && body.equals(ZSTD_QUESTION)) {
      this.#budget.give(body.length);
      return 'yes';
    }
    const done = this.#queue.then(async () => {
      const text = packing ? await unpack(body, packing, this.#limits.bodyBytes) : body;
      this.#store.totals.wireBytes += body.length;
      this.#store.totals.textBytes += text.length;
      return this.#apply(route, text, body.length);
    });
    const released = done.finally(() => this.#budget.give(body.length));
    this.#queue = released.catch(() => {});
    return released;
  }

  async #apply(route: PushRoute, text: Buffer, wireBytes: number): Promise<number> {
    const now = this.#now();
    let targets: readonly PushSource[];
    if (route.kind === 'write') {
      const message = unpackSnappy(text, this.#limits.bodyBytes);
      for (const target of applyWrite(this.#store, route, message, now)) this.#store.sweep(target);
      return 204;
    }
    if (route.kind === 'import') {
      targets = await importText(this.#store, route, text.toString(), now);
    } else if (route.method === 'DELETE') {
      this.#store.removeTarget('pushgateway', route.labels);
      return 202;
    } else {
      targets = [await applyPush(this.#store, route, text, now)];
    }
    for (const target of targets) {
      target.textBytes = text.length;
      target.wireBytes = wireBytes;
    }
    return route.kind === 'import' ? route.status : 200;
  }
}

function respond(response: ServerResponse, status: number, text = ''): void {
  if (response.writableEnded || response.destroyed) return;
  response.statusCode = status;
  if (text !== '') response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(text);
}

function closeServer(server: Server, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const hurry = setTimeout(() => server.closeAllConnections(), timeoutMs);
    server.close(() => {
      clearTimeout(hurry);
      resolve();
    });
    server.closeIdleConnections();
  });
}
