import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAgentProcess } from '../kit/agent.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';

const NODES = '/api/v1/nodes';

const startPushgateway = (t: TestContext) =>
  startServer(t, 'prometheus-pushgateway', (port) => [`--web.listen-address=127.0.0.1:${port}`], '/-/ready');

test('the leader deletes groups of nodes that have left the cluster, and nothing else', {
  timeout: 180_000,
}, async (t) => {
  if (!serverAvailable(t, 'prometheus-pushgateway')) return;
  const gateway = await startPushgateway(t);
  const api = await startFakeApi(t);
  loadRecordedCluster(api.cluster);
  const node = [...api.cluster.collection(NODES).objects.values()][0]?.metadata?.name;
  assert.ok(node);
  const groups = async () => {
    const text = await (await fetch(`${gateway}/metrics`)).text();
    return [...text.matchAll(/^push_time_seconds\{(.*)\}/gm)].map(([, labels]) => labels as string).sort();
  };
  const push = async (job: string, instance: string, cluster: string) => {
    const url = `${gateway}/metrics/job/${job}/instance/${instance}/cluster/${cluster}`;
    assert.ok((await fetch(url, { method: 'PUT', body: 'it 1\n' })).ok);
  };
  await push('node-exporter', node, 'test');
  await push('node-exporter', 'gone', 'test');
  await push('kubelet', 'gone', 'test');
  await push('node-exporter', 'gone', 'another');
  await push('backup', 'gone', 'test');
  const before = await groups();

  const kubeconfig = join(scratchFolder(t), 'kubeconfig');
  writeFileSync(kubeconfig, api.kubeconfig());
  const exporter = { type: 'pushgateway', url: gateway, groups: ['agent'], janitor: { grace: '2s', every: '1s' } };
  const agent = startAgentProcess(t, [
    'run',
    ...['--cluster', 'test', '--node', 'state-1', '--http.listen', '127.0.0.1:0', '--push.interval', '1s'],
    ...['node', 'container', 'process'].flatMap((group) => ['--set', `collectors.${group}.enabled=false`]),
    ...['--set', `collectors.ksm=${JSON.stringify({ enabled: true, kubeconfig, resources: ['pods'] })}`],
    ...['--set', 'election.enabled=false', '--set', `exporters.gateway=${JSON.stringify(exporter)}`],
  ]);
  const kept = before.filter(
    (labels) => !/instance="gone".*job="(?:node-exporter|kubelet)"/.test(labels) || /another/.test(labels),
  );
  const deadline = AbortSignal.timeout(60_000);
  const others = (labels: string) => !labels.includes('state-1');
  while ((await groups()).filter(others).length > kept.length) {
    assert.ok(!deadline.aborted, (await groups()).join('\n') + agent.stderr());
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.deepEqual((await groups()).filter(others), kept);
  assert.equal(kept.length, 3);
  assert.match(
    agent.stderr(),
    /"job":"kubelet","instance":"gone","msg":"node has left the cluster: gateway group deleted"/,
  );
});
