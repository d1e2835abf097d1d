import {
  type ClientRequest,
  type Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { asError, errorCode } from '../base/error-text.ts';
import { joined } from '../base/joined.ts';

/** The agents for connections to one server, by the scheme of its URLs. */
export interface AgentPair {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/** The stage that a request is waiting for. */
type RequestStage = 'connect' | 'send' | 'response';

/** A stage exceeded its timeout. */
export class StageTimeout extends Error {
  override readonly name = 'StageTimeout';
  readonly code = 'ETIMEDOUT';
  readonly stage: RequestStage;

  constructor(stage: RequestStage, milliseconds: number) {
    super(`${stage} took more than ${milliseconds} ms`);
    this.stage = stage;
  }
}

interface Options {
  readonly url: string | URL;
  readonly method: string;
  readonly headers: NonNullable<RequestOptions['headers']>;
  readonly agents: AgentPair;
  /** Timeout of each stage, milliseconds. Connecting includes DNS lookup and TLS. */
  readonly timeouts: Readonly<Record<RequestStage, number>>;
  readonly signal: AbortSignal;
}

/**
 * One request directly over node:http, not sent yet. Its stages have timeouts, except for the time spent waiting for one
 * of few connections, and `signal` aborts it at any time, also while its response is read.
 *
 * Requests to receivers, the kubelet and task sources ({@link exchange}) and to the API server (`kube/http-exchange.ts`)
 * are made with it. Others are not: a scrape has one deadline for all stages and decompresses a stream
 * (`scrape/fetch.ts`), probes measure each stage themselves (`tasks/probe`), and peers are contacted by address, with
 * one pinned certificate (`kube/peer-client.ts`).
 */
export class StagedRequest {
  readonly request: ClientRequest;
  /** Its headers. Rejects with {@link StageTimeout}, the socket's error or the reason of the signal. */
  readonly response: Promise<IncomingMessage>;
  readonly #fail: (reason: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #isStopped: boolean = false;

  constructor({ url, method, headers, agents, timeouts, signal }: Options) {
    const isSecure = new URL(url).protocol === 'https:';
    const request = isSecure
      ? httpsRequest(url, { method, headers, agent: agents.https })
      : httpRequest(url, { method, headers, agent: agents.http });
    this.request = request;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    this.response = promise;
    // Stays registered for errors after the response: a reader of the response gets them, and a request without a
    // listener would end the process.
    request.on('error', reject);
    let begun: IncomingMessage | undefined;
    request.once('response', (response: IncomingMessage) => {
      begun = response;
      resolve(response);
    });
    this.#fail = (reason) => {
      // A request that waits for a connection reports its end only when it gets one.
      reject(reason);
      // Otherwise its reader gets `ECONNRESET`, as if the peer had closed the connection.
      begun?.destroy(reason);
      request.destroy(reason);
    };
    const enter = (stage: RequestStage) => this.#enter(stage, timeouts[stage]);
    request.once('socket', (socket: Socket) => {
      // In a tunnel, the connection is open before TLS begins; its protocol has a name already.
      const isConnecting =
        socket.connecting || (isSecure && socket instanceof TLSSocket && socket.getPeerFinished() === undefined);
      if (!isConnecting) return enter('send');
      enter('connect');
      socket.once(isSecure ? 'secureConnect' : 'connect', () => enter('send'));
    });
    request.once('finish', () => enter('response'));
    // Node's own option `signal` observes the whole stream, which takes as long as the rest of the exchange.
    const cut = () => this.#fail(asError(signal.reason));
    signal.addEventListener('abort', cut, { once: true });
    if (signal.aborted) cut();
    request.once('close', () => {
      // Node reports no error when it closes the connection because of a 101 to a request without an upgrade.
      reject(new Error('the connection was closed without a usable response'));
      this.stop();
      signal.removeEventListener('abort', cut);
    });
  }

  /** Ends the timeout of the current stage. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #enter(stage: RequestStage, milliseconds: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(new StageTimeout(stage, milliseconds)), milliseconds);
  }
}

/** A body that was read completely, or its first bytes. */
interface ReadBody {
  readonly body: Buffer;
  readonly isWhole: boolean;
}

/** The body of a response; truncated, and the connection closed, when it is larger than `maxBytes`. */
export const readBody = (response: IncomingMessage, maxBytes: number): Promise<ReadBody> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes <= maxBytes) return;
      resolve({ body: Buffer.concat(chunks).subarray(0, maxBytes), isWhole: false });
      response.destroy();
    });
    response.once('end', () => resolve({ body: joined(chunks), isWhole: true }));
    const truncated = () => new Error('the connection was closed before the end of the response');
    // Without the code: after a reset before the response, a request may be repeated.
    response.on('error', (cause) => reject(errorCode(cause) === 'ECONNRESET' ? truncated() : cause));
    // After `end` this has no effect.
    response.once('close', () => reject(truncated()));
  });
