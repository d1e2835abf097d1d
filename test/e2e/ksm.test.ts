import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { resources } from '../../src/collectors/ksm/resources/index.ts';
import { render } from '../../src/commands/render.ts';
import { startAgentProcess } from '../kit/agent.ts';
import { runCommand } from '../kit/command.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import type { FakeCluster } from '../kit/fake-cluster.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';
import { nameOf, samplesOf } from '../kit/samples.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../kit/victoria-metrics.ts';

const PODS = '/api/v1/pods';
/** All series about objects, without the collector's self metrics. */
const OBJECTS = '{__name__=~"kube_.+",__name__!~"kube_state_metrics_.+"}';
const IDENTITY = 'job="kube-state-metrics",instance="kube-state-metrics",cluster="test"';

/** The series by name that `render` produces for all objects of the cluster. */
async function renderedCounts({ collections }: FakeCluster, folder: string): Promise<Record<string, number>> {
  const objects = [...collections.values()].flatMap(({ kind, apiVersion, objects: items }) =>
    [...items.values()].map((object) => ({ ...object, kind, apiVersion })),
  );
  const file = join(folder, 'objects.json');
  writeFileSync(file, JSON.stringify(objects));
  const { code, stdout } = await runCommand(render, ['-f', file, '--metric-denylist', '^kube_events_']);
  assert.equal(code, 0);
  return countBy(samplesOf(stdout).keys(), nameOf);
}

/** The timestamps of all pushes of the group so far. */
const pushStamps = async (vm: VictoriaMetrics): Promise<readonly number[]> =>
  (await vm.export(`up{${IDENTITY}}`))[0]?.timestamps ?? [];

/** The series by name in the push with this timestamp. */
async function pushedCounts(vm: VictoriaMetrics, stamp: number): Promise<Record<string, number>> {
  // A stale marker is exported as null, and is not a sample.
  const pushed = (await vm.export(OBJECTS)).filter(({ timestamps, values }) =>
    timestamps.some((time, index) => time === stamp && values[index] !== null),
  );
  return countBy(pushed, ({ metric }) => metric.__name__ ?? '');
}

const countBy = <T>(items: Iterable<T>, name: (item: T) => string): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(items, name)].map(([key, group]) => [key, group.length]));

/** Reads again until `enough`, for a minute at most: pushed samples become visible a second or two later, in any order. */
async function until<T>(read: () => Promise<T>, enough: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + 60_000;
  let value = await read();
  while (!enough(value) && Date.now() < deadline) {
    await setTimeout(200);
    value = await read();
  }
  return value;
}

async function eventuallyEqual<T>(read: () => Promise<T>, expected: T): Promise<void> {
  assert.deepEqual(await until(read, (value) => isDeepStrictEqual(value, expected)), expected);
}

/** Every second would be too often for a busy machine, which would then skip some pushes. */
const INTERVAL_MS = 2000;

/** An agent that follows a fake cluster and pushes to a real VictoriaMetrics. */
async function start(context: TestContext) {
  const server = await startFakeApi(context);
  loadRecordedCluster(server.cluster);
  for (const { name, kind, apiVersion } of resources) {
    const root = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
    server.cluster.collection(`${root}/${name}`, kind, apiVersion);
  }
  const folder = scratchFolder(context);
  const vm = await startVictoriaMetrics(context, folder);
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig());
  const ksm = { enabled: true, kubeconfig, resources: resources.map(({ name }) => name) };
  const agent = startAgentProcess(context, [
    'run',
    ...[
      '--push.interval',
      `${INTERVAL_MS / 1000}s`,
      '--push.phase',
      '0s',
      '--cluster',
      'test',
      '--http.listen',
      '127.0.0.1:0',
    ],
    ...['--vmagent.url', vm.url, '--set', 'election.enabled=false', '--set', `collectors.ksm=${JSON.stringify(ksm)}`],
    ...['node', 'container', 'process'].flatMap((group) => ['--set', `collectors.${group}.enabled=false`]),
  ]);
  return { server, vm, folder, agent };
}

test('the state of a cluster reaches VictoriaMetrics, and changes are in the next push', {
  timeout: 180_000,
}, async (context) => {
  if (!serverAvailable(context, 'victoria-metrics')) return;
  const { server, vm, folder, agent } = await start(context);
  const { cluster } = server;
  const before = await renderedCounts(cluster, folder);
  assert.ok(Object.keys(before).length > 150, `${Object.keys(before).length} names`);

  await vm.until(`up{${IDENTITY}}`, (samples) => samples.length === 1);
  const counted = async () => {
    const counts = await vm.query(`count by (__name__) (${OBJECTS})`);
    return Object.fromEntries(counts.map(({ metric, value }) => [metric.__name__, value]));
  };
  await eventuallyEqual(counted, before);

  // In the middle between two pushes, so that none begins while the events are on their way.
  await setTimeout(1.5 * INTERVAL_MS - (Date.now() % INTERVAL_MS));
  const db = cluster.collection(PODS).objects.get('shop/db-0');
  cluster.put(PODS, { ...db, metadata: { ...db?.metadata, name: 'db-1', uid: 'new' } });
  cluster.remove(PODS, 'default/crash');
  const changed = Date.now();
  await vm.visible(`up{${IDENTITY}}`, changed + INTERVAL_MS);
  agent.child.kill('SIGTERM');
  assert.deepEqual(await agent.ended, { code: 0, signal: null });
  // The first cycle runs immediately, and may still be running at the first tick.
  const lines = agent.stderr().replace(/^.*"reason":"overlap".*$/m, '');
  assert.doesNotMatch(lines, /"level":"(?:warn|error)"/);

  const stamps = await until(
    () => pushStamps(vm),
    (all) => all.every((stamp, index) => stamp - (all[index - 1] ?? stamp) < 1.5 * INTERVAL_MS),
  );
  const [last = Number.NaN, next = Number.NaN] = stamps.slice(stamps.findIndex((stamp) => stamp > changed) - 1);
  assert.ok(next < changed + INTERVAL_MS, `pushed ${next - changed} ms after the change`);
  await eventuallyEqual(() => pushedCounts(vm, next), await renderedCounts(cluster, folder));
  const pods = async (name: string) => {
    const [series] = await vm.export(`kube_pod_info{pod="${name}"}`);
    return series?.timestamps.filter((_, index) => series.values[index] !== null) ?? [];
  };
  assert.equal((await pods('crash')).at(-1), last, 'missing from the next push');
  assert.equal((await pods('db-1'))[0], next, 'present in the next push');
});
