import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { POD_INFO_PATH } from '../../src/kube/pod-info.ts';
import type { ShardReport } from '../../src/kube/resharding.ts';
import { type AgentProcess, startAgentProcess } from '../kit/agent.ts';
import { type FakeApiServer, startFakeApi } from '../kit/fake-api-server.ts';
import { freePort } from '../kit/free-port.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../kit/victoria-metrics.ts';

const PODS = '/api/v1/pods';
const INTERVAL_MS = 3000;
/** Allowance for a busy machine: a dozen processes start in the meantime. */
const SLACK_MS = 4000;
const MANY = 200;

/** Of each shard. */
const REPLICAS = 2;

interface Running {
  readonly shard: number;
  readonly port: number;
  readonly agent: AgentProcess;
}

/** Starts and stops pairs of state agents like a rollout of the chart, in which a new pod starts before an old one stops. */
class Rollout {
  readonly #context: TestContext;
  readonly #kubeconfig: string;
  readonly #receiver: string;
  readonly #ports: readonly number[];
  readonly #free: number[];
  running: Running[] = [];

  constructor(context: TestContext, api: FakeApiServer, receiver: string, ports: readonly number[]) {
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
      const pair: Running[] = [];
      for (const one of before) {
        const next = this.#start(shard, totalShards);
        pair.push(next);
        await this.#ready(next.port);
        endings.push(this.#end(one));
      }
      return pair;
    });
    this.running = (await Promise.all(added)).flat();
    await Promise.all(endings);
  }

  #start(shard: number, totalShards: number): Running {
    const port = this.#free.shift() as number;
    const ksm = { enabled: true, kubeconfig: this.#kubeconfig, resources: ['pods'], shard, totalShards };
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
        ...['--push.interval', `${INTERVAL_MS / 1000}s`, '--vmagent.url', this.#receiver],
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

  async #end({ agent, port }: Rollout['running'][number]): Promise<void> {
    agent.child.kill('SIGTERM');
    assert.equal((await agent.ended).code, 0, agent.stderr());
    this.#free.push(port);
  }
}

/** Gaps, and different values of one series at one time. */
async function faults(vm: VictoriaMetrics, match: string, since: number) {
  const gaps: string[] = [];
  const contradictions: string[] = [];
  for (const { metric, timestamps, values } of await vm.export(match)) {
    const name = JSON.stringify(metric);
    const alive = timestamps.filter((at, index) => at >= since && values[index] !== null);
    for (const [index, at] of alive.entries()) {
      const gap = at - (alive[index - 1] ?? at);
      if (gap > 2 * INTERVAL_MS + SLACK_MS) gaps.push(`${name}: ${gap} ms`);
    }
    const byTime = Map.groupBy(timestamps.entries(), ([, at]) => at);
    for (const [at, samples] of byTime) {
      if (new Set(samples.map(([index]) => values[index])).size > 1) contradictions.push(`${name} at ${at}`);
    }
  }
  return { gaps, contradictions };
}

const report = async (port: number): Promise<ShardReport> =>
  (await (await fetch(`http://127.0.0.1:${port}/v1/ksm/shard`)).json()) as ShardReport;

/** Waits until the agent at `port` has listed everything of its shard. */
async function settles(
  port: number,
  { shard, totalShards }: Pick<ShardReport, 'shard' | 'totalShards'>,
): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const { isMaster: _, ...rest } = await report(port);
    const wanted = { shard, totalShards, isSettled: true, isStopping: false };
    if (isDeepStrictEqual(rest, wanted)) return;
    if (performance.now() > deadline) assert.deepEqual(rest, wanted);
    await setTimeout(200);
  }
}

test('shards 1→2→4→2 under load: no series is missing, and none is duplicated with different values', {
  timeout: 400_000,
}, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const api = await startFakeApi(t);
  loadRecordedCluster(api.cluster);
  const { objects } = api.cluster.collection(PODS);
  const [template] = objects.values();
  assert.ok(template);
  const put = (name: string) =>
    api.cluster.put(PODS, {
      ...template,
      metadata: { ...template.metadata, name, namespace: 'many', uid: `uid-${name}` },
    });
  for (let index = 0; index < MANY; index++) put(`p${index}`);
  const stable = objects.size;
  // Pods are created and deleted all the time, in addition to those that stay.
  let churned = 0;
  const load = setInterval(() => {
    put(`churn-${churned++}`);
    if (churned > 5) api.cluster.remove(PODS, `many/churn-${churned - 6}`);
    put(`p${churned % MANY}`);
  }, 100);
  t.after(() => clearInterval(load));

  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  const ports = await Promise.all(Array.from({ length: 14 }, freePort));
  const rollout = new Rollout(t, api, vm.url, ports);
  const began = Date.now();
  const stays = 'kube_pod_info{pod!~"churn-.*"}';
  for (const totalShards of [1, 2, 4, 2]) {
    await rollout.to(totalShards);
    await vm.until(`count(${stays})`, ([count]) => count?.value === stable);
    await vm.until('count(kube_pod_info{pod=~"churn-.*"})', ([count]) => (count?.value ?? 0) <= 10);
    await vm.until('kube_state_metrics_total_shards', ([total]) => total?.value === totalShards);
    // Every agent knows the pods of every node.
    const answers = rollout.running.map(async ({ port, shard }) => {
      await settles(port, { shard, totalShards });
      const answer = await fetch(`http://127.0.0.1:${port}${POD_INFO_PATH}?nodeName=node1`);
      return ((await answer.json()) as { pods: object[] }).pods.length;
    });
    assert.ok((await Promise.all(answers)).every((pods) => pods > 0));
    const leading = await Promise.all(rollout.running.map(({ port }) => report(port)));
    const leaders = leading.filter(({ isMaster }) => isMaster).map(({ shard }) => shard);
    assert.deepEqual(
      leaders.toSorted(),
      Array.from({ length: totalShards }, (_, shard) => shard),
      'one leader for each shard',
    );
    await setTimeout(2 * INTERVAL_MS);
  }
  clearInterval(load);
  for (const match of [stays, '{__name__=~"kube_pod_(status_phase|container_info|owner)",pod!~"churn-.*"}']) {
    const { gaps, contradictions } = await faults(vm, match, began);
    assert.deepEqual(gaps.slice(0, 5), [], `${gaps.length} gaps in ${match}`);
    assert.deepEqual(contradictions.slice(0, 5), []);
  }
  const own = await vm.query('count by (shard) ({job="kube-state-metrics"})');
  assert.deepEqual(
    own.map(({ metric }) => metric),
    [{}],
    'no label names a shard',
  );
});
