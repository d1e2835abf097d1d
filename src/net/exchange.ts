import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { writeBody } from './request-body.ts';
import { type AgentPair, readBody, StagedRequest } from './staged-request.ts';

/** One request. Its body is only borrowed. */
interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: OutgoingHttpHeaders;
  /** The body, in pieces. */
  readonly pieces: readonly Buffer[];
  readonly agents: AgentPair;
  /** Response timeout, milliseconds. */
  readonly timeoutMs: number;
  /**
   * Longest response, bytes; a longer one with a status below 300 is an error, others are truncated. When unset, the
   * response is truncated to its first 64 KiB.
   */
  readonly maxResponseBytes?: number | undefined;
  readonly signal: AbortSignal;
}

/** The response, as it was sent. */
export interface Response {
  readonly code: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const CONNECT_MS = 5000;
/** Long, because receivers respond with 204 to a truncated body, and store half of its last number. */
const SEND_MS = 60_000;
/** Only the status code of a response matters, however long its body is. */
const SHOWN_BYTES = 64 * 1024;

/**
 * Makes one request and reads the whole response. The borrowed buffers go to the kernel without a copy, which matters for
 * the state of a large cluster. Rejects as {@link StagedRequest.response} does. `seen` receives the request.
 */
export async function exchange(asked: Exchange, seen: (request: ClientRequest) => void = () => {}): Promise<Response> {
  const { pieces, timeoutMs, maxResponseBytes, ...common } = asked;
  const timeouts = { connect: CONNECT_MS, send: SEND_MS, response: timeoutMs };
  const staged = new StagedRequest({ ...common, timeouts });
  const { request } = staged;
  seen(request);
  try {
    await writeBody(request, pieces, staged.response);
    const response = await staged.response;
    const code = response.statusCode ?? 0;
    const { body, isWhole } = await readBody(response, maxResponseBytes ?? SHOWN_BYTES);
    // Of a refusal, the status says more.
    if (!isWhole && maxResponseBytes !== undefined && code < 300) {
      throw new Error(`the response is larger than ${maxResponseBytes} bytes`);
    }
    // Not a slice: in the turn in which a response arrives, libuv reads it before it reports that the last bytes were written.
    if (!request.writableFinished) await setImmediate();
    return { code, headers: response.headers, body };
  } finally {
    staged.stop();
    // The response came before everything was sent. The rest must not leak into the next request on this connection.
    if (!request.writableFinished) request.destroy();
  }
}
