import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterGroups, gatewayGroupOf, isStale } from '../../src/exporters/pushgateway/stale-groups.ts';

const nowMs = 1_800_000_000_000;

const ours: ClusterGroups = {
  jobs: new Set(['node-exporter', 'kubelet']),
  cluster: 'prod',
  nodes: new Set(['n1']),
  known: new Set(['n1', 'n2']),
  graceMs: 600_000,
  nowMs,
};

const group = (labels: Record<string, string>, ageMs = 3_600_000) => ({
  labels: { job: 'node-exporter', instance: 'n2', cluster: 'prod', ...labels },
  pushedMs: nowMs - ageMs,
});

const nameless: ClusterGroups = { ...ours, cluster: undefined };

const cases: readonly [what: string, stale: boolean, actual: boolean][] = [
  ['a node that left the cluster', true, isStale(group({}), ours)],
  ['a node that left before the start, of a cluster with a name', true, isStale(group({ instance: 'n0' }), ours)],
  ['an existing node', false, isStale(group({ instance: 'n1' }), ours)],
  ['a group that was just pushed to', false, isStale(group({}, 599_000), ours)],
  ['a job of another client', false, isStale(group({ job: 'backup' }), ours)],
  ['another cluster', false, isStale(group({ cluster: 'test' }), ours)],
  [
    'no cluster label, though ours has a name',
    false,
    isStale({ ...group({}), labels: { job: 'kubelet', instance: 'n2' } }, ours),
  ],
  ['a node that was seen here, of a cluster without a name', true, isStale(group({}), nameless)],
  ['a node that was never seen here, of a cluster without a name', false, isStale(group({ instance: 'n0' }), nameless)],
];
for (const [what, stale, actual] of cases) {
  test(`a group of a Pushgateway is ${stale ? 'deleted' : 'not deleted'}: ${what}`, () => assert.equal(actual, stale));
}

test("groups are read from a gateway's own metrics", () => {
  assert.deepEqual(gatewayGroupOf('push_time_seconds{cluster="prod",instance="n\\"1",job="kubelet"} 1.7e+09'), {
    labels: { cluster: 'prod', instance: 'n"1', job: 'kubelet' },
    pushedMs: 1.7e12,
  });
  assert.equal(gatewayGroupOf('push_failure_time_seconds{instance="n1",job="kubelet"} 0'), undefined);
  assert.equal(gatewayGroupOf('# TYPE push_time_seconds gauge'), undefined);
  assert.equal(gatewayGroupOf('push_time_seconds_total{job="x"} 1'), undefined);
});
