import type { Socket } from 'node:net';
import { monotonicMs, secondsSince } from '../../base/clock.ts';
import { dial } from '../../net/dial.ts';
import { type Address, literalAddress } from '../../net/literal-address.ts';
import { startTls, type TlsFacts } from '../../net/tls-session.ts';
import type { TaskWorld } from '../task-type.ts';
import { resolveTarget } from './addresses.ts';
import { Cookies } from './cookies.ts';
import { ProbeFailure } from './failure.ts';
import { FAILED_DUE_TO_REGEX } from './families.ts';
import { ask, type ProbeResponse } from './http-exchange.ts';
import { HTTP } from './http-families.ts';
import { type HttpOptions, targetUrl } from './http-options.ts';
import { afterRedirect, type HttpRequests } from './http-request.ts';
import { checkResponse, REDIRECTS } from './http-response.ts';
import { openTunnel } from './http-tunnel.ts';
import type { ProbeOptions } from './options.ts';
import type { Attempt, Probing, Put } from './probe.ts';
import { reportTls, type TlsSettings } from './tls.ts';

const MAX_REDIRECTS = 10;

/** Shared state of the probes of one task. */
interface HttpTask {
  readonly world: TaskWorld;
  readonly options: HttpOptions;
  readonly choice: Pick<ProbeOptions, 'ip' | 'fallback'>;
  readonly tls: TlsSettings;
  readonly requests: HttpRequests;
}

/** State of the current hop. */
interface Hop {
  status: number;
  contentLength: number;
  version: number;
  bodyBytes: number;
  isTls: boolean;
  lastModified: number | undefined;
  tls: TlsFacts | undefined;
}

const newHop = (): Hop => ({
  status: 0,
  contentLength: 0,
  version: 0,
  bodyBytes: 0,
  isTls: false,
  lastModified: undefined,
  tls: undefined,
});

/**
 * Probes one URL, following redirects. Phases, and values that are 0 without a response, are those of
 * blackbox_exporter.
 */
export class HttpProbing implements Probing {
  readonly host: string;
  readonly #task: HttpTask;
  readonly #url: URL;
  readonly #phases = { resolve: 0, connect: 0, tls: 0, processing: 0, transfer: 0 };
  readonly #cookies = new Cookies();
  #hop = newHop();
  #redirects = 0;
  #failedBy: 'regex' | 'json' | undefined;

  constructor(task: HttpTask, target: string) {
    this.#task = task;
    this.#url = new URL(targetUrl(target));
    this.host = task.options.proxy === undefined ? this.#url.hostname : '';
  }

