import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostPaths } from '../../src/host/paths.ts';
import type { PodInfo } from '../../src/kube/pod-info.ts';

/** A generated node: its files, and the pods as the API knows them. */
export interface GeneratedNode {
  readonly paths: HostPaths;
  readonly pods: readonly PodInfo[];
  readonly containers: number;
  /** Does I/O in a third of the pods and kills a process in one, different ones each time: counts change up to the root. */
  live(): void;
}

const KUBEPODS = '/kubepods.slice';
const BURSTABLE = `${KUBEPODS}/kubepods-burstable.slice`;

/** Writes a node with cgroup v2, systemd's names and containerd below `root`: 250 containers for 110 pods. */
export function generateNode(root: string, pods: number): GeneratedNode {
  const cgroup = join(root, 'sys/fs/cgroup');
  const infos: PodInfo[] = [];
  const slices: string[] = [];
  const members: string[] = [];
  let pid = 1000;
  let containers = 0;
  const write = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  const writeCgroup = (id: string, pids: readonly number[]) => {
    for (const [file, text] of Object.entries(CGROUP_FILES)) write(join(cgroup, id, file), text);
    write(join(cgroup, id, 'cgroup.procs'), pids.map((one) => `${one}\n`).join(''));
  };
  const writeProcess = (comm: string) => {
    pid++;
    write(join(root, `proc/${pid}/comm`), `${comm}\n`);
    write(join(root, `proc/${pid}/net/dev`), NET_DEV);
    write(
      join(root, `proc/${pid}/limits`),
      'Max open files            1048576              1048576              files\n',
    );
    mkdirSync(join(root, `proc/${pid}/fd`));
    return pid;
  };
  write(join(root, 'proc/meminfo'), 'MemTotal: 65000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n');
  write(join(root, 'proc/cpuinfo'), 'processor : 0\nphysical id : 0\ncore id : 0\n');
  write(join(root, 'proc/diskstats'), ' 259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11\n');
  write(join(root, 'proc/sys/kernel/osrelease'), '6.12.0\n');
  write(join(root, 'proc/1/net/dev'), NET_DEV);
  write(join(root, 'proc/1/mountinfo'), `22 1 259:0 / ${root} rw - ext4 /dev/nvme0n1 rw\n`);
  writeCgroup('/', [1]);
  write(join(cgroup, 'cgroup.controllers'), 'cpuset cpu io memory pids\n');
  for (const slice of [KUBEPODS, BURSTABLE]) writeCgroup(slice, []);
  for (let pod = 0; pod < pods; pod++) {
    const uid = idOf(`pod ${pod}`).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5');
    const slice = `${BURSTABLE}/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice`;
    slices.push(slice);
    writeCgroup(slice, []);
    writeCgroup(`${slice}/cri-containerd-${idOf(`sandbox ${pod}`)}.scope`, [writeProcess('pause')]);
    const names = ['app', 'proxy', 'agent'].slice(0, pod % 11 < 3 ? 3 : 2);
    const ids = names.map((name) => idOf(`${name} ${pod}`));
    for (const id of ids) writeCgroup(`${slice}/cri-containerd-${id}.scope`, [writeProcess('app')]);
    members.push(`${slice}/cri-containerd-${ids[0]}.scope`);
    containers += names.length;
    infos.push(podOf(pod, uid, names, ids));
  }
  const paths = {
    procfs: join(root, 'proc'),
    sysfs: join(root, 'sys'),
    rootfs: root,
    udev: join(root, 'udev'),
    cgroup,
  };
  let turn = 0;
  const live = () => {
    turn++;
    for (const id of [
      KUBEPODS,
      BURSTABLE,
      ...[slices, members].flatMap((ids) => ids.filter((_, pod) => pod % 3 === turn % 3)),
    ])
      write(
        join(cgroup, id, 'io.stat'),
        `259:0 rbytes=45056 wbytes=${298844160 + turn * 4096} rios=3 wios=${472 + turn} dbytes=0 dios=0\n`,
      );
    for (const id of [KUBEPODS, BURSTABLE, slices[turn % pods], members[turn % pods]])
      write(
        join(cgroup, id ?? '', 'memory.events'),
        `low 0\nhigh 0\nmax ${turn}\noom ${turn}\noom_kill ${turn}\noom_group_kill 0\n`,
      );
  };
  return { paths, pods: infos, containers, live };
}

