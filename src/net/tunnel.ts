import { type AgentOptions, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions, request as httpsRequest } from 'node:https';
import { connect, type LookupFunction, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { basicAuth } from '../base/basic-auth.ts';
import { errorText } from '../base/error-text.ts';
import type { ForwardProxy } from './proxy.ts';

/** Timeout from the first packet to an open tunnel. */
const TUNNEL_MS = 10_000;

/** The address of a proxy. Names are resolved by `lookup`, because Node's own proxy support uses getaddrinfo. */
const addressOf = ({ url }: ForwardProxy, lookup: LookupFunction) => ({
  host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
  port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
  lookup,
});

/** Requests over http:// through a proxy, which sees their full content. */
export class ForwardAgent extends HttpAgent {
  readonly #connect: () => Socket;

  constructor(proxy: ForwardProxy, lookup: LookupFunction, options: AgentOptions) {
    // Node makes the path a full URL, and adds the proxy's credentials.
    super({ ...options, proxyEnv: { HTTP_PROXY: proxy.url.href } });
    const address = addressOf(proxy, lookup);
    const { hostname } = proxy.url;
    this.#connect = () =>
      proxy.url.protocol === 'https:' ? connectTls({ ...address, servername: hostname }) : connect(address);
  }

  override createConnection(): Duplex {
    return this.#connect();
  }
}

/** Requests over https:// through a proxy, which only sees the name of the receiver. */
export function tunnelAgent(proxy: ForwardProxy, lookup: LookupFunction, options: HttpsAgentOptions): HttpsAgent {
  const agent = new HttpsAgent(options);
  const secure = agent.createConnection.bind(agent);
  const { url, shown } = proxy;
  agent.createConnection = (
    wanted: HttpsAgentOptions & { host?: string | null; port?: number | string | null },
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined => {
    const host = wanted.host ?? '';
    const target = `${host.includes(':') ? `[${host}]` : host}:${wanted.port ?? 443}`;
    const fail = (reason: string) => callback?.(new Error(`the proxy ${shown} ${reason}`), undefined as never);
    const ask = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = ask({
      ...addressOf(proxy, lookup),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...credentialsOf(url) },
      agent: false,
      signal: AbortSignal.timeout(TUNNEL_MS),
    });
    request.once('connect', ({ statusCode = 0, statusMessage = '' }, socket) => {
      if (statusCode === 200) return callback?.(null, secure({ ...wanted, socket } as never) as Duplex);
      socket.destroy();
      fail(`responded with ${`${statusCode} ${statusMessage}`.trim()} to the request for a tunnel to ${target}`);
    });
    request.once('response', (response) => {
      response.destroy();
      fail(`did not open a tunnel to ${target}: it responded with ${response.statusCode}`);
    });
    request.once('error', (cause: NodeJS.ErrnoException) =>
      fail(`cannot be reached: ${cause.code ?? ''} ${errorText(cause)}`),
    );
    request.end();
    return undefined;
  };
  return agent;
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': basicAuth(plain) };
}
