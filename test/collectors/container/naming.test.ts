import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { PodInfo } from '../../../src/kube/pod-info.ts';
import { containerCycles, labelsOf, namesOf, podOf, V2Node } from './kit.ts';

const UID = '3307863b-88df-4b68-8327-ce4f0045f372';
const POD = `/kubepods/pod${UID}`;
const MAIN = 'a'.repeat(64);
const SANDBOX = 'b'.repeat(64);
const OTHER = 'c'.repeat(64);

/** A node with one pod, a sandbox called `comm` and a container in it. */
function nodeOf(context: TestContext, comm = 'pause'): V2Node {
  const node = new V2Node(context);
  node.makeCgroup(POD);
  node.makeCgroup(`${POD}/${SANDBOX}`, {}, comm);
  node.makeCgroup(`${POD}/${MAIN}`, {}, 'app');
  return node;
}

/** The labels of cgroups of {@link POD} after the given number of cycles. */
async function labelsAfter(node: V2Node, pods: readonly PodInfo[], cycles: number, ids: readonly string[]) {
  const cycle = containerCycles(node.paths, {}, await namesOf(pods));
  for (let count = 1; count < cycles; count++) await cycle();
  const { samples } = await cycle();
  return ids.map((id) => labelsOf(samples, id === '' ? POD : `${POD}/${id}`));
}

test('a pod has no image, a sandbox no container name, a container all of them', async (context) => {
  const pods = [podOf('web', UID, { main: `containerd://${MAIN}` })];
  assert.deepEqual(await labelsAfter(nodeOf(context), pods, 1, ['', SANDBOX, MAIN]), [
    { namespace: 'shop', pod: 'web' },
    { namespace: 'shop', pod: 'web', image: 'pause', name: SANDBOX },
    { namespace: 'shop', pod: 'web', container: 'main', image: 'registry/main:1', name: MAIN },
  ]);
});

test('names of containers of CRI-O and docker are those of the runtimes, and their sandboxes are named POD', async (context) => {
  const pods = [podOf('web', UID, { main: `cri-o://${MAIN}` }, { restartCount: 3 })];
  const [, main] = await labelsAfter(nodeOf(context), pods, 2, ['', MAIN]);
  assert.equal(main?.name, `k8s_main_web_shop_${UID}_3`);
  const node = new V2Node(context);
  node.makeCgroup(POD);
  node.makeCgroup(`${POD}/crio-${SANDBOX}`, {}, 'pause');
  const [sandbox] = await labelsAfter(node, pods, 1, [`crio-${SANDBOX}`]);
  const name = `k8s_POD_web_shop_${UID}_0`;
  assert.deepEqual(sandbox, { namespace: 'shop', pod: 'web', container: 'POD', image: 'pause', name });
});

test('a static pod is identified by the hash of its configuration', async (context) => {
  const hash = '8fae0d1bf7e0d6a3b7a6a1c5e3b9d2f1';
  const node = new V2Node(context);
  node.makeCgroup(`/kubepods/pod${hash}`);
  const cycle = containerCycles(
    node.paths,
    {},
    await namesOf([podOf('etcd-node1', 'mirror', {}, { configHash: hash })]),
  );
  const { samples } = await cycle();
  assert.deepEqual(labelsOf(samples, `/kubepods/pod${hash}`), { namespace: 'shop', pod: 'etcd-node1' });
});

test('a container without a name waits: two cycles for its pod, twenty for data that the kubelet reports late', async (context) => {
  const node = nodeOf(context);
  const pods = [podOf('web', UID, {})];
  const known = { namespace: 'shop', pod: 'web', name: MAIN };
  for (const [cycles, expected] of [
    [1, undefined],
    [3, undefined],
    [20, undefined],
    [21, known],
  ] as const) {
    assert.deepEqual(await labelsAfter(node, pods, cycles, [MAIN]), [expected], `cycle ${cycles}`);
  }
  // The pod is unknown as well, so it waits, too.
  assert.deepEqual(await labelsAfter(node, [], 2, ['', MAIN]), [undefined, undefined]);
  assert.deepEqual(await labelsAfter(node, [], 3, ['', MAIN]), [{}, { name: MAIN }]);
});

test('a name that becomes known is applied immediately, and later names too', async (context) => {
  const node = nodeOf(context);
  const before = await namesOf([podOf('web', UID, {})]);
  const after = await namesOf([podOf('web', UID, { main: `containerd://${MAIN}` })]);
  let names = before;
  const asked = {
    find: (id: string, uid: string) => names.find(id, uid),
    findPod: (uid: string) => names.findPod(uid),
  };
  const cycle = containerCycles(node.paths, {}, asked);
  for (let count = 0; count < 3; count++) await cycle();
  names = after;
  assert.equal(labelsOf((await cycle()).samples, `${POD}/${MAIN}`)?.container, 'main');
  // A named container keeps its name, also if the source no longer lists the pod.
  names = await namesOf([]);
  assert.equal(labelsOf((await cycle()).samples, `${POD}/${MAIN}`)?.container, 'main');
});

test('with another pause image the sandbox is the oldest container that stays unnamed', async (context) => {
  const node = new V2Node(context);
  node.makeCgroup(POD);
  node.makeCgroup(`${POD}/${SANDBOX}`, {}, 'sleep');
  for (const file of ['', '/cgroup.events']) utimesSync(`${node.paths.cgroup}${POD}/${SANDBOX}${file}`, 1000, 1000);
  node.makeCgroup(`${POD}/${OTHER}`, {}, 'app');
  node.makeCgroup(`${POD}/${MAIN}`, {}, 'app');
  const pods = [podOf('web', UID, { main: `containerd://${MAIN}` })];
  const [sandbox, other] = await labelsAfter(node, pods, 3, [SANDBOX, OTHER]);
  assert.equal(sandbox?.image, 'pause');
  assert.equal(other, undefined);
});

test('without a source of names nothing waits', async (context) => {
  const { samples } = await containerCycles(nodeOf(context).paths)();
  assert.deepEqual(
    ['', `/${SANDBOX}`, `/${MAIN}`].map((id) => labelsOf(samples, POD + id)),
    [{}, { image: 'pause', name: SANDBOX }, { name: MAIN }],
  );
});

test('two pods with the same name, a terminating one and its successor, are distinguished', async (context) => {
  const node = nodeOf(context);
  const successor = UID.replace('3307', '4418');
  node.makeCgroup(`/kubepods/pod${successor}`);
  const cycle = containerCycles(node.paths, {}, await namesOf([podOf('db-0', UID, {}), podOf('db-0', successor, {})]));
  const { samples, results } = await cycle();
  assert.equal(results[0]?.outcome, 'ok');
  for (const uid of [UID, successor]) assert.equal(labelsOf(samples, `/kubepods/pod${uid}`)?.pod, 'db-0');
});
