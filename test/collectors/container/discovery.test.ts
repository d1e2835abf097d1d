import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Discovery } from '../../../src/collectors/container/discovery.ts';
import { findHierarchy } from '../../../src/collectors/container/hierarchy.ts';
import { UnreadableFile } from '../../../src/host/errors.ts';
import { Host } from '../../../src/host/host.ts';
import { NoData } from '../../../src/metrics/outcome.ts';
import { hostTree } from '../../kit/host-tree.ts';
import { pathsBelow } from './kit.ts';

const UID = '3307863b-88df-4b68-8327-ce4f0045f372';
const UID_ = UID.replaceAll('-', '_');
const STATIC_UID = '8fae0d1bf7e0d6a3b7a6a1c5e3b9d2f1';
const ID = 'e1b26a3ad4b58138a6c3e693dbed643d0ddce92ecc863967b5090c2feb589e1f';
const OTHER = 'efc0c093d7d98d4cdac8ee04558078e2172691cdcd3ce859f13bf8bf86317935';

/** A tree of empty cgroups. */
function treeOf(context: TestContext, folders: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'firesteel-cgroups-'));
  context.after(() => rmSync(root, { recursive: true }));
  for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
  return root;
}

const find = (tree: string, named: readonly string[] = []) =>
  [...new Discovery(new Host(pathsBelow('/nowhere')), tree, named).walk(assert.fail)]
    .filter((cgroup) => cgroup !== undefined)
    .filter(({ kind }) => kind !== 'root')
    .map(({ id, kind, podUid, containerId }) => [kind, id, podUid, containerId].filter((part) => part !== undefined));

const POD = `kubepods-burstable-pod${UID_}.slice`;

/** The paths that runtimes and drivers use for a container, and the result of discovery. */
const LAYOUTS: readonly { readonly name: string; readonly folder: string; readonly pod: string }[] = [
  {
    name: 'systemd, containerd',
    pod: `/kubepods.slice/kubepods-burstable.slice/${POD}`,
    folder: `cri-containerd-${ID}.scope`,
  },
  { name: 'systemd, CRI-O', pod: `/kubepods.slice/kubepods-burstable.slice/${POD}`, folder: `crio-${ID}.scope` },
  { name: 'systemd, docker', pod: `/kubepods.slice/kubepods-burstable.slice/${POD}`, folder: `docker-${ID}.scope` },
  {
    name: 'systemd, guaranteed',
    pod: `/kubepods.slice/kubepods-pod${UID_}.slice`,
    folder: `cri-containerd-${ID}.scope`,
  },
  { name: 'cgroupfs, containerd', pod: `/kubepods/besteffort/pod${UID}`, folder: ID },
  { name: 'cgroupfs, guaranteed', pod: `/kubepods/pod${UID}`, folder: ID },
  { name: 'cgroupfs, CRI-O', pod: `/kubepods/burstable/pod${UID}`, folder: `crio-${ID}` },
  {
    name: '--cgroup-root, systemd',
    pod: `/x.slice/x-kubepods.slice/x-kubepods-burstable.slice/x-${POD}`,
    folder: `cri-containerd-${ID}.scope`,
  },
  { name: '--cgroup-root, cgroupfs', pod: `/x/kubepods/burstable/pod${UID}`, folder: ID },
  {
    name: 'kind',
    pod: `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-${POD}`,
    folder: `cri-containerd-${ID}.scope`,
  },
  {
    name: "kind, from the node container's host",
    pod: `/system.slice/docker-${OTHER}.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-${POD}`,
    folder: `cri-containerd-${ID}.scope`,
  },
  { name: 'minikube in docker', pod: `/docker/${OTHER}/kubepods/burstable/pod${UID}`, folder: ID },
  {
    name: 'rootless kind, from the host',
    pod: `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${OTHER}.scope/container/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-${POD}`,
    folder: `cri-containerd-${ID}.scope`,
  },
  {
    name: 'rootless kind in a container of LXC',
    pod: `/lxc.payload.a/user.slice/user-1000.slice/user@1000.service/app.slice/docker.service/docker-${OTHER}.scope/init.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-${POD}`,
    folder: `cri-containerd-${ID}.scope`,
  },
  {
    name: 'k3s without root, as a service',
    pod: `/user.slice/user-1000.slice/user@1000.service/app.slice/app-k3s.slice/k3s-rootless.service/k3s/kubepods/pod${UID}`,
    folder: ID,
  },
  {
    name: 'k3d in Docker in Docker',
    pod: `/docker/${OTHER}/init/docker/${OTHER}/docker/${OTHER}/kubepods/besteffort/pod${UID}`,
    folder: ID,
  },
  {
    name: 'k3s without root',
    pod: `/user.slice/user-1000.slice/user@1000.service/k3s-rootless.scope/kubepods/burstable/pod${UID}`,
    folder: ID,
  },
];

