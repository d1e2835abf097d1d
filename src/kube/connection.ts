import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions, type RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { basicAuth } from '../base/basic-auth.ts';
import { within } from '../base/deadline.ts';
import { asError } from '../base/error-text.ts';
import { Names } from '../net/names.ts';
import { type ForwardProxy, proxyFor } from '../net/proxy.ts';
import type { AgentPair } from '../net/staged-request.ts';
import { ForwardAgent, tunnelAgent } from '../net/tunnel.ts';
import { ApiUnreachable } from './api.ts';

/** Connection details for one request. */
interface Session {
  /** URL of the API server, without a trailing slash. */
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For long-lived or urgent requests: no limit, in practice one socket per watch. */
  readonly direct: AgentPair;
  /** For lists. */
  readonly bulk: AgentPair;
}

/** How many lists run concurrently at startup: each has a page in memory. */
const BULK_SOCKETS = 4;
const CREDENTIALS_DEADLINE_MS = 30_000;

/**
 * Credentials and connections. The client library is used only here, to find the credentials (kubeconfig, service
 * account, exec plugins, re-reading of token and CA files). It would open a TLS connection for each request, so we use
 * our own HTTP agents. The node agent must not load this file.
 */
export class Connection {
  readonly #load: () => KubeConfig;
  readonly #env: NodeJS.ProcessEnv;
  #names = new Names();
  #config: KubeConfig | undefined;
  #agents: ServerAgents | undefined;

  /** `env` provides the proxy, unless the kubeconfig does. */
  constructor(load: () => KubeConfig, env: NodeJS.ProcessEnv = process.env) {
    this.#load = load;
    this.#env = env;
  }

  /** Resolves the cluster now instead of at the first request. Throws ApiUnreachable when none is found. */
  locate(): KubeConfig {
    try {
      this.#config ??= this.#load();
      return this.#config;
    } catch (cause) {
      throw credentialsError(cause);
    }
  }

  /** Current headers and agents. Rejects with ApiUnreachable when there are no credentials. */
  async session(): Promise<Session> {
    const options: RequestOptions = {};
    const config = this.locate();
    try {
      // Reads ca.crt and client certificates each time (17 us), the token file once a minute.
      const late = `no credentials within ${CREDENTIALS_DEADLINE_MS} ms`;
      await within(CREDENTIALS_DEADLINE_MS, config.applyToHTTPSOptions(options), late);
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
    // A proxy from a kubeconfig uses the library's own agent, which supports both protocols and keeps no connections.
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
        ? { http: new ForwardAgent(proxy, lookup, kept), https: tunnelAgent(proxy, lookup, kept) }
        : { http: new HttpAgent({ ...kept, lookup }), https: new HttpsAgent({ ...kept, lookup }) },
    );
  }

  /** Drops the credentials after a token was refused, so that the next request re-reads all files. */
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

/** Parser errors quote the input they could not parse, here credentials. */
const QUOTING_ERRORS: ReadonlySet<string> = new Set(['YAMLException', 'SyntaxError']);

/** The cause, without anything the error may quote. */
function credentialsError(cause: unknown): ApiUnreachable {
  const { name, message } = asError(cause);
  return new ApiUnreachable('kubeconfig', 'ECREDENTIALS', QUOTING_ERRORS.has(name) ? `malformed (${name})` : message);
}

const TLS_FIELDS = ['ca', 'cert', 'key', 'pfx', 'passphrase', 'servername', 'rejectUnauthorized'] as const;
type TlsFields = Partial<Pick<RequestOptions, (typeof TLS_FIELDS)[number]>>;

/** The persistent connections for one set of certificates. */
class ServerAgents {
  readonly direct: AgentPair;
  readonly bulk: AgentPair;
  readonly #tls: TlsFields;

  constructor(options: RequestOptions, create: (kept: HttpsAgentOptions) => AgentPair) {
    this.#tls = Object.fromEntries(
      TLS_FIELDS.filter((field) => options[field] !== undefined).map((field) => [field, options[field]]),
    );
    // TCP detects dead peers after 30 s of silence and 10 probes one second apart.
    const kept = { ...this.#tls, keepAlive: true, keepAliveMsecs: 30_000 };
    this.direct = create(kept);
    this.bulk = create({ ...kept, maxSockets: BULK_SOCKETS });
  }

  fit(options: RequestOptions): boolean {
    return TLS_FIELDS.every((field) => String(this.#tls[field]) === String(options[field]));
  }

  /** Lets running requests finish, then closes all connections: they were opened with old certificates. */
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
  if (auth) plain.authorization = basicAuth(auth);
  // A token file may end in a newline, which is invalid in a header.
  for (const [name, value] of Object.entries(headers)) plain[name.toLowerCase()] = String(value).trim();
  return plain;
}
