import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { StatusView } from '../../src/http/status-view.ts';
import { SHARD_PATH } from '../../src/kube/peer-client.ts';
import { POD_INFO_PATH } from '../../src/kube/pod-info.ts';
import { startAgentProcess } from '../kit/agent.ts';
import { type FakeApiServer, recorded, startFakeApi } from '../kit/fake-api-server.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';

const NODES = '/api/v1/nodes';
const LEASES = '/apis/coordination.k8s.io/v1/leases';

const FOREVER = { times: Number.POSITIVE_INFINITY };

/** A state agent of `api`, and requests to it. */
async function start(t: TestContext, api: FakeApiServer) {
  const kubeconfig = join(scratchFolder(t), 'kubeconfig');
  writeFileSync(kubeconfig, api.kubeconfig());
  const settings = {
    'collectors.ksm': { enabled: true, kubeconfig, resources: ['pods', 'nodes'] },
    'collectors.node.enabled': false,
    'collectors.process.enabled': false,
    // With peers the state of other shards counts as well.
    election: { lease: 'firesteel', namespace: 'default', peers: ['127.0.0.1:9'] },
  };
  const set = Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${JSON.stringify(value)}`]);
  const agent = startAgentProcess(t, ['run', '--node', 'state-0', '--http.listen', '127.0.0.1:0', ...set]);
  await agent.printed(/"msg":"started"/);
  const url = /"http":"(http:[^"]+)"/.exec(agent.stderr())?.[1] ?? assert.fail(agent.stderr());
  const get = async (path: string) => {
    const answer = await fetch(url + path, { signal: AbortSignal.timeout(60_000) });
    return { status: answer.status, text: await answer.text() };
  };
  /** Repeats the request until the response is correct. */
  return async (path: string, isRight: (answer: { status: number; text: string }) => boolean) => {
    for (;;) {
      const answer = await get(path);
      if (isRight(answer)) return answer;
      await setTimeout(100);
    }
  };
}

test('a state agent that cannot list a resource is not ready, but responds to node agents', {
  timeout: 120_000,
}, async (t) => {
  const api = await startFakeApi(t);
  loadRecordedCluster(api.cluster);
  api.fail('list', { status: 403, body: recorded('api/pods-403.txt') }, { path: NODES, ...FOREVER });
  const until = await start(t, api);
  // A single line: nothing else prevents readiness.
  const refused = await until('/readyz', ({ text }) => /^ksm\.nodes: .*403.*\n$/.test(text));
  assert.equal(refused.status, 503);
  assert.match((await until(`${POD_INFO_PATH}?nodeName=node1`, ({ status }) => status === 200)).text, /"name":"db-0"/);
  const { text } = await until('/metrics', (answer) => /resource_up\{resource="pods"\} 1/.test(answer.text));
  assert.match(text, /firesteel_ksm_resource_up\{resource="nodes"\} 0/);
  api.heal();
  assert.equal((await until('/readyz', ({ status }) => status === 200)).text, 'ok\n');
});

test('a state agent that may not use the Lease is not ready, and the page says why: a rollout would leave no leader', {
  timeout: 120_000,
}, async (t) => {
  const api = await startFakeApi(t);
  loadRecordedCluster(api.cluster);
  const message = 'leases.coordination.k8s.io "firesteel" is forbidden';
  const body = JSON.stringify({ kind: 'Status', code: 403, reason: 'Forbidden', message });
  api.fail('get', { status: 403, body }, { path: LEASES, ...FOREVER });
  const until = await start(t, api);
  const refused = await until('/readyz', ({ text }) => /^election: .*403 .*is forbidden\n$/.test(text));
  assert.equal(refused.status, 503);
  const { text } = await until('/v1/status', ({ status }) => status === 200);
  assert.match((JSON.parse(text) as StatusView).election?.failure ?? '', /403 .*is forbidden/);
  assert.doesNotMatch((await until(SHARD_PATH, ({ status }) => status === 200)).text, /"isSettled":true/);
  api.heal();
  assert.equal((await until('/readyz', ({ status }) => status === 200)).text, 'ok\n');
});
