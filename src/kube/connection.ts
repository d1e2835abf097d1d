import { existsSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { ApiUnreachable } from './api.ts';

/** Where to find the cluster. Without a `kubeconfig`: $KUBECONFIG, the pod's service account, ~/.kube/config. */
export interface ClusterSettings {
  readonly kubeconfig?: string;
  readonly context?: string;
}

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

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** How many lists run at once when the agent starts: each has a page in memory. */
const BULK_SOCKETS = 4;
const CREDENTIALS_DEADLINE_MS = 30_000;
/** Errors of parsers quote what they could not parse, here kubeconfigs and credentials. */
const QUOTING_ERRORS: ReadonlySet<string> = new Set(['YAMLException', 'SyntaxError']);

/** Finds the cluster. Throws an Error that says where it looked. `root` goes before the service account's path. */
export function loadKubeConfig({ kubeconfig, context }: ClusterSettings, root = ''): KubeConfig {
  const { KUBECONFIG = '', KUBERNETES_SERVICE_HOST = '' } = process.env;
  const config = new KubeConfig();
  const file = kubeconfig ?? KUBECONFIG.split(delimiter).find((path) => path !== '');
  const homeFile = join(homedir(), '.kube', 'config');
  if (file !== undefined) config.loadFromFile(file);
  else if (KUBERNETES_SERVICE_HOST !== '' && existsSync(root + SERVICE_ACCOUNT_TOKEN)) config.loadFromCluster(root);
  else if (existsSync(homeFile)) config.loadFromFile(homeFile);
  else throw new Error(`no cluster: neither a kubeconfig, nor a service account in this pod, nor ${homeFile}`);
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster() === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw new Error(
      `kubeconfig has no cluster for context ${config.getCurrentContext()}; contexts: ${known.join(', ')}`,
    );
  }
  return config;
}

/**
 * Credentials and connections. The client library is used to find them (kubeconfig, service account, exec plugins,
 * re-read of token and CA files), and only here; it would open a TLS connection for each request, so the agents are
 * our own. The node agent must not load this file.
 */
export class Connection {
  readonly #load: () => KubeConfig;
  #config: KubeConfig | undefined;
  #agents: Agents | undefined;

  constructor(load: () => KubeConfig) {
    this.#load = load;
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
      this.#agents = new Agents(options, cluster?.proxyUrl !== undefined);
    }
    return { server, headers: headersOf(options), direct: this.#agents.direct, bulk: this.#agents.bulk };
  }

  /** Forgets the credentials, so that the next request reads all files anew: a token was refused. */
  renew(): void {
    this.#config = undefined;
  }

  /** Closes all connections. */
  close(): void {
    this.#agents?.destroy();
    this.#agents = undefined;
  }
}

/** What went wrong, without what the error may quote. */
function credentialsError(cause: unknown): ApiUnreachable {
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  return new ApiUnreachable('kubeconfig', 'ECREDENTIALS', QUOTING_ERRORS.has(name) ? `malformed (${name})` : message);
}

const TLS_FIELDS = ['ca', 'cert', 'key', 'pfx', 'passphrase', 'servername', 'rejectUnauthorized'] as const;
type TlsOptions = Partial<Pick<RequestOptions, (typeof TLS_FIELDS)[number]>>;

/** The kept connections of one set of certificates. */
class Agents {
  readonly direct: AgentPair;
  readonly bulk: AgentPair;
  readonly #tls: TlsOptions;

  constructor(options: RequestOptions, proxied: boolean) {
    this.#tls = Object.fromEntries(
      TLS_FIELDS.filter((field) => options[field] !== undefined).map((field) => [field, options[field]]),
    );
    if (proxied && options.agent instanceof HttpAgent) {
      // A proxy of a kubeconfig is left to the library's own agent, which serves both protocols and keeps nothing.
      this.direct = { http: options.agent, https: options.agent as HttpsAgent };
      this.bulk = this.direct;
      return;
    }
    // Dead peers are noticed by TCP after 30 s of silence and 10 probes a second apart.
    const kept = { ...this.#tls, keepAlive: true, keepAliveMsecs: 30_000 };
    const few = { ...kept, maxSockets: BULK_SOCKETS };
    this.direct = { http: new HttpAgent(kept), https: new HttpsAgent(kept) };
    this.bulk = { http: new HttpAgent(few), https: new HttpsAgent(few) };
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
