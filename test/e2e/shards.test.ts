import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { POD_INFO_PATH } from '../../src/kube/pod-info.ts';
import type { ShardReport } from '../../src/kube/resharding.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { freePort } from '../kit/free-port.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { PodHistory } from '../kit/pod-history.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';
import { serverAvailable } from '../kit/servers.ts';
import { Rollout } from '../kit/shard-rollout.ts';
import { type Series, startVictoriaMetrics } from '../kit/victoria-metrics.ts';

const PODS = '/api/v1/pods';
const INTERVAL_MS = 5000;
/** Allowance for a busy machine: a dozen processes start in the meantime. Less than an interval, so that two missing pushes fail. */
const SLACK_MS = 4000;
const MANY = 200;
/** Pods that exist at a time, each for ten seconds, and are deleted and created again under their names. */
const CHURNING = 100;

/** A period of time, milliseconds since 1970. */
interface Period {
  readonly from: number;
  readonly to: number;
}

/** Times between two samples of a series since `since` in which it was missing for more than two intervals. */
function gaps({ metric, timestamps, values }: Series, since: number): string[] {
  const alive = timestamps.filter((at, index) => at >= since && values[index] !== null);
  return alive.slice(1).flatMap((at, index) => {
    const gap = at - (alive[index] ?? at);
    return gap > 2 * INTERVAL_MS + SLACK_MS ? [`${JSON.stringify(metric)}: ${gap} ms`] : [];
  });
}

/** Intervals within `periods` in which a series was written more than once. */
function secondWriters({ metric, timestamps, values }: Series, periods: readonly Period[]): string[] {
  const alive = timestamps.filter((_, index) => values[index] !== null);
  const inside = alive
    .map((at) => Math.floor(at / INTERVAL_MS) * INTERVAL_MS)
    .filter((tick) => periods.some(({ from, to }) => tick >= from && tick + INTERVAL_MS <= to));
  const repeated = inside.filter((tick, index) => tick === inside[index - 1]);
  return repeated.map((tick) => `${JSON.stringify(metric)} in the interval from ${tick}`);
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
  const history = new PodHistory(api.cluster, template);
  for (let index = 0; index < MANY; index++) history.step(`p${index}`);
  const stable = objects.size;
  // All the time, pods that stay change, and others are deleted and created again, often for another shard.
  let churned = 0;
  const load = setInterval(() => {
    const [gone, next] = [churned - CHURNING, churned++];
    if (gone >= 0) history.remove(`churn-${gone % CHURNING}`, `uid-churn-${gone}`);
    history.step(`churn-${next % CHURNING}`, `uid-churn-${next}`);
    history.step(`p${churned % MANY}`);
  }, 100);
  t.after(() => clearInterval(load));

  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  const ports = await Promise.all(Array.from({ length: 14 }, freePort));
  const rollout = new Rollout(t, api, vm.url, ports, INTERVAL_MS);
  const began = Date.now();
  const steady: Period[] = [];
  const stays = 'kube_pod_info{pod!~"churn-.*"}';
  for (const totalShards of [1, 2, 4, 2]) {
    await rollout.to(totalShards);
    await vm.until(`count(${stays})`, ([count]) => count?.value === stable);
    await vm.until('count(kube_pod_info{pod=~"churn-.*"})', ([count]) => (count?.value ?? 0) <= 2 * CHURNING);
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
    // Two whole intervals, the first of which begins after this one, in which a new leader may still push for a second time.
    const from = Math.ceil(Date.now() / INTERVAL_MS) * INTERVAL_MS;
    await setTimeout(3 * INTERVAL_MS);
    steady.push({ from, to: Date.now() });
  }
  clearInterval(load);
  const families = 'kube_pod_(info|status_phase|labels|container_info|container_status_restarts_total|owner)';
  const series = await vm.export(`{__name__=~"${families}"}`);
  const staying = series.filter(
    ({ metric }) => !metric.pod?.startsWith('churn-') && metric.__name__ !== 'kube_pod_labels',
  );
  assert.ok(
    staying.length > 4 * MANY && series.length > 2 * staying.length,
    `${staying.length} of ${series.length} series`,
  );
  const found = {
    gaps: staying.flatMap((one) => gaps(one, began)),
    secondWriters: series.flatMap((one) => secondWriters(one, steady)),
    untrue: series.flatMap((one) => history.untrue(one, INTERVAL_MS)),
  };
  const lists = Object.entries(found).map(([kind, faults]) => [kind, faults.length, ...faults.slice(0, 3)]);
  const none = Object.keys(found).map((kind) => [kind, 0]);
  assert.deepEqual(lists, none);
  const own = await vm.query('count by (shard) ({job="kube-state-metrics"})');
  assert.deepEqual(
    own.map(({ metric }) => metric),
    [{}],
    'no label names a shard',
  );
});
