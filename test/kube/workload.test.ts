import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workloadByName } from '../../src/kube/workload.ts';

const CASES: readonly [owner: string, metadata: object, workload: string][] = [
  ['ReplicaSet web-5f6b', { labels: { 'pod-template-hash': '5f6b' } }, 'Deployment web'],
  ['ReplicaSet web-5f6b', { labels: { 'pod-template-hash': '77aa' } }, 'ReplicaSet web-5f6b'],
  ['ReplicaSet web-5f6b', {}, 'ReplicaSet web-5f6b'],
  ['ReplicaSet web-', { labels: { 'pod-template-hash': '' } }, 'ReplicaSet web-'],
  ['Job tick-29919705', { creationTimestamp: '2026-11-20T13:45:00Z' }, 'CronJob tick'],
  ['Job tick-29919705', { creationTimestamp: '2026-11-23T00:00:00Z' }, 'CronJob tick'],
  ['Job tick-29919705', {}, 'Job tick-29919705'],
  ['Job backup-20261120', { creationTimestamp: '2026-11-20T13:45:00Z' }, 'Job backup-20261120'],
  ['Job backup-1795182000', { creationTimestamp: '2026-11-20T13:45:00Z' }, 'Job backup-1795182000'],
  ['Job fail', { creationTimestamp: '2026-11-20T13:45:00Z' }, 'Job fail'],
  ['StatefulSet db-29919705', { creationTimestamp: '2026-11-20T13:45:00Z' }, 'StatefulSet db-29919705'],
];

test('names show the workloads of ReplicaSets and Jobs, and nothing if they do not match', () => {
  for (const [owner, metadata, workload] of CASES) {
    const [kind = '', name = ''] = owner.split(' ');
    const found = workloadByName(kind, name, { metadata });
    assert.equal(`${found.kind} ${found.name}`, workload, JSON.stringify([owner, metadata]));
  }
});
