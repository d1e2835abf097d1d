import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { PodIndex } from '../../../src/collectors/ksm/pod-index.ts';
import type { IdentityPod, NodePods, PodInfo } from '../../../src/kube/pod-info.ts';
import { recordedList, resourceNamed } from './kit.ts';

/** The recorded pods by `namespace/name`. */
const PODS = new Map(
  (recordedList(resourceNamed('pods')) as IdentityPod[]).map((pod) => [
    `${pod.metadata?.namespace}/${pod.metadata?.name}`,
    pod,
  ]),
);
const recordedPod = (key: string): IdentityPod => PODS.get(key) ?? assert.fail(`no ${key} was recorded`);

function recordedIndex(): PodIndex {
  const index = new PodIndex((labels) => (labels?.app === undefined ? {} : { app: labels.app }));
  for (const [key, pod] of PODS) index.upsert(key, pod);
  return index;
}

const read = (index: PodIndex, nodeName: string): NodePods =>
  JSON.parse(gunzipSync(index.responseFor(nodeName).gzip).toString());

const find = (index: PodIndex, name: string, nodeName = 'node1'): PodInfo =>
  read(index, nodeName).pods.find((pod) => pod.name === name) ?? assert.fail(`no ${name} on ${nodeName}`);

test('a recorded pod is listed with its workload and all its containers', () => {
  const index = recordedIndex();
  assert.deepEqual(find(index, 'web-67b7ddc566-bxh7f'), {
    namespace: 'shop',
    name: 'web-67b7ddc566-bxh7f',
    uid: '3307863b-88df-4b68-8327-ce4f0045f372',
    phase: 'Running',
    podIP: '10.244.0.125',
    hostIP: '10.244.0.1',
    hostNetwork: false,
    qosClass: 'Burstable',
    startTime: '2026-11-20T13:41:42Z',
    ownerKind: 'ReplicaSet',
    ownerName: 'web-67b7ddc566',
    workloadKind: 'Deployment',
    workloadName: 'web',
    labels: { app: 'web' },
    ready: true,
    containers: ['init', 'main', 'burn'].map((name) => ({
      name,
      id: containerIdOf('shop/web-67b7ddc566-bxh7f', name),
      image: 'localhost/busybox:1',
      imageID: 'sha256:43acb6239bf5321be4a112538ea6939e09c1402832793389296a5aaca5ee81b4',
      type: name === 'init' ? 'init' : 'app',
      restartCount: 0,
      state: name === 'init' ? 'terminated' : 'running',
      ...(name === 'main' && { ports: [{ name: '', containerPort: 8080, protocol: 'TCP' }] }),
    })),
  });
});

function containerIdOf(key: string, container: string): string {
  const { initContainerStatuses, containerStatuses } = recordedPod(key).status ?? {};
  const statuses = [...(initContainerStatuses ?? []), ...(containerStatuses ?? [])];
  return statuses.find(({ name }) => name === container)?.containerID ?? '';
}

test('the pods of a node are sorted by namespace and name, unscheduled pods are omitted', () => {
  const { resourceVersion, pods } = read(recordedIndex(), 'node1');
  const keys = pods.map(({ namespace, name }) => `${namespace}/${name}`);
  const scheduled = [...PODS].filter(([, { spec }]) => spec?.nodeName).map(([key]) => key);
  assert.deepEqual(keys, scheduled.sort());
  assert.ok(!keys.includes('default/pending'));
  assert.equal(
    resourceVersion,
    String(Math.max(...scheduled.map((key) => Number(recordedPod(key).metadata?.resourceVersion)))),
  );
});

test('workloads are resolved for every recorded kind of owner', () => {
  const { pods } = read(recordedIndex(), 'node1');
  const workloads = new Set(pods.map(({ workloadKind, workloadName }) => `${workloadKind}/${workloadName}`));
  assert.deepEqual([...workloads].sort(), [
    '/',
    'CronJob/tick',
    'DaemonSet/logd',
    'Deployment/web',
    'Job/fail',
    'StatefulSet/db',
  ]);
});

test('owner objects take precedence over their names, whether they arrive before or after their pods', () => {
  const index = recordedIndex();
  const controller = (kind: string, name: string) => [{ kind, name, controller: true }];
  const rollout = {
    metadata: {
      name: 'web-67b7ddc566',
      labels: { 'pod-template-hash': '67b7ddc566' },
      ownerReferences: controller('Rollout', 'shop-front'),
    },
  };
  const before = index.responseFor('node1');
  index.upsertOwner('ReplicaSet', 'shop/web-67b7ddc566', rollout);
  assert.notEqual(index.responseFor('node1').etag, before.etag);
  const { workloadKind, workloadName, ownerKind } = find(index, 'web-67b7ddc566-bxh7f');
  assert.deepEqual([workloadKind, workloadName, ownerKind], ['Rollout', 'shop-front', 'ReplicaSet']);
  index.deleteOwner('ReplicaSet', 'shop/web-67b7ddc566');
  assert.equal(index.responseFor('node1').etag, before.etag);
  // A Job that was created manually with a name like that of a CronJob's.
  index.upsertOwner('Job', 'shop/tick-29919705', {
    metadata: { name: 'tick-29919705', creationTimestamp: '2026-11-20T13:45:00Z' },
  });
  assert.equal(find(index, 'tick-29919705-rwwq9').workloadKind, 'Job');
  assert.equal(find(index, 'tick-29919706-4fngq').workloadKind, 'CronJob');
});

