import {
  type ClientRequest,
  type Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { writeBody } from './request-body.ts';

/** The agents for connections to one server, by the scheme of its URLs. */
export interface AgentPair {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/** One request. Its body is only borrowed. */
interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: OutgoingHttpHeaders;
  /** The body, in this order. */
  readonly members: readonly Buffer[];
  readonly agents: AgentPair;
  /** Response timeout, milliseconds. */
  readonly timeoutMs: number;
  /** Longest response, bytes; a longer one is an error. When unset, the response is truncated to its first 64 KiB. */
  readonly maxResponseBytes?: number | undefined;
  readonly signal: AbortSignal;
}

/** The response, as it was sent. */
export interface Response {
  readonly code: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** The stage that a request is waiting for. */
type Stage = 'connect' | 'send' | 'response';

/** A stage exceeded its timeout. */
export class StageTimeout extends Error {
  override readonly name = 'StageTimeout';
  readonly stage: Stage;

  constructor(stage: Stage, milliseconds: number) {
    super(`${stage} took more than ${milliseconds} ms`);
    this.stage = stage;
  }
}

const CONNECT_MS = 5000;
/** Long, because receivers respond with 204 to a truncated body, and store half of its last number. */
const SEND_MS = 60_000;
/** Only the status code of a response matters, however long its body is. */
const SHOWN_BYTES = 64 * 1024;

/**
 * Makes one request directly over node:http. The borrowed buffers go to the kernel without a copy, which matters for the
 * state of a large cluster. Rejects with {@link StageTimeout} or the socket's error. `seen` receives
 * the request.
 */
export async function exchange(asked: Exchange, seen: (request: ClientRequest) => void): Promise<Response> {
  const { url, method, headers, members, agents, timeoutMs, maxResponseBytes, signal } = asked;
  const secure = url.startsWith('https:');
  const request = secure
    ? httpsRequest(url, { method, headers, agent: agents.https })
    : httpRequest(url, { method, headers, agent: agents.http });
  seen(request);
  const stages = new Stages(request);
  // Node's own option `signal` observes the whole stream, which takes as long as the rest of the exchange.
  const cut = () => request.destroy(new Error('aborted'));
  try {
    const responded = responseOf(request);
    signal.addEventListener('abort', cut, { once: true });
    if (signal.aborted) cut();
    request.once('socket', (socket: Socket) => {
      const isConnecting =
        socket.connecting || (secure && socket instanceof TLSSocket && socket.getProtocol() === null);
      if (!isConnecting) return stages.begin('send', SEND_MS);
      stages.begin('connect', CONNECT_MS);
      socket.once(secure ? 'secureConnect' : 'connect', () => stages.begin('send', SEND_MS));
    });
    request.once('finish', () => stages.begin('response', timeoutMs));
    await writeBody(request, members, responded);
    const response = await responded;
    const body = await bodyOf(response, maxResponseBytes);
    // Not a slice: in the turn in which a response arrives, libuv reads it before it reports that the last bytes were written.
    if (!request.writableFinished) await setImmediate();
    return { code: response.statusCode ?? 0, headers: response.headers, body };
  } finally {
    stages.end();
    signal.removeEventListener('abort', cut);
    // The response came before everything was sent. The rest must not leak into the next request on this connection.
    if (!request.writableFinished) request.destroy();
  }
}

/** The deadline of a request's current stage. */
class Stages {
  readonly #request: ClientRequest;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: ClientRequest) {
    this.#request = request;
  }

  begin(stage: Stage, milliseconds: number): void {
    clearTimeout(this.#timer);
    const expire = () => this.#request.destroy(new StageTimeout(stage, milliseconds));
    this.#timer = setTimeout(expire, milliseconds);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

const responseOf = (request: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Stays registered for errors after the response, which have no other handler.
    request.on('error', reject);
  });

const bodyOf = (response: IncomingMessage, maxBytes: number | undefined): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      const most = maxBytes ?? SHOWN_BYTES;
      if (bytes <= most) return;
      if (maxBytes === undefined) resolve(Buffer.concat(chunks).subarray(0, most));
      response.destroy(new Error(`the response is larger than ${most} bytes`));
    });
    response.once('end', () => resolve(Buffer.concat(chunks)));
    response.on('error', reject);
    // After `end` this has no effect.
    response.once('close', () => reject(new Error('the connection was closed before the end of the response')));
  });
