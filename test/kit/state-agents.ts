import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Lease } from '../../src/kube/lease-record.ts';
import { type AgentProcess, startAgentProcess } from './agent.ts';
import { type FakeApiServer, startFakeApi } from './fake-api-server.ts';
import { freePort } from './free-port.ts';
import { scratchFolder } from './host-tree.ts';
import { loadRecordedCluster } from './recorded-cluster.ts';
import { startProxy, type TcpProxy } from './tcp-proxy.ts';

const LEASES = '/apis/coordination.k8s.io/v1/leases';

/** Twice the longest pause of a standby that is not connected to the holder. */
const CONNECTED_MS = 4000;

/** The beginning of an upload of the cluster's state, as seen by the receiver. */
export interface Upload {
  /** The agent. */
  readonly by: string;
  /** Milliseconds of this process's monotonic clock. */
  readonly at: number;
}

/** A change of the Lease, as seen by the API server; the holder is empty after a release. */
export interface LeaseWrite {
  readonly holder: string;
  readonly at: number;
}

/** A running state agent, and its connection to the API server. */
export interface StateAgent extends AgentProcess {
  readonly name: string;
  /** The URL of its HTTP server. */
  readonly url: string;
  readonly proxy: TcpProxy;
  /** Its connection to the other agent; undefined if they do not know each other. */
  readonly link: TcpProxy | undefined;
}

/** How the agents of a pair reach each other: not at all, directly, or through a proxy that can be cut. */
export type Acquaintance = 'none' | 'direct' | 'proxied';

/** State agents of one fake cluster, with what the receiver and the API server saw. */
export class StateAgents {
  readonly uploads: Upload[] = [];
  readonly writes: LeaseWrite[] = [];
  readonly #context: TestContext;
  readonly #api: FakeApiServer;
  readonly #receiver: string;
  readonly #flags: readonly string[];
  readonly #acquaintance: Acquaintance;
  /** Listening addresses of the first and the second agent. */
  readonly #ports: readonly [number, number];
  #added = 0;

  private constructor(
    context: TestContext,
    api: FakeApiServer,
    receiver: string,
    flags: readonly string[],
    acquaintance: Acquaintance,
    ports: readonly [number, number],
  ) {
    this.#context = context;
    this.#api = api;
    this.#receiver = receiver;
    this.#flags = flags;
    this.#acquaintance = acquaintance;
    this.#ports = ports;
  }

  /** `flags` are added to each agent's command line. */
  static async start(
    context: TestContext,
    flags: readonly string[],
    acquaintance: Acquaintance = 'none',
  ): Promise<StateAgents> {
    const api = await startFakeApi(context);
    loadRecordedCluster(api.cluster);
    const receiver = createServer((request, response) => {
      const [, by = '', ...path] = (request.url ?? '').split('/');
      if (path.includes('kube-state-metrics')) agents.uploads.push({ by, at: performance.now() });
      request.resume();
      request.on('end', () => response.writeHead(204).end());
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    context.after(() => {
      receiver.close();
      receiver.closeAllConnections();
    });
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const agents = new StateAgents(context, api, url, flags, acquaintance, [await freePort(), await freePort()]);
    const { onEvent } = api.cluster;
    api.cluster.onEvent = (path, event) => {
      onEvent(path, event);
      if (path !== LEASES || event.object.metadata?.name !== 'firesteel') return;
      const { spec }: Lease = event.object;
      agents.writes.push({ holder: spec?.holderIdentity ?? '', at: performance.now() });
    };
    return agents;
  }

  /** Starts an agent; `name` is that of its pod. */
  async add(name: string): Promise<StateAgent> {
    const proxy = await startProxy(this.#context, this.#api.port);
    const kubeconfig = join(scratchFolder(this.#context), 'kubeconfig');
    writeFileSync(kubeconfig, this.#api.kubeconfig().replaceAll(String(this.#api.port), String(proxy.port)));
    const index = this.#added++;
    const [own, other] = index === 0 ? this.#ports : [this.#ports[1], this.#ports[0]];
    const link = this.#acquaintance === 'proxied' ? await startProxy(this.#context, other) : undefined;
    const knows = this.#acquaintance !== 'none';
    const peers = knows ? [own, link?.port ?? other].map((port) => `127.0.0.1:${port}`) : [];
    const ksm = { enabled: true, kubeconfig, resources: ['pods', 'deployments'] };
    const agent = startAgentProcess(
      this.#context,
      [
        'run',
        ...['--cluster', 'test', '--node', name, '--http.listen', `127.0.0.1:${knows ? own : 0}`],
        ...['--set', `election.peers=${JSON.stringify(peers)}`, '--vmagent.url'],
        ...[`${this.#receiver}/${name}`, '--set', `collectors.ksm=${JSON.stringify(ksm)}`],
        ...['--set', 'collectors.node.enabled=false', '--set', 'collectors.process.enabled=false'],
        ...this.#flags,
      ],
      { POD_NAME: name, POD_NAMESPACE: 'shop' },
    );
    await agent.printed(/"msg":"started"/);
    const url = /"http":"([^"]+)"/.exec(agent.stderr())?.[1] ?? '';
    return { ...agent, name, url, proxy, link };
  }

  /** The API server's objects. */
  get cluster(): FakeApiServer['cluster'] {
    return this.#api.cluster;
  }

  /** Closes all connections to the API server, as on its restart. */
  restartApi(): void {
    this.#api.breakOff();
  }

  /** Waits for the agent's first push after `since`; resolves to its time. */
  async pushes(by: string, since: number): Promise<number> {
    const found = () => this.uploads.find((upload) => upload.by === by && upload.at > since)?.at;
    await this.until(`a push of ${by}`, () => found() !== undefined);
    return found() ?? Number.NaN;
  }

  /** Waits for that many more pushes of the agent. */
  async pushesAgain(by: string, times: number): Promise<void> {
    for (let time = 0; time < times; time++) await this.pushes(by, performance.now());
  }

  /** Waits until the standby is connected to the holder: from then on it reads the Lease less often than every 4 s. */
  async connected(): Promise<void> {
    let [reads, since] = [0, performance.now()];
    await this.until('a standby that is connected', () => {
      const now = this.#api.requests.filter(({ kind, path }) => kind === 'get' && path === LEASES).length;
      if (now !== reads) [reads, since] = [now, performance.now()];
      return performance.now() - since > CONNECTED_MS;
    });
  }

  /** Waits until `condition` is true. Bounds are checked with the recorded times, so that a busy machine does not matter. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const deadline = performance.now() + 60_000;
    while (!condition()) {
      if (performance.now() > deadline) throw new Error(`waited a minute for ${what}`);
      await setTimeout(10);
    }
  }

  /** Uploads that began without holding the Lease, or after it had expired. */
  strayUploads(durationMs: number): Upload[] {
    return this.uploads.filter(({ by, at }) => {
      const last = this.writes.findLast((write) => write.at <= at);
      return last?.holder !== by || at - last.at >= durationMs;
    });
  }
}
