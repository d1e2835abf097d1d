import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { sleep } from '../base/clock.ts';
import { within } from '../base/deadline.ts';
import { asError, errorCode, errorText } from '../base/error-text.ts';
import { readText } from '../base/files.ts';
import { Names } from '../net/names.ts';
import { type HolderView, type LeasePeers, PEER_ANSWERS, type PeerQuestion } from './lease-peers.ts';
import type { ShardReport } from './resharding.ts';

/** Paths on which candidates ask each other; documented in docs/api.yaml. */
export const CONSENT_PATH = '/v1/ksm/lease';
export const HOLDER_PATH = '/v1/ksm/lease/holder';
export const SHARD_PATH = '/v1/ksm/shard';

/** How to find peers and authenticate to them. */
interface PeerOptions {
  /** `HOST:PORT` each; a name stands for all of its addresses, e.g. that of a headless Service. */
  readonly peers: readonly string[];
  /** The certificate that all peers serve, as PEM; plain HTTP when unset. */
  readonly certFile?: string | undefined;
  /** Bearer token for the peers. */
  readonly token?: (() => string) | undefined;
}

interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

const CONNECT_MS = 1500;
/** The holder sends a heartbeat every twenty seconds. */
const SILENCE_MS = 25_000;
const MAX_RESPONSE = 4096;
/** A certificate and those of its issuers. */
const MAX_CERT_BYTES = 1024 * 1024;
/** How often, and at which pause, a holder that resets connections is asked again before it counts as unknown. */
const MAX_RESETS = 10;
const RESET_PAUSE_MS = 100;

/** Talks to the other state agents over HTTP. Addresses are cached: DNS may fail together with the API server. */
export class PeerClient implements LeasePeers {
  readonly #options: PeerOptions;
  /** Resolved on each use, so that a peer that has just started is included immediately. */
  readonly #names: Names;
  readonly #known = new Map<string, readonly PeerAddress[]>();

  constructor(options: PeerOptions, names = new Names({ longestTtl: 0 })) {
    this.#options = options;
    this.#names = names;
  }

  async consent(question: PeerQuestion, patienceMs: number): Promise<{ readonly against: string | undefined }> {
    const deadline = AbortSignal.timeout(patienceMs);
    const addresses = await this.#addresses(patienceMs / 2);
    if (typeof addresses === 'string') return { against: addresses };
    const reasons = await Promise.all(
      addresses.map(async (address) => {
        const answer = await this.#answer(address, question, deadline);
        return AGREE.has(answer) ? undefined : `${address.host}:${address.port}: ${answer}`;
      }),
    );
    return { against: reasons.find((reason) => reason !== undefined) };
  }

  async isLed(question: PeerQuestion, patienceMs: number): Promise<boolean> {
    const deadline = AbortSignal.timeout(patienceMs);
    const addresses = await this.#addresses(patienceMs / 2);
    if (typeof addresses === 'string') return false;
    const answers = await Promise.all(addresses.map((address) => this.#answer(address, question, deadline)));
    return answers.includes('leads');
  }

  /** The reports of all state agents that answer in time. */
  async reports(patienceMs: number): Promise<ShardReport[]> {
    const deadline = AbortSignal.timeout(patienceMs);
    const addresses = await this.#addresses(patienceMs / 2);
    if (typeof addresses === 'string') return [];
    const answers = await Promise.all(addresses.map((address) => this.#json(address, SHARD_PATH, deadline)));
    return answers.filter(isReport);
  }

  async ended(holder: Pick<PeerQuestion, 'lease' | 'proof'>, view: HolderView, signal: AbortSignal): Promise<boolean> {
    const addresses = await this.#addresses(CONNECT_MS);
    if (typeof addresses === 'string') return false;
    const path = `${HOLDER_PATH}?${new URLSearchParams(holder)}`;
    for (const address of addresses) {
      // Once the holder has answered at this address, a refused connection or another process there means that it has
      // ended.
      let wasPresent: boolean = false;
      let resets = 0;
      while (!signal.aborted) {
        const response = await this.#open(address, path, AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]));
        if (response instanceof Error || response.statusCode !== 200) {
          if (!(response instanceof Error)) response.destroy();
          if (!wasPresent) break;
          // A process that is killed may close its connections before its listening socket, which then resets new ones.
          if (response instanceof Error && isReset(response) && resets++ < MAX_RESETS) {
            await sleep(RESET_PAUSE_MS, signal);
            continue;
          }
          return response instanceof Error ? isRefused(response) : response.statusCode === 404;
        }
        wasPresent = true;
        resets = 0;
        view.onPresence(true);
        const hasClosed = await this.#stay(response, view.isWanted, signal);
        view.onPresence(false);
        if (!hasClosed) return false;
      }
    }
    return false;
  }

  /** Reads heartbeats; true when the connection has ended, false when the holder is no longer of interest. */
  #stay(response: IncomingMessage, isWanted: () => boolean, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      let silence: NodeJS.Timeout | undefined;
      const end = (hasEnded: boolean) => {
        clearTimeout(silence);
        signal.removeEventListener('abort', stop);
        response.destroy();
        resolve(hasEnded);
      };
      const stop = () => end(false);
      const wait = () => {
        clearTimeout(silence);
        silence = setTimeout(end, SILENCE_MS, false).unref();
      };
      signal.addEventListener('abort', stop);
      response.on('data', () => (isWanted() ? wait() : stop()));
      response.on('error', () => {});
      response.once('close', () => end(true));
      wait();
    });
  }

  async #answer(address: PeerAddress, question: PeerQuestion, signal: AbortSignal): Promise<string> {
    const query = new URLSearchParams({ ...question, transitions: String(question.transitions) });
    const answer = await this.#json(address, `${CONSENT_PATH}?${query}`, signal);
    if (answer instanceof Error) return isRefused(answer) ? 'ended' : `no answer (${answer.message})`;
    const word = 'answer' in answer ? answer.answer : undefined;
    return PEER_ANSWERS.find((one) => one === word) ?? 'unknown answer';
  }

