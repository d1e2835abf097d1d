import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createLog } from '../../../src/base/log.ts';
import { ClusterState } from '../../../src/collectors/ksm/cluster-state.ts';
import { ksmOptions } from '../../../src/collectors/ksm/options.ts';
import { PodIndex } from '../../../src/collectors/ksm/pod-index.ts';
import { startFakeApi } from '../../kit/fake-api-server.ts';
import { fastTiming } from '../../kit/fast-timing.ts';
import { clientOf, eventually, PODS, pod } from '../../kube/follow.ts';
import { resourceNamed } from './kit.ts';

/** A cluster with one pod on each of two nodes and one unscheduled pod, as seen by a state with `options`. */
async function follow(context: TestContext, options: object) {
  const server = await startFakeApi(context);
  server.cluster.collection(PODS, 'Pod', 'v1');
  server.cluster.put(PODS, pod('here', { spec: { nodeName: 'node1' } }));
  server.cluster.put(PODS, pod('there', { spec: { nodeName: 'node2' } }));
  server.cluster.put(PODS, pod('waiting', { spec: {} }));
  const state = new ClusterState({
    api: clientOf(context, server).client,
    options: ksmOptions.parse({ resources: ['pods'], ...options }),
    resources: [resourceNamed('pods')],
    pods: new PodIndex(),
    compression: 'gzip',
    log: createLog('fatal', { write() {} }),
    timing: fastTiming(),
  });
  context.after(() => state.stop());
  state.start();
  const names = async () => {
    const { members } = (await state.text(new AbortController().signal)) ?? { members: [] };
    const text = members.length === 0 ? '' : gunzipSync(Buffer.concat(members)).toString();
    return [...text.matchAll(/^kube_pod_info\{.*?pod="([^"]*)"/gm)].map(([, name]) => name).sort();
  };
  const until = async (expected: readonly string[]) => {
    let seen: readonly (string | undefined)[] = [];
    const look = setInterval(() => void names().then((found) => (seen = found)), 5);
    try {
      await eventually(() => seen.join() === expected.join(), `${expected} in the state, found ${seen}`);
    } finally {
      clearInterval(look);
    }
  };
  return until;
}

for (const [options, seen] of [
  [{}, ['here', 'there', 'waiting']],
  [{ node: 'node1' }, ['here']],
  [{ trackUnscheduledPods: true }, ['waiting']],
] as const) {
  test(`with ${JSON.stringify(options)} the pods are ${seen}`, { timeout: 120_000 }, async (context) => {
    const until = await follow(context, options);
    await until(seen);
  });
}

test('one node and no node are mutually exclusive', () => {
  const { error } = ksmOptions.safeParse({ node: 'node1', trackUnscheduledPods: true });
  assert.match(error?.message ?? '', /node and trackUnscheduledPods are mutually exclusive/);
});
