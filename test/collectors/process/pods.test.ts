import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { CollectorSpec } from '../../../src/collectors/collector.ts';
import { processCollector } from '../../../src/collectors/process/index.ts';
import { DEFAULT_PATHS } from '../../../src/host/paths.ts';
import type { ContainerLabels, PodNames } from '../../../src/pods/pod-names.ts';
import { collectorOn } from '../../kit/collect.ts';
import { fixture } from '../../kit/host-tree.ts';
import { ProcTree } from './proc-tree.ts';

interface RecordedPod {
  readonly metadata: { readonly uid: string; readonly namespace: string; readonly name: string };
  readonly status: { readonly containerStatuses?: readonly { readonly name: string; readonly containerID?: string }[] };
}

/** The names of a recorded cluster's containers; the rest of a pod's containers are its sandbox. */
function namesOf(cluster: string): PodNames {
  const { items } = JSON.parse(readFileSync(fixture(`${cluster}/api/core_v1_pods.json`), 'utf8')) as {
    items: readonly RecordedPod[];
  };
  const pods = new Map(items.map((pod) => [pod.metadata.uid, pod]));
  return {
    lookup(containerId, podUid): ContainerLabels | undefined {
      const pod = pods.get(podUid);
      if (!pod) return undefined;
      const { namespace, name } = pod.metadata;
      const container = pod.status.containerStatuses?.find(({ containerID }) => containerID?.endsWith(containerId));
      return { namespace, pod: name, container: container?.name ?? 'POD' };
    },
  };
}

/** Per cluster: groups by pod and container, with the number of processes in each. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'cluster-cgroupv1': [
    'httpd shop/web-67b7ddc566-bxh7f/main 1',
    'httpd shop/web-67b7ddc566-tx6b6/main 1',
    'sh shop/db-0/db 1',
    'sh shop/web-67b7ddc566-bxh7f/burn 1',
    'sh shop/web-67b7ddc566-tx6b6/burn 1',
    'sleep default/crash/POD 1',
    'sleep default/noimage/POD 1',
    'sleep default/oom/POD 1',
    'sleep kube-system/logd-4g6kv/POD 1',
    'sleep kube-system/logd-4g6kv/logd 1',
    'sleep shop/db-0/POD 1',
    'sleep shop/db-0/db 1',
    'sleep shop/web-67b7ddc566-bxh7f/POD 1',
    'sleep shop/web-67b7ddc566-tx6b6/POD 1',
  ],
  'cluster-cgroupv2': [
    'httpd shop/web-67b7ddc566-2gp4p/main 1',
    'httpd shop/web-67b7ddc566-x8tt9/main 1',
    'sh shop/db-0/db 1',
    'sh shop/web-67b7ddc566-2gp4p/burn 1',
    'sh shop/web-67b7ddc566-x8tt9/burn 1',
    'sleep default/crash/POD 1',
    'sleep default/noimage/POD 1',
    'sleep default/oom/POD 1',
    'sleep kube-system/logd-vp9zp/POD 1',
    'sleep kube-system/logd-vp9zp/logd 1',
    'sleep shop/db-0/POD 1',
    'sleep shop/web-67b7ddc566-2gp4p/POD 1',
    'sleep shop/web-67b7ddc566-x8tt9/POD 1',
  ],
};

for (const [cluster, expected] of Object.entries(EXPECTED)) {
  test(`processes of ${cluster} are distinguished by pod and container`, async () => {
    const paths = { ...DEFAULT_PATHS, procfs: fixture(`${cluster}/node/proc`) };
    const spec = processCollector(namesOf(cluster)) as unknown as CollectorSpec;
    const { snapshot, result } = await collectorOn(spec, paths, { byPod: true })();
    assert.equal(result.outcome, 'ok');
    const groups = snapshot.keys.flatMap((key, index) => {
      const labels = /^namedprocess_namegroup_num_procs\{(.*)\}$/.exec(key)?.[1]?.matchAll(/(\w+)="([^"]*)"/g);
      if (!labels) return [];
      const { groupname, namespace, pod, container } = Object.fromEntries(
        [...labels].map(([, name, value]) => [name, value]),
      );
      return [`${groupname} ${namespace}/${pod}/${container} ${snapshot.values[index]}`];
    });
    assert.deepEqual(groups.sort(), expected);
  });
}

const POD = '3307863b-88df-4b68-8327-ce4f0045f372';
const ID = 'f9b12d3c3216910ce44f111b919757d6a034d1126ee3dac403eee44685678c90';
const CGROUP = `0::/kubepods/pod${POD}/${ID}\n`;
const LABELS = 'namespace="shop",pod="web-0",container="main"';
const BY_COMM = { process_names: [{ comm: ['web'] }], byPod: true };

test('a process waits two cycles for the name of its container, and its activity in the meantime counts', async (t) => {
  const tree = new ProcTree(t);
  let labels: ContainerLabels | undefined;
  const collect = tree.collector(BY_COMM, { lookup: () => labels });
  tree.set(6, { comm: 'web' });
  tree.set(7, { comm: 'web', cgroup: CGROUP });
  assert.deepEqual((await collect()).groups, { web: 1 });
  tree.set(7, { comm: 'web', cgroup: CGROUP, user: 300 });
  assert.deepEqual((await collect()).groups, { web: 1 });
  labels = { namespace: 'shop', pod: 'web-0', container: 'main' };
  const seen = await collect();
  assert.equal(seen.of('web', 'num_procs', LABELS), 1);
  assert.equal(seen.of('web', 'cpu_seconds_total', `${LABELS},mode="user"`), 3);
});

test('a process whose container stays unknown is reported without pod, and moves when the name is known', async (t) => {
  const tree = new ProcTree(t);
  let labels: ContainerLabels | undefined;
  const collect = tree.collector(BY_COMM, { lookup: () => labels });
  tree.set(7, { comm: 'web', cgroup: CGROUP });
  await collect();
  await collect();
  assert.deepEqual((await collect()).groups, { web: 1 });
  labels = { namespace: 'shop', pod: 'web-0', container: 'main' };
  const seen = await collect();
  assert.deepEqual(seen.groups, { web: 0 });
  assert.equal(seen.of('web', 'num_procs', LABELS), 1);
});

test('a process that is moved into a container after it started is reported there', async (t) => {
  const tree = new ProcTree(t);
  const labels = { namespace: 'shop', pod: 'web-0', container: 'main' };
  const collect = tree.collector(BY_COMM, { lookup: () => labels });
  tree.set(7, { comm: 'web', cgroup: '0::/system.slice/containerd.service\n' });
  assert.deepEqual((await collect()).groups, { web: 1 });
  tree.set(7, { comm: 'web', cgroup: CGROUP });
  tree.now += 600_000;
  const seen = await collect();
  assert.deepEqual(seen.groups, { web: 0 });
  assert.equal(seen.of('web', 'num_procs', LABELS), 1);
});

test('an expected group is up while its process waits for the name of its container', async (t) => {
  const tree = new ProcTree(t);
  tree.set(7, { comm: 'web', cgroup: CGROUP });
  const options = { process_names: [{ comm: ['web'], name: 'web', expected: true }], byPod: true };
  assert.equal((await tree.collector(options, { lookup: () => undefined })()).of('web', 'up'), 1);
});

test('without a source of names no process waits', async (t) => {
  const tree = new ProcTree(t);
  tree.set(7, { comm: 'web', cgroup: CGROUP });
  assert.deepEqual((await tree.collector(BY_COMM)()).groups, { web: 1 });
});