for (const { name, pod, folder } of LAYOUTS) {
  test(`a pod and its container are found: ${name}`, (context) => {
    const found = find(treeOf(context, [`${pod}/${folder}`])).filter(([kind]) => kind !== 'slice');
    assert.deepEqual(found, [
      ['pod', pod, UID],
      ['container', `${pod}/${folder}`, UID, ID],
    ]);
  });
}

test('kubepods and its QoS classes come before the pods in them', (context) => {
  const tree = treeOf(context, [`kubepods/burstable/pod${UID}`, 'kubepods/besteffort', `kubepods/pod${STATIC_UID}`]);
  assert.deepEqual(find(tree), [
    ['slice', '/kubepods'],
    ['slice', '/kubepods/besteffort'],
    ['slice', '/kubepods/burstable'],
    ['pod', `/kubepods/burstable/pod${UID}`, UID],
    ['pod', `/kubepods/pod${STATIC_UID}`, STATIC_UID],
  ]);
});

test('kubelet and runtime with different drivers create containers without a directory for the pod', (context) => {
  const folder = `/system.slice/containerd.service/${POD}:cri-containerd:${ID}`;
  assert.deepEqual(find(treeOf(context, [folder])), [['container', folder, UID, ID]]);
});

test('what is below a container, or is not one, gets no series', (context) => {
  const pod = `kubepods.slice/kubepods-burstable.slice/${POD}`;
  const tree = treeOf(context, [
    `${pod}/crio-${ID}.scope/container`,
    `${pod}/crio-${ID}.scope/docker/${OTHER}`,
    `${pod}/crio-${ID}.scope/kubepods/burstable/pod${UID}/${OTHER}`,
    `${pod}/crio-conmon-${OTHER}.scope`,
    `${pod}/crio-${OTHER}`,
    `${pod}/run-${OTHER}.mount`,
    `${pod}/${ID.slice(0, 63)}`,
  ]);
  const containers = find(tree).filter(([kind]) => kind === 'container');
  assert.deepEqual(containers, [['container', `/${pod}/crio-${ID}.scope`, UID, ID]]);
});

test('a tree that is mounted twice is reported once', (context) => {
  const tree = treeOf(context, [
    `docker/${OTHER}/kubepods/burstable/pod${UID}/${ID}`,
    `kubepods/burstable/pod${UID}/${ID}`,
  ]);
  const ids = find(tree).map(([, id]) => id);
  assert.equal(ids.filter((id) => id?.endsWith(ID)).length, 1);
  assert.ok(ids.includes(`/kubepods/burstable/pod${UID}/${ID}`));
});

test('named slices are found, individually or all below a directory', (context) => {
  const tree = treeOf(context, ['system.slice/a.service', 'system.slice/b.service']);
  const idsOf = (named: readonly string[]) => find(tree, named).map(([, id]) => id);
  assert.deepEqual(idsOf(['/system.slice/b.service', '/absent', '/absent/*']), ['/system.slice/b.service']);
  assert.deepEqual(idsOf(['/system.slice/*']), ['/system.slice/a.service', '/system.slice/b.service']);
});

test('a kubepods that appears later is found', (context) => {
  const tree = treeOf(context, ['system.slice']);
  const discovery = new Discovery(new Host(pathsBelow('/nowhere')), tree, []);
  const count = () => [...discovery.walk(assert.fail)].filter((cgroup) => cgroup !== undefined).length;
  assert.equal(count(), 0);
  mkdirSync(join(tree, `kubepods/pod${UID}`), { recursive: true });
  assert.equal(count(), 3);
});

/** Walks a tree again and again; each time the paths of what was found. */
function walks(tree: string): () => string[] {
  const discovery = new Discovery(new Host(pathsBelow('/nowhere')), tree, []);
  return () => [...discovery.walk(assert.fail)].flatMap((cgroup) => (cgroup === undefined ? [] : [cgroup.id]));
}