const idOf = (text: string): string => createHash('sha256').update(text).digest('hex');

function podOf(pod: number, uid: string, names: readonly string[], ids: readonly string[]): PodInfo {
  return {
    namespace: `namespace-${pod % 20}`,
    name: `workload-${pod}-7c5ddbdf54-${idOf(`suffix ${pod}`).slice(0, 5)}`,
    uid,
    phase: 'Running',
    podIP: '10.0.0.1',
    hostIP: '192.0.2.1',
    hostNetwork: false,
    qosClass: 'Burstable',
    startTime: '',
    ownerKind: '',
    ownerName: '',
    workloadKind: '',
    workloadName: '',
    labels: {},
    containers: names.map((name, index) => ({
      name,
      id: `containerd://${ids[index]}`,
      image: `registry.example.com/team/${name}:1.2.3`,
      imageID: '',
      type: 'app',
      restartCount: 0,
      state: 'running',
    })),
  };
}

const NET_DEV = [
  'Inter-|   Receive                                                |  Transmit',
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
  '    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0',
  '  eth0: 8839421   90122    0    0    0     0          0         0  7892113   81212    0    0    0     0       0          0',
  '',
].join('\n');

/** memory.stat of a recent kernel has sixty lines; the position of a line affects the cost of reading it. */
const MEMORY_STAT = [
  ['anon', 'file', 'kernel', 'kernel_stack', 'pagetables', 'sec_pagetables', 'percpu', 'sock', 'vmalloc', 'shmem'],
  ['file_mapped', 'file_dirty', 'file_writeback', 'swapcached', 'anon_thp', 'file_thp', 'shmem_thp', 'inactive_anon'],
  ['active_anon', 'inactive_file', 'active_file', 'unevictable', 'slab_reclaimable', 'slab_unreclaimable', 'slab'],
  ['workingset_refault_anon', 'workingset_refault_file', 'workingset_activate_anon', 'workingset_activate_file'],
  [
    'workingset_restore_anon',
    'workingset_restore_file',
    'workingset_nodereclaim',
    'pgscan',
    'pgsteal',
    'pgscan_kswapd',
  ],
  ['pgscan_direct', 'pgsteal_kswapd', 'pgsteal_direct', 'pgfault', 'pgmajfault', 'pgrefill', 'pgactivate'],
  ['pgdeactivate', 'pglazyfree', 'pglazyfreed', 'thp_fault_alloc', 'thp_collapse_alloc', 'thp_swpout'],
].flat();

const PRESSURE = ['some', 'full'].map((kind) => `${kind} avg10=0.00 avg60=0.00 avg300=0.00 total=123456\n`).join('');

const CGROUP_FILES: Readonly<Record<string, string>> = {
  'cgroup.events': 'populated 1\nfrozen 0\n',
  'cpu.max': '100000 100000\n',
  'cpu.stat':
    'usage_usec 98701325189\nuser_usec 58701325189\nsystem_usec 40000000000\nnr_periods 120000\nnr_throttled 1200\nthrottled_usec 19175137\nnr_bursts 0\nburst_usec 0\n',
  'cpu.weight': '39\n',
  'io.stat': '259:0 rbytes=45056 wbytes=298844160 rios=3 wios=472 dbytes=0 dios=0\n',
  'memory.current': '130710592\n',
  'memory.events': 'low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n',
  'memory.max': '268435456\n',
  'memory.min': '0\n',
  'memory.peak': '140710592\n',
  'memory.stat': MEMORY_STAT.map((key, index) => `${key} ${index * 40_960}\n`).join(''),
  'memory.swap.current': '0\n',
  'memory.swap.max': 'max\n',
  'pids.current': '12\n',
  'pids.max': '4676\n',
  'cpu.pressure': PRESSURE,
  'io.pressure': PRESSURE,
  'memory.pressure': PRESSURE,
  // The cost of listing a pod's folder depends on the number of names in it: a real one has sixty.
  ...Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`hugetlb.other${index}`, '0\n'])),
};
