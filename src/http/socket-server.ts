import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { errorCode } from '../base/error-text.ts';
import { ConfigError } from '../config/config-error.ts';
import { boundConnections, IDLE_MS, LIMITS } from './limits.ts';
import type { Routes } from './message.ts';
import { type OnError, requestHandler } from './request-handler.ts';

const MAX_CONNECTIONS = 64;

/**
 * Serves `routes` at a unix socket of mode 0660: access to the socket replaces the token. A socket of an earlier
 * process is replaced. Rejects with a ConfigError if it can't be created.
 */
export async function startSocketServer(
  path: string,
  routes: Routes,
  onError: OnError,
): Promise<{ close(): Promise<void> }> {
  const handle = requestHandler(routes, async () => undefined, onError);
  const server = createServer(LIMITS, (request, response) => void handle(request, response));
  boundConnections(server, () => MAX_CONNECTIONS, false);
  server.setTimeout(IDLE_MS);
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(path);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    chmodSync(path, 0o660);
  } catch (cause) {
    server.close();
    throw new ConfigError([`localPush.socket: cannot listen on ${path}: ${errorCode(cause)}`]);
  }
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
