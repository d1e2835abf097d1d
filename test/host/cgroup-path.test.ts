import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifyCgroupPath } from '../../src/host/cgroup-path.ts';

const UID = '3307863b-88df-4b68-8327-ce4f0045f372';
const UID_ = UID.replaceAll('-', '_');
const ID = 'f9b12d3c3216910ce44f111b919757d6a034d1126ee3dac403eee44685678c90';
const OUTER = '0000000000000000000000000000000000000000000000000000000000000001';
const POD = { kind: 'pod', podUid: UID, containerId: undefined } as const;
const CONTAINER = { kind: 'container', podUid: UID, containerId: ID } as const;
const NESTED = { kind: 'nested', podUid: UID, containerId: ID } as const;
const ALONE = { kind: 'container', podUid: undefined, containerId: ID } as const;
const BURSTABLE = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice`;

const CASES: readonly (readonly [what: string, path: string, place?: object])[] = [
  ['systemd, burstable pod', BURSTABLE, POD],
  ['systemd, guaranteed pod', `/kubepods.slice/kubepods-pod${UID_}.slice`, POD],
  ['containerd', `${BURSTABLE}/cri-containerd-${ID}.scope`, CONTAINER],
  ['CRI-O', `${BURSTABLE}/crio-${ID}.scope`, CONTAINER],
  ['docker', `${BURSTABLE}/docker-${ID}.scope`, CONTAINER],
  ['cgroupfs, burstable pod', `/kubepods/burstable/pod${UID}`, POD],
  ['cgroupfs, guaranteed container', `/kubepods/pod${UID}/${ID}`, CONTAINER],
  ['cgroupfs, CRI-O', `/kubepods/besteffort/pod${UID}/crio-${ID}`, CONTAINER],
  ['cgroup root', `/x.slice/x-kubepods.slice/x-kubepods-besteffort.slice/x-kubepods-besteffort-pod${UID_}.slice`, POD],
  [
    'kind',
    `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    CONTAINER,
  ],
  ['kind from the outer host', `/system.slice/docker-${OUTER}.scope/kubelet/kubepods/pod${UID}/${ID}`, CONTAINER],
  ['minikube', `/docker/${OUTER}/kubepods/burstable/pod${UID}/${ID}`, CONTAINER],
  [
    'mixed drivers',
    `/system.slice/containerd.service/kubepods-burstable-pod${UID_}.slice:cri-containerd:${ID}`,
    CONTAINER,
  ],
  ['in a private cgroup namespace', `/../../kubepods/pod${UID}/${ID}`, CONTAINER],
  ["crun's folder in the container", `${BURSTABLE}/crio-${ID}.scope/container`, NESTED],
  ['docker in docker', `/kubepods/pod${UID}/${ID}/docker/${OUTER}`, NESTED],
  ['a cluster inside', `/kubepods/pod${UID}/${ID}/kubepods/pod00000000-0000-0000-0000-000000000000`, NESTED],
  ['docker without Kubernetes', `/docker/${ID}`, ALONE],
  ['docker on systemd', `/system.slice/docker-${ID}.scope`, ALONE],
  ['podman', `/machine.slice/libpod-${ID}.scope`, ALONE],
  [
    'static pod',
    '/kubepods/burstable/pod0123456789abcdef0123456789abcdef',
    { ...POD, podUid: '0123456789abcdef0123456789abcdef' },
  ],
  ['root', '/'],
  ['service', '/system.slice/kubelet.service'],
  ['all pods', '/kubepods/burstable'],
  ['a folder that only looks like a pod', `/user/pod${UID}`],
  ["CRI-O's monitor", `${BURSTABLE}/crio-conmon-${ID}.scope`],
  ["CRI-O's empty sandbox folder", `${BURSTABLE}/crio-${ID}`],
  ['mount unit', `${BURSTABLE}/var-lib-x.mount`],
  ['an id that is too short', `/kubepods/pod${UID}/${ID.slice(1)}`],
];

for (const [what, path, place] of CASES) {
  test(`${what}: ${place === undefined ? 'neither pod nor container' : Object.values(place)[0]}`, () => {
    assert.deepEqual(classifyCgroupPath(path), place);
  });
}
