import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { LazyAgents } from '../../net/lazy-agents.ts';
import { Names } from '../../net/names.ts';
import { type ForwardProxy, proxyFor } from '../../net/proxy.ts';
import type { AgentPair } from '../../net/staged-request.ts';
import { secureOptions, tlsStamp } from '../../net/tls-files.ts';
import { ForwardAgent, tunnelAgent } from '../../net/tunnel.ts';
import type { HttpSettings } from './settings.ts';

/**
 * Receivers close idle sockets (VictoriaMetrics after 60.0 s), and a request sent at that moment fails. So the agent
 * closes them first.
 */
const IDLE_MS = 30_000;

/** Groups are sent concurrently. More sockets per receiver would only cause load spikes. */
const MAX_SOCKETS = 4;

/**
 * The connections to one receiver: with keep-alive, through the proxy that the environment names for it, with the
 * configured TLS, and with name resolution separate from all others.
 */
export class HttpAgents {
  readonly #tls: HttpSettings['tls'];
  readonly #env: NodeJS.ProcessEnv;
  readonly #names: Names;
  /** By proxy; empty without a proxy. The addresses of a receiver may need different ones. */
  readonly #kept = new Map<string, LazyAgents>();
  #stamp = '';

  constructor(tls: HttpSettings['tls'], env: NodeJS.ProcessEnv, names = new Names()) {
    this.#tls = tls;
    this.#env = env;
    this.#names = names;
  }

  /** The proxy for `url`. Throws ProxyError when the environment names an unusable one. */
  proxyFor(url: string): ForwardProxy | undefined {
    return proxyFor(new URL(url), this.#env);
  }

  /** Agents for `url`. Throws an Error naming the file when certificate or key can't be read. */
  kept(url: string): AgentPair {
    const stamp = tlsStamp(this.#tls);
    if (stamp !== this.#stamp) this.#destroy();
    this.#stamp = stamp;
    const proxy = this.proxyFor(url);
    const key = proxy?.url.href ?? '';
    const pair = this.#kept.get(key) ?? this.#create(proxy, true);
    this.#kept.set(key, pair);
    return pair;
  }

  /** Agents without keep-alive, for the one retry after a reused socket turned out to be dead. */
  fresh(url: string): AgentPair {
    return this.#create(this.proxyFor(url), false);
  }

  close(): void {
    this.#destroy();
    this.#names.close();
  }

  #destroy(): void {
    for (const pair of this.#kept.values()) pair.destroy();
    this.#kept.clear();
  }

  #create(proxy: ForwardProxy | undefined, keepAlive: boolean): LazyAgents {
    const { lookup } = this.#names;
    const common = { timeout: IDLE_MS, maxSockets: MAX_SOCKETS, keepAlive };
    const secure = { ...common, ...secureOptions(this.#tls) };
    return proxy
      ? new LazyAgents(new ForwardAgent(proxy, lookup, common), () => tunnelAgent(proxy, lookup, secure))
      : new LazyAgents(new HttpAgent({ ...common, lookup }), () => new HttpsAgent({ ...secure, lookup }));
  }
}
