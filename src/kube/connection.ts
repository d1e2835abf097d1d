import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions, type RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { Names } from '../net/names.ts';
import { type ForwardProxy, proxyFor } from '../net/proxy.ts';
import { ForwardAgent, TunnelAgent } from '../net/tunnel.ts';
import { ApiUnreachable } from './api.ts';

/** What one request needs. */
export interface Session {
  /** URL of the API server, without a slash at its end. */
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For what lasts long or must not wait: no bound, in practice a socket for each watch. */
  readonly direct: AgentPair;
  /** For lists. */
  readonly bulk: AgentPair;
}

/** Kept connections, by protocol. */
export interface AgentPair {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/** How many lists run at once when the agent starts: each has a page in memory. */
const BULK_SOCKETS = 4;
const CREDENTIALS_DEADLINE_MS = 30_000;

/**
 * Credentials and connections. The client library is used to find them (kubeconfig, service account, exec plugins,
 * re-read of token and CA files), and only here; it would open a TLS connection for each request, so the agents are
 * our own. The node agent must not load this file.
 */
export class Connection {
  readonly #load: () => KubeConfig;
  readonly #env: NodeJS.ProcessEnv;
  #names = new Names();
  #config: KubeConfig | undefined;
  #agents: ServerAgents | undefined;

  /** `env` names the proxy, unless the kubeconfig does. */
  constructor(load: () => KubeConfig, env: NodeJS.ProcessEnv = process.env) {
    this.#load = load;
    this.#env = env;
  }

  /** Looks for the cluster now, not only at the first request. Throws ApiUnreachable when there is none to be found. */
  locate(): KubeConfig {
    try {
      this.#config ??= this.#load();
      return this.#config;
    } catch (cause) {
      throw credentialsError(cause);
    }
  }

  /** Headers and agents as of now. Rejects with ApiUnreachable when there are no credentials. */
  async session(): Promise<Session> {
    const options: RequestOptions = {};
    const config = this.locate();
    try {
      // Reads ca.crt and client certificates each time (17 us), the token file once a minute.
      await within(CREDENTIALS_DEADLINE_MS, config.applyToHTTPSOptions(options));
    } catch (cause) {
      throw credentialsError(cause);
    }
    const cluster = config.getCurrentCluster();
    const server = cluster?.server ?? '';
    if (this.#agents === undefined || !this.#agents.fit(options)) {
      this.#agents?.retire();
      this.#agents = this.#newAgents(options, server, cluster?.proxyUrl !== undefined);
    }
    return { server, headers: headersOf(options), direct: this.#agents.direct, bulk: this.#agents.bulk };
  }

  #newAgents(options: RequestOptions, server: string, hasProxy: boolean): ServerAgents {
    // A proxy of a kubeconfig is left to the library's own agent, which serves both protocols and keeps nothing.
    const { agent } = options;
    if (hasProxy && agent instanceof HttpAgent) {
      const pair = { http: agent, https: agent as HttpsAgent };
      return new ServerAgents(options, () => pair);
    }
    const { lookup } = this.#names;
    let proxy: ForwardProxy | undefined;
    try {
      proxy = proxyFor(new URL(server), this.#env);
    } catch (cause) {
      throw credentialsError(cause);
    }
    return new ServerAgents(options, (kept) =>
      proxy
        ? { http: new ForwardAgent(proxy, lookup, kept), https: new TunnelAgent(proxy, lookup, kept) }
        : { http: new HttpAgent({ ...kept, lookup }), https: new HttpsAgent({ ...kept, lookup }) },
    );
  }

  /** Forgets the credentials, so that the next request reads all files anew: a token was refused. */
  renew(): void {
    this.#config = undefined;
  }

  /** Closes all connections. */
  close(): void {
    this.#agents?.destroy();
    this.#agents = undefined;
    this.#names.close();
    this.#names = new Names();
  }
}

/** Errors of parsers quote what they could not parse, here credentials. */
const QUOTING_ERRORS: ReadonlySet<string> = new Set(['YAMLException', 'SyntaxError']);

/** What went wrong, without what the error may quote. */
function credentialsError(cause: unknown): ApiUnreachable {
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  return new ApiUnreachable('kubeconfig', 'ECREDENTIALS', QUOTING_ERRORS.has(name) ? `malformed (${name})` : message);
}

const TLS_FIELDS = ['ca', 'cert', 'key', 'pfx', 'passphrase', 'servername', 'rejectUnauthorized'] as const;
type TlsOptions = Partial<Pick<RequestOptions, (typeof TLS_FIELDS)[number]>>;

/** The kept connections of one set of certificates. */
class ServerAgents {
  readonly direct: AgentPair;
  readonly bulk: AgentPair;
  readonly #tls: TlsOptions;

  constructor(options: RequestOptions, create: (kept: HttpsAgentOptions) => AgentPair) {
    this.#tls = Object.fromEntries(
      TLS_FIELDS.filter((field) => options[field] !== undefined).map((field) => [field, options[field]]),
    );
    // Dead peers are noticed by TCP after 30 s of silence and 10 probes a second apart.
    const kept = { ...this.#tls, keepAlive: true, keepAliveMsecs: 30_000 };
    this.direct = create(kept);
    this.bulk = create({ ...kept, maxSockets: BULK_SOCKETS });
  }

  fit(options: RequestOptions): boolean {
    return TLS_FIELDS.every((field) => String(this.#tls[field]) === String(options[field]));
  }

  /** Lets running requests finish and keeps no connection: they were opened with old certificates. */
  retire(): void {
    for (const agent of this.#all()) {
      agent.maxFreeSockets = 0;
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
    }
  }

  destroy(): void {
    for (const agent of this.#all()) agent.destroy();
  }

  #all(): HttpAgent[] {
    return [this.direct, this.bulk].flatMap(({ http, https }) => [http, https]);
  }
}

function headersOf({ headers = {}, auth }: RequestOptions): Record<string, string> {
  const plain: Record<string, string> = { 'user-agent': 'firesteel' };
  if (auth) plain.authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
  // A token file may end in a newline, which no header can hold.
  for (const [name, value] of Object.entries(headers)) plain[name.toLowerCase()] = String(value).trim();
  return plain;
}

async function within<T>(deadlineMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no credentials within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
