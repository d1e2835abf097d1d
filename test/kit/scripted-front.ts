import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** The reaction of a front to a request: a status with a body, bytes that are not HTTP, or the real server's response. */
export type Scripted =
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  | 'garbage'
  | 'pass';

/** An HTTP server in front of a real one. */
export interface ScriptedFront {
  readonly port: number;
  /** Its reactions in order, with the status of each. */
  readonly seen: readonly {
    readonly bytes: number;
    readonly authorization: string | undefined;
    readonly status: unknown;
  }[];
}

/** Starts one: `choose` selects the reaction to each request by its body. */
export async function scriptedFront(
  context: TestContext,
  target: string,
  choose: (body: Buffer) => Scripted,
): Promise<ScriptedFront> {
  const seen: { bytes: number; authorization: string | undefined; status: unknown }[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const chosen = choose(body);
    const { authorization } = request.headers;
    const note = (status: unknown) => seen.push({ bytes: body.length, authorization, status });
    if (chosen === 'garbage') {
      note(chosen);
      response.socket?.end('220 this is mail\r\n\r\n');
      return;
    }
    if (chosen !== 'pass') {
      note(chosen.status);
      response.writeHead(chosen.status, chosen.headers).end(chosen.body ?? '');
      return;
    }
    const passed = await fetch(target + request.url, {
      method: 'POST',
      headers: { 'content-type': request.headers['content-type'] ?? '' },
      body,
      signal: AbortSignal.timeout(60_000),
    });
    note(passed.status);
    response.writeHead(passed.status).end(await passed.text());
  };
  // A client that aborts an upload gets no response.
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}
