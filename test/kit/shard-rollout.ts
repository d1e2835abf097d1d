import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type AgentProcess, startAgentProcess } from './agent.ts';
import type { FakeApiServer } from './fake-api-server.ts';
import { scratchFolder } from './host-tree.ts';
import { STEP_LABEL } from './pod-history.ts';

/** Of each shard. */
const REPLICAS = 2;

/**
 * How long the kubelet takes to notice that a new pod is ready. Agents start so fast here that without it there would hardly
 * be a time in which old and new ones have to cover all objects together.
 */
const PROBE_MS = 5000;

/** A running state agent. */
export interface RunningShard {
  readonly shard: number;
  readonly port: number;
  readonly agent: AgentProcess;
}

/** Starts and stops pairs of state agents like a rollout of the chart, in which a new pod starts before an old one stops. */
export class Rollout {
  readonly #context: TestContext;
  readonly #kubeconfig: string;
  readonly #receiver: string;
  readonly #ports: readonly number[];
  readonly #free: number[];
  readonly #intervalMs: number;
  running: RunningShard[] = [];

  /** `ports` are those of all agents that may run at a time: two per shard, old and new. */
  constructor(
    context: TestContext,
    api: FakeApiServer,
    receiver: string,
    ports: readonly number[],
    intervalMs: number,
  ) {
    this.#intervalMs = intervalMs;
    this.#context = context;
    this.#receiver = receiver;
    this.#ports = ports;
    this.#free = [...ports];
    this.#kubeconfig = join(scratchFolder(context), 'kubeconfig');
    writeFileSync(this.#kubeconfig, api.kubeconfig());
  }

  /** Starts new agents of each shard; an old one is stopped when a new one is ready, or immediately if the shard was removed. */
  async to(totalShards: number): Promise<void> {
    const old = this.running;
    const gone = old.filter(({ shard }) => shard >= totalShards);
    const endings = gone.map((one) => this.#end(one));
    const shards = Array.from({ length: totalShards }, (_, shard) => shard);
    const added = shards.map(async (shard) => {
      const before = old.filter((one) => one.shard === shard);
      // Kubernetes may stop either of a pair first: once the leader, once the standby.
      if (shard % 2 === 0) before.reverse();
      if (before.length === 0) {
        const pair = Array.from({ length: REPLICAS }, () => this.#start(shard, totalShards));
        for (const { port } of pair) await this.#ready(port);
        return pair;
      }
      const pair: RunningShard[] = [];
      for (const one of before) {
        const next = this.#start(shard, totalShards);
        pair.push(next);
        await this.#ready(next.port);
        await setTimeout(PROBE_MS);
        endings.push(this.#end(one));
      }
      return pair;
    });
    this.running = (await Promise.all(added)).flat();
    await Promise.all(endings);
  }

  #start(shard: number, totalShards: number): RunningShard {
    const port = this.#free.shift() as number;
    const kubeconfig = this.#kubeconfig;
    const labelsAllowlist = { pods: [STEP_LABEL] };
    const ksm = { enabled: true, kubeconfig, resources: ['pods'], labelsAllowlist, shard, totalShards };
    const settings = {
      'collectors.ksm': ksm,
      'collectors.node.enabled': false,
      'collectors.process.enabled': false,
      'election.lease': shard === 0 ? 'firesteel' : `firesteel-${shard}`,
      'election.peers': this.#ports.map((peer) => `127.0.0.1:${peer}`),
    };
    const agent = startAgentProcess(
      this.#context,
      [
        ...['run', '--cluster', 'test', '--node', `state-${port}`, '--http.listen', `127.0.0.1:${port}`],
        // All push at the same time, so that those with the same object can be compared.
        ...['--push.interval', `${this.#intervalMs / 1000}s`, '--push.phase', '0s', '--vmagent.url', this.#receiver],
        ...Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${JSON.stringify(value)}`]),
      ],
      { POD_NAME: `state-${port}`, POD_NAMESPACE: 'shop' },
    );
    return { shard, port, agent };
  }

  async #ready(port: number): Promise<void> {
    const deadline = AbortSignal.timeout(120_000);
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: deadline }).catch(() => undefined);
      if (answer?.status === 200) return;
      deadline.throwIfAborted();
      await setTimeout(200);
    }
  }

  async #end({ agent, port }: RunningShard): Promise<void> {
    agent.child.kill('SIGTERM');
    assert.equal((await agent.ended).code, 0, agent.stderr());
    this.#free.push(port);
  }
}