test('another driver of the kubelet, or a second kubelet: pods below a new root are found in the next cycle', (context) => {
  const first = `/x/kubepods/burstable/pod${UID}`;
  const tree = treeOf(context, [first.slice(1), 'system.slice/a.service']);
  const walk = walks(tree);
  for (let count = 0; count < 3; count++) assert.ok(walk().includes(first));
  const second = `/x/kubepods.slice/kubepods-burstable.slice/${POD}`;
  rmSync(join(tree, 'x/kubepods'), { recursive: true });
  mkdirSync(join(tree, second), { recursive: true });
  assert.ok(walk().includes(second));
  const third = `/x/kubepods/pod${UID.replace('3', '4')}`;
  mkdirSync(join(tree, third), { recursive: true });
  const found = walk();
  assert.ok(found.includes(second) && found.includes(third), `${found}`);
  // In another folder, when none is left.
  rmSync(join(tree, 'x'), { recursive: true });
  mkdirSync(join(tree, 'y/kubepods', `pod${UID}`), { recursive: true });
  assert.ok(walk().includes(`/y/kubepods/pod${UID}`));
});

test('a container that replaces a folder without series is found though their number is the same', (context) => {
  const pod = `/kubepods/pod${UID}`;
  const tree = treeOf(context, [`${pod}/helper`, `${pod}/${ID}`]);
  const walk = walks(tree);
  for (let count = 0; count < 3; count++) assert.ok(!walk().includes(`${pod}/${OTHER}`));
  rmSync(join(tree, pod, 'helper'), { recursive: true });
  mkdirSync(join(tree, pod, OTHER));
  assert.ok(walk().includes(`${pod}/${OTHER}`));
});

test('a pod that replaces a QoS class is found though the number of folders is the same', (context) => {
  const pod = `/kubepods/pod${UID}`;
  const tree = treeOf(context, ['/kubepods/besteffort', '/kubepods/burstable']);
  const walk = walks(tree);
  for (let count = 0; count < 3; count++) assert.ok(!walk().includes(pod));
  rmSync(join(tree, '/kubepods/besteffort'), { recursive: true });
  mkdirSync(join(tree, pod));
  assert.deepEqual(walk(), ['/', '/kubepods', '/kubepods/burstable', pod]);
});

test('a directory that cannot be accessed is an error, not a removed cgroup', () => {
  const host = new Host(pathsBelow('/nowhere'));
  assert.equal(host.links('/nowhere/at/all'), undefined);
  assert.throws(() => host.links(`/${'x'.repeat(5000)}`), UnreadableFile);
});

test('a directory that cannot be listed loses its contents, and is named', (context) => {
  const tree = treeOf(context, [`kubepods/burstable/pod${UID}/${ID}`, `kubepods/pod${STATIC_UID}/${OTHER}`]);
  const host = new Host(pathsBelow('/nowhere'));
  const broken = `${tree}/kubepods/burstable`;
  host.links = (path) => {
    if (path === broken) throw new UnreadableFile(`cannot read ${path}: EIO`);
    return Host.prototype.links.call(host, path);
  };
  const lost: string[] = [];
  const found = [...new Discovery(host, tree, []).walk((folder, cause) => lost.push(`${folder} ${cause}`))];
  assert.deepEqual(lost, [`/kubepods/burstable UnreadableFile: cannot read ${broken}: EIO`]);
  assert.ok(found.some((cgroup) => cgroup?.containerId === OTHER));
});

test('v2 is detected by its file, v1 by controller directories, hybrid counts as v1', (context) => {
  const v2 = hostTree(context, { 'sys/fs/cgroup/cgroup.controllers': 'cpu memory\n' });
  assert.equal(findHierarchy(new Host(v2)).version, 2);
  const hybrid = hostTree(context, {
    'sys/fs/cgroup/unified/cgroup.controllers': '',
    'sys/fs/cgroup/cpu,cpuacct/cpu.stat': '',
    'sys/fs/cgroup/memory/memory.stat': '',
  });
  const { version, tree, controllers } = findHierarchy(new Host(hybrid));
  assert.deepEqual([version, tree], [1, join(hybrid.cgroup, 'cpu,cpuacct')]);
  assert.equal(controllers.get('cpuacct'), join(hybrid.cgroup, 'cpu,cpuacct'));
  const none = hostTree(context, { 'sys/fs/cgroup/unified/cgroup.controllers': '' });
  assert.throws(() => findHierarchy(new Host(none)), NoData);
});
