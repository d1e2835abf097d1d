import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { AgentPair } from './staged-request.ts';

/** Agents whose https:// agent is created on first use, because loading TLS takes 4 MB. */
export class LazyAgents implements AgentPair {
  readonly http: HttpAgent;
  readonly #create: () => HttpsAgent;
  #https: HttpsAgent | undefined;

  constructor(http: HttpAgent, create: () => HttpsAgent) {
    this.http = http;
    this.#create = create;
  }

  get https(): HttpsAgent {
    this.#https ??= this.#create();
    return this.#https;
  }

  destroy(): void {
    this.http.destroy();
    this.#https?.destroy();
  }
}