  async run(attempt: Attempt): Promise<void> {
    const startMs = monotonicMs();
    const { options, requests } = this.#task;
    let url = this.#url;
    let method: string = options.method;
    let payload = requests.payload();
    let isFirstHost = true;
    for (;;) {
      this.#hop = newHop();
      const response = await this.#exchange(attempt, {
        url,
        method,
        isFirstHost,
        ...(payload !== undefined && { payload }),
      });
      const next = this.#redirectOf(response, url);
      if (next === undefined) {
        await this.#checkResponse(response, attempt.signal);
        break;
      }
      response.body.on('error', () => undefined).destroy();
      this.#cookies.take(url, response.headers['set-cookie']);
      const after = afterRedirect(response.status, method);
      method = after.method;
      if (!after.keepsPayload) payload = undefined;
      // Secrets are sent only to their host, and never to plain HTTP after TLS.
      const isOpener = next.protocol === 'http:' && this.#url.protocol === 'https:';
      if (next.hostname !== this.#url.hostname || isOpener) isFirstHost = false;
      url = next;
    }
    this.#checkEnd(attempt.lookupSeconds + secondsSince(startMs));
  }

  report(put: Put, isResolved: boolean, lookupSeconds: number): void {
    const { status, contentLength, version, bodyBytes, isTls, lastModified, tls } = this.#hop;
    const { resolve, ...later } = this.#phases;
    put(HTTP.duration, lookupSeconds + resolve, 'resolve');
    if (isResolved) for (const [phase, seconds] of Object.entries(later)) put(HTTP.duration, seconds, phase);
    put(HTTP.status, status);
    put(HTTP.contentLength, contentLength);
    put(HTTP.bodyLength, bodyBytes);
    put(HTTP.redirects, this.#redirects);
    put(HTTP.ssl, isTls ? 1 : 0);
    put(HTTP.version, version);
    if (lastModified !== undefined) put(HTTP.lastModified, lastModified);
    put(FAILED_DUE_TO_REGEX, this.#failedBy === 'regex' ? 1 : 0);
    if (this.#task.options.body.json.length > 0) put(HTTP.failedDueToCel, this.#failedBy === 'json' ? 1 : 0);
    if (tls) reportTls(put, tls);
  }

  /** Connects, sends the request, and receives the header of the response. */
  async #exchange(
    attempt: Attempt,
    what: { readonly url: URL; readonly method: string; readonly payload?: string; readonly isFirstHost: boolean },
  ): Promise<ProbeResponse> {
    const { requests } = this.#task;
    const { signal } = attempt;
    const { url, isFirstHost } = what;
    const isPlainProxy = this.#task.options.proxy !== undefined && url.protocol === 'http:';
    const headers = {
      ...requests.headers(url, this.#cookies.for(url), isFirstHost),
      ...(isPlainProxy && requests.proxyHeaders()),
    };
    const { socket, protocol, ready } = await this.#connect(attempt, url, isFirstHost);
    attempt.enter('exchange');
    const response = await ask(socket, protocol, { ...what, headers, isForProxy: isPlainProxy }, signal).catch(
      (cause) => {
        socket.destroy();
        throw cause;
      },
    );
    this.#phases.processing += secondsSince(ready);
    const { status, version, contentLength } = response;
    Object.assign(this.#hop, { status, version, contentLength, isTls: url.protocol === 'https:' });
    return response;
  }

  async #connect(attempt: Attempt, url: URL, isFirstHost: boolean) {
    const { world, options, tls, requests } = this.#task;
    const { signal } = attempt;
    const isTls = url.protocol === 'https:';
    const peer = options.proxy === undefined ? url : new URL(options.proxy);
    const address = await this.#addressOf(attempt, url, peer);
    attempt.enter('connect');
    let before = monotonicMs();
    let socket: Socket = await dial(address, Number(peer.port) || (peer.protocol === 'https:' ? 443 : 80), signal);
    if (options.proxy !== undefined && peer.protocol === 'https:') {
      const secure = await startTls(socket, tls.handshake(peer.hostname), signal);
      tls.check(secure.facts, world.now());
      socket = secure.socket;
    }
    if (options.proxy !== undefined && isTls) await openTunnel(socket, url, requests.proxyHeaders(), signal);
    const connected = secondsSince(before);
    this.#phases.connect += connected;
    if (url === this.#url) attempt.reached(connected);
    if (!isTls) return { socket, protocol: undefined, ready: monotonicMs() };
    attempt.enter('tls');
    before = monotonicMs();
    const name = (isFirstHost && requests.hostHeader?.replace(/:\d+$/, '')) || url.hostname;
    const handshake = tls.handshake(name, options.http2 ? ['h2', 'http/1.1'] : ['http/1.1']);
    const { socket: secure, facts } = await startTls(socket, handshake, signal);
    this.#phases.tls += secondsSince(before);
    this.#hop.tls = facts;
    try {
      tls.check(facts, world.now());
    } catch (cause) {
      secure.destroy();
      throw cause;
    }
    return { socket: secure, protocol: facts.protocol, ready: monotonicMs() };
  }

  /** Redirects to the first host stay at the probed address. */
  async #addressOf(attempt: Attempt, url: URL, peer: URL): Promise<Address> {
    const { world, choice } = this.#task;
    // A proxy resolves names itself; only a literal address can be checked here.
    const literal = literalAddress(url.hostname);
    if (peer !== url && literal) await resolveTarget(url.hostname, choice, world, attempt.signal);
    if (attempt.address && peer.hostname === this.host) return attempt.address;
    attempt.enter('resolve');
    const before = monotonicMs();
    const { addresses } = await resolveTarget(peer.hostname, choice, world, attempt.signal);
    this.#phases.resolve += secondsSince(before);
    const [first] = addresses;
    if (first === undefined) throw new ProbeFailure('resolve', `${peer.hostname} has no address`);
    return first;
  }

  /** The target of a redirect; undefined for the last response. Throws ProbeFailure for the eleventh redirect. */
  #redirectOf({ status, headers: { location } }: ProbeResponse, url: URL): URL | undefined {
    if (!REDIRECTS.has(status) || location === undefined) return undefined;
    const { followRedirects } = this.#task.options;
    if (!followRedirects) {
      this.#redirects++;
      return undefined;
    }
    if (this.#redirects >= MAX_REDIRECTS) {
      throw new ProbeFailure(
        'redirect',
        `more than ${MAX_REDIRECTS} redirects; the last one led to ${shown(location)}`,
      );
    }
    this.#redirects++;
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (next === undefined || !/^https?:$/.test(next.protocol)) {
      throw new ProbeFailure('redirect', `a redirect to ${shown(location)}, which is not an http:// or https:// URL`);
    }
    return next;
  }

  async #checkResponse(response: ProbeResponse, signal: AbortSignal): Promise<void> {
    const { failure, failedBy, lastModified, bodyBytes, transferSeconds } = await checkResponse(
      response,
      this.#task.options,
      signal,
    );
    Object.assign(this.#hop, { lastModified, bodyBytes });
    this.#phases.transfer += transferSeconds;
    this.#failedBy = failedBy;
    if (failure !== undefined) throw failure;
  }

  #checkEnd(seconds: number): void {
    const { ssl, slowerThan } = this.#task.options;
    if (ssl !== 'any' && this.#hop.isTls !== (ssl === 'required')) {
      throw new ProbeFailure('tls', this.#hop.isTls ? 'the response came over TLS' : 'the response came without TLS');
    }
    if (slowerThan !== undefined && seconds * 1000 > slowerThan) {
      throw new ProbeFailure('slow', `it took ${seconds.toFixed(3)} s, longer than ${slowerThan / 1000} s`);
    }
  }
}

const shown = (location: string): string => JSON.stringify(location.slice(0, 200).replace(/[?#].*$/s, ''));
