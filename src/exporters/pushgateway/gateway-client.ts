import got, { RequestError } from 'got';
import { errorText } from '../../base/error-text.ts';
import { HttpAgents } from '../http/agents.ts';
import { Credentials } from '../http/credentials.ts';
import { linesOf } from '../http/lines-of.ts';
import type { HttpSettings } from '../http/settings.ts';
import { pushgateway } from './pushgateway.ts';
import { type GatewayGroup, gatewayGroupOf } from './stale-groups.ts';

/** A gateway's metrics page can be large: it contains the last push of every node. */
const READ_MS = 60_000;
const DELETE_MS = 30_000;

/** Reads and deletes the gateway groups of one Pushgateway. */
export class GatewayClient {
  readonly #settings: HttpSettings;
  readonly #agents: HttpAgents;
  readonly #credentials: Credentials;

  constructor(settings: HttpSettings, env: NodeJS.ProcessEnv) {
    this.#settings = settings;
    this.#agents = new HttpAgents(settings.tls, env);
    this.#credentials = new Credentials(settings);
  }

  /**
   * All gateway groups. Read from /metrics line by line: /api/v1/metrics has the same data in JSON, but can only be read as a
   * whole, with all series of all nodes. Rejects with an Error that names the URL and contains no credentials.
   */
  async groups(signal: AbortSignal): Promise<GatewayGroup[]> {
    const url = `${this.#settings.url}/metrics`;
    const found: GatewayGroup[] = [];
    try {
      const stream = got.stream(url, this.#options(AbortSignal.any([signal, AbortSignal.timeout(READ_MS)])));
      for await (const line of linesOf(stream)) {
        const group = gatewayGroupOf(line);
        if (group) found.push(group);
      }
    } catch (cause) {
      throw this.#plain(url, cause);
    }
    return found;
  }

  /** Deletes one gateway group. Rejects like {@link groups}. */
  async delete({ labels }: GatewayGroup, signal: AbortSignal): Promise<void> {
    const { job = '', instance = '', ...rest } = labels;
    const url = pushgateway.url(this.#settings.url, { job, instance, labels: rest }, 0);
    try {
      await got.delete(url, this.#options(AbortSignal.any([signal, AbortSignal.timeout(DELETE_MS)])));
    } catch (cause) {
      throw this.#plain(url, cause);
    }
  }

  close(): void {
    this.#agents.close();
  }

  #options(signal: AbortSignal) {
    return {
      headers: { ...this.#settings.headers, ...this.#credentials.headers, 'user-agent': 'firesteel' },
      agent: this.#agents.kept(this.#settings.url),
      followRedirect: false,
      retry: { limit: 0 },
      signal,
    };
  }

  /** Only the message: got's errors contain the request's headers. The gateway may repeat them in its status line. */
  #plain(url: string, cause: unknown): Error {
    const code = cause instanceof RequestError ? `${cause.code}: ` : '';
    return new Error(this.#credentials.hidden(`${url}: ${code}${errorText(cause)}`));
  }
}