  /** The object returned by a GET, or the error. */
  async #json(address: PeerAddress, path: string, signal: AbortSignal): Promise<object | Error> {
    const response = await this.#open(address, path, signal);
    if (response instanceof Error) return response;
    try {
      if (response.statusCode !== 200) return new Error(`status ${response.statusCode}`);
      let text = '';
      for await (const chunk of response) {
        text += chunk;
        if (text.length > MAX_RESPONSE) return new Error('the response is too large');
      }
      return Object(JSON.parse(text));
    } catch (cause) {
      return asError(cause);
    } finally {
      response.destroy();
    }
  }

  /**
   * Sends a GET; resolves to the response once its headers have arrived, or to the error. `signal` aborts it until
   * then.
   */
  #open({ host, port }: PeerAddress, path: string, signal: AbortSignal): Promise<IncomingMessage | Error> {
    const { certFile, token } = this.#options;
    return new Promise((resolve) => {
      const fail = (cause: unknown) => resolve(asError(cause));
      try {
        const options: RequestOptions = {
          host,
          port,
          path,
          agent: false,
          headers: token ? { authorization: `Bearer ${token()}` } : {},
        };
        const request =
          certFile === undefined ? requestHttp(options) : requestHttps({ ...options, ...pinned(certFile) });
        const cut = () => request.destroy(new Error('timed out'));
        signal.addEventListener('abort', cut, { once: true });
        request.once('response', (response) => {
          signal.removeEventListener('abort', cut);
          resolve(response);
        });
        request.on('error', fail);
        // Node reports no error when it closes the connection because of a 101 to a request without an upgrade.
        request.once('close', () => fail(new Error('the connection was closed without a usable response')));
        request.end();
      } catch (cause) {
        fail(cause);
      }
    });
  }

  /** All addresses, or the reason when a name has never been resolved. */
  async #addresses(patienceMs: number): Promise<PeerAddress[] | string> {
    const found = await Promise.all(this.#options.peers.map((peer) => this.#resolve(peer, patienceMs)));
    const [failed] = found.filter((one) => typeof one === 'string');
    return failed ?? found.flatMap((one) => (typeof one === 'string' ? [] : one));
  }

  async #resolve(peer: string, patienceMs: number): Promise<readonly PeerAddress[] | string> {
    const colon = peer.lastIndexOf(':');
    const port = Number(peer.slice(colon + 1));
    const host = peer.slice(0, colon).replace(/^\[|\]$/g, '');
    try {
      const addresses = await within(patienceMs, this.#names.resolve(host), 'DNS lookup timed out');
      this.#known.set(
        peer,
        addresses.map(({ address }) => ({ host: address, port })),
      );
    } catch (cause) {
      if (!this.#known.has(peer)) return `${peer}: ${errorText(cause)}`;
    }
    return this.#known.get(peer) ?? [];
  }
}

const isReport = (value: object): value is ShardReport =>
  'shard' in value && 'totalShards' in value && 'isMaster' in value && 'isSettled' in value && 'isStopping' in value;

/** Answers that let the holder continue. */
const AGREE: ReadonlySet<string> = new Set(['granted', 'self', 'other', 'ended']);

/** Whether a connection was accepted and closed without an answer. */
const isReset = (error: Error): boolean => errorCode(error) === 'ECONNRESET';

/** Whether a reachable address refuses connections: the process there has ended. */
const isRefused = (error: Error): boolean => errorCode(error) === 'ECONNREFUSED';

/**
 * State agents share one certificate, which names their Service and not their addresses: only this exact certificate is
 * accepted.
 */
function pinned(certFile: string) {
  const [first = ''] = readText(certFile, MAX_CERT_BYTES).split(/(?<=-----END CERTIFICATE-----)/);
  return { ca: first, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
}
