import type { IncomingMessage } from 'node:http';
import { type AgentPair, readBody, StagedRequest, StageTimeout } from '../net/staged-request.ts';

/** One request, ready to send. */
interface ApiExchange {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: object | undefined;
  readonly agents: AgentPair;
  /** From the connection to the headers of the response. */
  readonly headersMs: number;
  readonly signal: AbortSignal;
}

const CONNECT_MS = 10_000;

/**
 * Sends a request; resolves at the headers of the response, whatever its status. The signal aborts it at any time.
 *
 * This uses Node's own client instead of got: a state agent requests its Lease every second or two, and got took a
 * quarter of an idle standby's CPU. It also passed each part of a list through one more stream.
 */
export async function openResponse({ body, headersMs, headers, ...common }: ApiExchange): Promise<IncomingMessage> {
  const text = body && JSON.stringify(body);
  const content = text !== undefined && {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
  };
  const staged = new StagedRequest({
    ...common,
    headers: { ...headers, ...content },
    timeouts: { connect: CONNECT_MS, send: headersMs, response: headersMs },
  });
  staged.request.end(text);
  try {
    return await staged.response;
  } finally {
    staged.stop();
  }
}

/**
 * The whole body as text, read within `deadlineMs`; truncated, and the connection closed, when it is larger than `limit`
 * bytes. Rejects when the connection breaks or the deadline passes.
 */
export async function readWhole(
  response: IncomingMessage,
  limit: number,
  deadlineMs: number,
): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  const late = setTimeout(() => response.destroy(new StageTimeout('response', deadlineMs)), deadlineMs);
  try {
    const { body, isWhole } = await readBody(response, limit);
    return { text: body.toString(), isWhole };
  } finally {
    clearTimeout(late);
  }
}
