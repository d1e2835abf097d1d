import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startAgentProcess } from '../kit/agent.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { freePort } from '../kit/free-port.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';

test('the pod of a StatefulSet derives its shard from its ordinal, and follows a change of the replicas', {
  timeout: 180_000,
}, async (t) => {
  const api = await startFakeApi(t);
  loadRecordedCluster(api.cluster);
  const scale = (replicas: number) =>
    api.cluster.put('/apis/apps/v1/statefulsets', {
      metadata: { namespace: 'mon', name: 'state' },
      spec: { replicas },
    } as object);
  scale(2);
  const ownerReferences = [{ kind: 'StatefulSet', name: 'state', controller: true }];
  api.cluster.put('/api/v1/pods', { metadata: { namespace: 'mon', name: 'state-0', ownerReferences } });
  const kubeconfig = join(scratchFolder(t), 'kubeconfig');
  writeFileSync(kubeconfig, api.kubeconfig());
  const port = await freePort();
  const ksm = { enabled: true, kubeconfig, pod: 'state-0', podNamespace: 'mon' };
  const settings = { 'collectors.ksm': ksm, 'collectors.node.enabled': false, 'election.enabled': false };
  const agent = startAgentProcess(t, [
    ...['run', '--http.listen', `127.0.0.1:${port}`],
    ...Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${JSON.stringify(value)}`]),
  ]);
  const metric = async (name: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
    return new RegExp(`^${name} (.*)$`, 'm').exec((await answer?.text()) ?? '')?.[1];
  };
  const becomes = async (total: string) => {
    const deadline = performance.now() + 80_000;
    while ((await metric('kube_state_metrics_total_shards')) !== total) {
      assert.ok(performance.now() < deadline, `never ${total} shards: ${agent.stderr()}`);
      await setTimeout(200);
    }
  };
  await becomes('2');
  scale(3);
  await becomes('3');
});
