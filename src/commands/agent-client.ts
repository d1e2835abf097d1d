import { errorCode } from '../base/error-text.ts';
import { SecretFile } from '../config/secret-file.ts';
import { UsageError } from './command.ts';

/** Flags of all commands that talk to a running agent. */
export const AGENT_FLAGS = { url: { type: 'string' }, 'token-file': { type: 'string' } } as const;

const DEFAULT_URL = 'http://127.0.0.1:9750';

/** Their help texts. */
export const AGENT_URL_HELP = `--url URL                the agent's HTTP server (${DEFAULT_URL})`;

/** A run of a task may take as long as its deadline. */
const RESPONSE_MS = 120_000;
/** The status of a state agent with thousands of families and targets is smaller. */
const MAX_BYTES = 32 * 1024 * 1024;

/** A response: its status code and its body as JSON. */
export interface AgentResponse<Body = Readonly<Record<string, unknown>>> {
  readonly status: number;
  readonly body: Body & { readonly error?: unknown };
}

/** Sends a request for `path` of docs/api.yaml, which begins with a slash. Throws UsageError when no agent responds. */
export type AskAgent = <Body = Readonly<Record<string, unknown>>>(
  method: string,
  path: string,
  body?: object,
) => Promise<AgentResponse<Body>>;

/** The agent selected by the flags; `stop` aborts a request. */
export function agentOf(
  values: Readonly<Record<string, unknown>>,
  stop: AbortSignal,
): { readonly url: string; readonly ask: AskAgent } {
  const url = typeof values.url === 'string' ? values.url.replace(/\/+$/, '') : DEFAULT_URL;
  const file = values['token-file'];
  const token = typeof file === 'string' ? new SecretFile(file).read() : undefined;
  return {
    url,
    async ask(method, path, body) {
      const headers = {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      };
      const signal = AbortSignal.any([stop, AbortSignal.timeout(RESPONSE_MS)]);
      const init = { method, headers, signal, redirect: 'error' as const, ...(body && { body: JSON.stringify(body) }) };
      const response = await fetch(url + path, init).catch((cause: Error) => {
        const why = errorCode(cause.cause) ?? cause.message;
        throw new UsageError(`${url}: no response (${why}); is the agent running? see --url`);
      });
      try {
        return { status: response.status, body: JSON.parse(await textOf(response)) };
      } catch {
        throw new UsageError(`${url}: the response is not JSON, so this is not a Firesteel agent`);
      }
    },
  };
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error('larger than any response of an agent');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
