import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { IdentityPod } from '../../src/kube/pod-info.ts';
import { startAgentProcess } from '../kit/agent.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

const PODS = '/api/v1/pods';
const POD = 'web-67b7ddc566-2gp4p';
const OTHER = 'web-67b7ddc566-x8tt9';
const INTERVAL_MS = 2000;

const seriesOf = (pod: string) => `{__name__=~"kube_.+|container_.+",pod="${pod}"}`;

test('by default, series of a deleted or newly scheduled pod end in VictoriaMetrics within an interval', {
  timeout: 240_000,
}, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const folder = scratchFolder(t);
  const root = join(folder, 'node');
  cpSync(fixture('cluster-cgroupv2/node'), root, { recursive: true });
  const api = await startFakeApi(t);
  const list = JSON.parse(readFileSync(fixture('cluster-cgroupv2/api/core_v1_pods.json'), 'utf8'));
  api.cluster.load(PODS, list);
  const pods = api.cluster.collection(PODS).objects;
  const pending: IdentityPod | undefined = structuredClone(pods.get(`shop/${POD}`));
  assert.ok(pending);
  const { nodeName: _, ...unscheduled } = pending.spec ?? {};
  const metadata = { ...pending.metadata, name: 'late', uid: 'late' };
  const late: IdentityPod = { ...pending, metadata, spec: unscheduled, status: { phase: 'Pending' } };
  api.cluster.put(PODS, late);
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, api.kubeconfig());
  const database = await startVictoriaMetrics(t, folder);
  const settings = {
    'election.enabled': false,
    'collectors.node.enabled': false,
    'collectors.process.enabled': false,
    'collectors.container.identity': { source: 'apiserver', kubeconfig },
    'collectors.ksm': { enabled: true, kubeconfig, resources: ['pods'] },
  };
  const agent = startAgentProcess(t, [
    ...['run', '--node', 'node2', '--push.interval', '2s', '--push.phase', '0s', '--http.listen', '127.0.0.1:0'],
    ...['--path.procfs', `${root}/proc`, '--path.sysfs', `${root}/sys`, '--path.rootfs', root],
    ...['--path.cgroup', `${root}/sys/fs/cgroup`, '--vmagent.url', database.url],
    ...Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${JSON.stringify(value)}`]),
  ]);
  const count = (pod: string) => `count by (__name__) (${seriesOf(pod)})`;
  await database.until(count(POD), (samples) =>
    ['kube_pod_info', 'container_memory_rss'].every((name) => samples.some(({ metric }) => metric.__name__ === name)),
  );
  await database.until('kube_pod_info{pod="late"}', (samples) => samples.length === 1);

  // In the middle between two pushes, so that none begins while the events are in transit.
  await setTimeout(1.5 * INTERVAL_MS - (Date.now() % INTERVAL_MS));
  api.cluster.remove(PODS, `shop/${POD}`);
  const uid = pending.metadata?.uid?.replaceAll('-', '_');
  const slice = 'sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice';
  rmSync(join(root, slice, `kubepods-burstable-pod${uid}.slice`), { recursive: true });
  const scheduled: IdentityPod = { ...pending, metadata };
  api.cluster.put(PODS, scheduled);
  const changedMs = Date.now();

  await database.until(count(POD), (samples) => samples.length === 0);
  const gone = await database.export(seriesOf(POD));
  assert.ok(gone.length > 60, `${gone.length} series`);
  for (const { metric, values, timestamps } of gone) {
    const name = JSON.stringify(metric);
    assert.equal(values.at(-1), null, `${name} did not end`);
    assert.ok((timestamps.at(-1) ?? 0) <= changedMs + INTERVAL_MS + 1000, `${name} ended too late`);
  }
  const infos = await database.until('kube_pod_info{pod="late"}', ([info]) => info?.metric.node === 'node2');
  assert.equal(infos.length, 1, 'the scheduled pod has one kube_pod_info');

  // An unchanged pod keeps all of its series; its sandbox had none in the first cycles.
  const kept = (await database.export(seriesOf(OTHER))).filter(({ metric }) => metric.container !== undefined);
  assert.ok(kept.length > 60, `${kept.length} series`);
  for (const { metric, values } of kept) {
    assert.ok(values.every(Number.isFinite), `${JSON.stringify(metric)} was ended`);
  }
  agent.child.kill('SIGTERM');
  assert.equal((await agent.ended).code, 0);
  assert.doesNotMatch(agent.stderr(), /failed to send stale markers|does not support remote write/);
});
