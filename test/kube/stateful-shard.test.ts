import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { StatefulShard, shardingOf } from '../../src/kube/stateful-shard.ts';
import { type FakeApiServer, startFakeApi } from '../kit/fake-api-server.ts';
import { clientOf, eventually } from './follow.ts';

const { signal } = new AbortController();

/** A StatefulSet `state` with `replicas`, and the pods of three of them. */
function fill({ cluster }: FakeApiServer, replicas: number, start?: number): void {
  cluster.put('/apis/apps/v1/statefulsets', {
    metadata: { namespace: 'mon', name: 'state' },
    spec: { replicas, ...(start !== undefined && { ordinals: { start } }) },
  } as object);
  for (const ordinal of [0, 1, 2, 12]) {
    const ownerReferences = [{ kind: 'StatefulSet', name: 'state', controller: true }];
    cluster.put('/api/v1/pods', { metadata: { namespace: 'mon', name: `state-${ordinal}`, ownerReferences } });
  }
}

test('the ordinal of the pod is the shard, the replicas are all shards', async (context) => {
  const server = await startFakeApi(context);
  const { client } = clientOf(context, server);
  const of = (pod: string) => shardingOf(client, { namespace: 'mon', pod }, signal);
  fill(server, 3);
  assert.deepEqual(await of('state-2'), { shard: 2, totalShards: 3 });
  await assert.rejects(of('state-12'), /state-12 is not among the 3 replicas of StatefulSet state/);
  fill(server, 5, 10);
  assert.deepEqual(await of('state-12'), { shard: 2, totalShards: 5 });
  server.cluster.put('/api/v1/pods', { metadata: { namespace: 'mon', name: 'alone' } });
  await assert.rejects(of('alone'), /pod mon\/alone does not belong to a StatefulSet \(controller: none\)/);
  await assert.rejects(of('none'), /404/);
});

test('a changed number of replicas is detected, and an outage keeps the last shard', async (context) => {
  const server = await startFakeApi(context);
  const { client } = clientOf(context, server);
  fill(server, 2);
  let changes = 0;
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => lines.push(line) });
  const onChange = () => void changes++;
  const found = await StatefulShard.find(client, { namespace: 'mon', pod: 'state-1' }, { log, onChange, pollMs: 20 });
  context.after(() => found.stop());
  found.start();
  assert.deepEqual(found.current, { shard: 1, totalShards: 2 });
  fill(server, 3);
  await eventually(() => changes === 1, 'the change');
  assert.deepEqual(found.current, { shard: 1, totalShards: 3 });
  // The pod is about to be scaled away.
  fill(server, 1);
  await eventually(() => lines.some((line) => line.includes('is not among the 1 replicas')), 'the warning');
  assert.deepEqual([found.current, changes], [{ shard: 1, totalShards: 3 }, 1]);
});
