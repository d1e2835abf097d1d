import { createServer } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { boundAddress, boundUrl } from '../base/bound-url.ts';
import { errorText } from '../base/error-text.ts';
import { listenAt } from '../base/listen.ts';
import { ConfigError } from '../config/config-error.ts';
import { accessRules, type TokenFiles } from './access.ts';
import { boundConnections, IDLE_MS, LIMITS } from './limits.ts';
import type { Routes } from './message.ts';
import { type OnError, requestHandler } from './request-handler.ts';
import { followCertificate, readCertificate, type ServerTls } from './tls.ts';

/** The agent's own HTTP server. */
export interface HttpServer {
  /** Base URL with the actual port. */
  readonly url: string;
  close(): Promise<void>;
}

/** Access rules and connection limit of the server. */
export interface HttpServerSettings extends TokenFiles {
  /** Maximum number of connections; state agents need one for each node, whose agents ask every 15 s. */
  readonly maxConnections?: number | undefined;
}

/** Options of the server. */
interface HttpServerOptions {
  readonly tls?: ServerTls | undefined;
  /** Evaluated for each request and connection, because a reload changes them. */
  readonly settings?: () => HttpServerSettings;
}

const MAX_CONNECTIONS = 256;

/**
 * Serves `routes` at `listen` (HOST:PORT or :PORT), over TLS if there is a certificate. Rejects with a ConfigError if
 * the address can't be bound or the certificate can't be used. `onError` gets the errors of routes that threw; the
 * client does not see the cause.
 */
export async function startHttp(
  listen: string,
  routes: Routes,
  onError: OnError,
  { tls, settings = () => ({}) }: HttpServerOptions = {},
): Promise<HttpServer> {
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  const server = tls ? secureServer(tls, onError) : createServer(LIMITS);
  boundConnections(server, () => settings().maxConnections ?? MAX_CONNECTIONS, tls !== undefined);
  server.setTimeout(IDLE_MS);
  await listenAt(server, Number(listen.slice(colon + 1)), host).catch((cause: unknown) => {
    throw new ConfigError([`http.listen: cannot listen on ${listen}: ${errorText(cause)}`]);
  });
  // No request is read before this, because the event loop does not turn in between.
  const { address } = boundAddress(server);
  const access = accessRules({ host, address }, settings, (cause) => onError('token', cause));
  const handle = requestHandler(routes, access, onError);
  server.on('request', (request, response) => void handle(request, response));
  return {
    url: boundUrl(server, tls ? 'https' : 'http'),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function secureServer(tls: ServerTls, onError: OnError): TlsServer {
  const server = createTlsServer({ ...LIMITS, handshakeTimeout: LIMITS.headersTimeout, ...readCertificate(tls) });
  followCertificate(server, tls, onError);
  return server;
}