test('owners that match their names leave the response unchanged', () => {
  const index = recordedIndex();
  const before = index.responseFor('node1');
  for (const [kind, name] of [
    ['ReplicaSet', 'replicasets'],
    ['Job', 'jobs'],
  ] as const) {
    for (const object of recordedList(resourceNamed(name))) {
      index.upsertOwner(kind, `${object.metadata?.namespace}/${object.metadata?.name}`, object);
    }
  }
  assert.equal(index.responseFor('node1'), before);
});

test('a response is cached until something changes on its node', () => {
  const index = recordedIndex();
  index.upsert('shop/elsewhere', { metadata: { namespace: 'shop', name: 'elsewhere' }, spec: { nodeName: 'node2' } });
  const [one, two] = [index.responseFor('node1'), index.responseFor('node2')];
  index.upsert('shop/elsewhere', {
    metadata: { namespace: 'shop', name: 'elsewhere' },
    spec: { nodeName: 'node2' },
    status: { phase: 'Running' },
  });
  assert.equal(index.responseFor('node1'), one);
  assert.notEqual(index.responseFor('node2').etag, two.etag);
  assert.equal(find(index, 'elsewhere', 'node2').phase, 'Running');
});

test('two replicas with the same state return the same response, whatever the order of events', () => {
  const index = new PodIndex((labels) => (labels?.app === undefined ? {} : { app: labels.app }));
  for (const [key, pod] of [...PODS].reverse()) index.upsert(key, pod);
  assert.equal(index.responseFor('node1').etag, recordedIndex().responseFor('node1').etag);
});

test('a pod that is recreated on another node, or deleted, leaves nothing behind', () => {
  const index = recordedIndex();
  const moved = { ...recordedPod('shop/db-0'), spec: { nodeName: 'node2' } };
  index.upsert('shop/db-0', moved);
  assert.ok(!read(index, 'node1').pods.some(({ name }) => name === 'db-0'));
  assert.equal(find(index, 'db-0', 'node2').uid, moved.metadata?.uid);
  for (const key of PODS.keys()) index.delete(key);
  index.delete('shop/never-there');
  assert.deepEqual([index.pods, index.nodes], [0, 0]);
  assert.deepEqual(read(index, 'node1'), { nodeName: 'node1', resourceVersion: '', pods: [] });
});

test('a static pod has the hash by which the kubelet identifies it', () => {
  const index = new PodIndex();
  index.upsert('kube-system/etcd-node1', {
    metadata: {
      namespace: 'kube-system',
      name: 'etcd-node1',
      uid: 'mirror',
      annotations: { 'kubernetes.io/config.hash': '8fae0d1b' },
      ownerReferences: [{ kind: 'Node', name: 'node1', controller: true }],
    },
    spec: { nodeName: 'node1', hostNetwork: true, containers: [{ name: 'etcd', image: 'etcd:3' }] },
  });
  const { configHash, uid, hostNetwork, workloadKind, containers } = find(index, 'etcd-node1');
  assert.deepEqual([configHash, uid, hostNetwork, workloadKind], ['8fae0d1b', 'mirror', true, 'Node']);
  assert.deepEqual(containers, [
    { name: 'etcd', id: '', image: 'etcd:3', imageID: '', type: 'app', restartCount: 0, state: '' },
  ]);
});

test('missing fields of a pod are empty strings', () => {
  const index = new PodIndex();
  index.upsert('a/b', { spec: { nodeName: 'n', containers: [{}] }, status: { containerStatuses: null } });
  index.upsert('a/c', { metadata: null, spec: { nodeName: 'n' }, status: null });
  assert.equal(read(index, 'n').pods.length, 2);
});

test('more changes than may wait: the responses are the same as without waiting', () => {
  const template = recordedPod('shop/web-67b7ddc566-bxh7f');
  const podAt = (index: number, nodes: number): [string, IdentityPod] => {
    const metadata = { ...template.metadata, name: `web-${index}`, resourceVersion: String(index + 1) };
    const nodeName = `node-${index % 3 === 0 ? index % nodes : Math.floor(index / 40) % nodes}`;
    return [`shop/web-${index}`, { ...template, metadata, spec: { ...template.spec, nodeName } }];
  };
  const [waiting, requested] = [new PodIndex(), new PodIndex()];
  for (let index = 0; index < 8000; index++) {
    const [key, pod] = podAt(index, 150);
    for (const one of [waiting, requested]) {
      one.upsert(key, pod);
      // Some come back on another node, and some nodes end.
      if (index % 5 === 0) one.upsert(...podAt(index + 1, 90));
      if (index % 7 === 0 || index % 150 > 140) one.delete(key);
    }
    requested.responseFor(pod.spec?.nodeName ?? '');
  }
  assert.equal(waiting.pods, requested.pods);
  for (let node = 0; node < 150; node++) {
    assert.equal(waiting.responseFor(`node-${node}`).etag, requested.responseFor(`node-${node}`).etag);
  }
});
