import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { cleanUp } from '../../kit/clean-up.ts';
import { hostTree } from '../../kit/host-tree.ts';
import { nameOf } from '../../kit/samples.ts';
import { containerCycles, labelsOf, NET_DEV_HEAD, namesOf, ofCgroup, podOf, V2Node } from './kit.ts';

const UID = '3307863b-88df-4b68-8327-ce4f0045f372';
const POD = `/kubepods/pod${UID}`;
const MAIN = 'a'.repeat(64);
const SANDBOX = 'b'.repeat(64);
const CONTAINER = `${POD}/${MAIN}`;
const pods = [podOf('web', UID, { main: `containerd://${MAIN}` })];

function nodeOf(context: TestContext): V2Node {
  const node = new V2Node(context);
  node.makeCgroup(POD);
  node.makeCgroup(`${POD}/${SANDBOX}`, {}, 'pause');
  node.makeCgroup(CONTAINER, {}, 'app');
  return node;
}

test('all metrics of a container', async (context) => {
  const node = nodeOf(context);
  node.makeCgroup(CONTAINER, {
    'cpu.max': '50000 100000\n',
    'cpu.stat':
      'usage_usec 2500000\nuser_usec 1500000\nsystem_usec 1000000\nnr_periods 9\nnr_throttled 2\nthrottled_usec 700000\n',
    'io.stat': '259:0 rbytes=1 wbytes=2 rios=3 wios=4\n7:0 rbytes=9 wbytes=9 rios=9 wios=9\n99:9 rbytes=9\n',
    'memory.events': 'low 0\nmax 3\noom 1\noom_kill 1\n',
    'memory.max': '67108864\n',
  });
  const { samples } = await containerCycles(node.paths, {}, await namesOf(pods), () => 1_795_182_606_260)();
  const exposed = ofCgroup(samples, CONTAINER);
  assert.equal(exposed.delete('container_start_time_seconds{}'), true);
  assert.deepEqual(
    exposed,
    new Map([
      ['container_cpu_usage_seconds_total{cpu="total"}', 2.5],
      ['container_cpu_user_seconds_total{}', 1.5],
      ['container_cpu_system_seconds_total{}', 1],
      ['container_cpu_cfs_periods_total{}', 9],
      ['container_cpu_cfs_throttled_periods_total{}', 2],
      ['container_cpu_cfs_throttled_seconds_total{}', 0.7],
      ['container_memory_working_set_bytes{}', 6000],
      ['container_memory_usage_bytes{}', 9000],
      ['container_memory_rss{}', 4000],
      ['container_memory_cache{}', 5000],
      ['container_memory_swap{}', 600],
      ['container_oom_events_total{}', 1],
      ['container_spec_cpu_period{}', 100_000],
      ['container_spec_cpu_quota{}', 50_000],
      ['container_spec_cpu_shares{}', 998],
      ['container_spec_memory_limit_bytes{}', 67_108_864],
      ['container_last_seen{}', 1_795_182_606],
      ['container_fs_reads_bytes_total{device="/dev/nvme0n1"}', 1],
      ['container_fs_writes_bytes_total{device="/dev/nvme0n1"}', 2],
      ['container_fs_reads_total{device="/dev/nvme0n1"}', 3],
      ['container_fs_writes_total{device="/dev/nvme0n1"}', 4],
    ]),
  );
});

test('the network of a pod is exposed once, on the row of its sandbox', async (context) => {
  const { samples } = await containerCycles(nodeOf(context).paths, {}, await namesOf(pods))();
  const network = [...samples].filter(([series]) => nameOf(series) === 'container_network_receive_bytes_total');
  assert.deepEqual(network.length, 1);
  assert.match(network[0]?.[0] ?? '', new RegExp(`id="${POD}/${SANDBOX}".*interface="eth0".*pod="web"`));
  assert.equal(network[0]?.[1], 1000);
});

test("a pod in the host's network has the host's interfaces, as exposed by a kubelet", async (context) => {
  const node = nodeOf(context);
  const [pid] = readFileSync(`${node.paths.cgroup}${POD}/${SANDBOX}/cgroup.procs`, 'utf8').split('\n');
  const row = (name: string, bytes: number) => `${name}: ${bytes} 1 0 0 0 0 0 0 ${bytes} 1 0 0 0 0 0 0\n`;
  const host = NET_DEV_HEAD + row('lo', 1) + row('eth0', 500) + row('cni0', 600) + row('veth1a2b', 600);
  for (const process of [pid, '1']) node.write(`proc/${process}/net/dev`, host);
  const { samples } = await containerCycles(node.paths, {}, await namesOf(pods))();
  const received = (id: string) =>
    [...ofCgroup(samples, id)].filter(([series]) => nameOf(series) === 'container_network_receive_bytes_total');
  const interfaces = [
    ['container_network_receive_bytes_total{interface="eth0"}', 500],
    ['container_network_receive_bytes_total{interface="cni0"}', 600],
  ];
  assert.deepEqual(received(`${POD}/${SANDBOX}`), interfaces);
  assert.deepEqual(received('/'), interfaces);
  assert.deepEqual(received(CONTAINER), []);
});

test('of two concurrent collections only the first reports an end', async (context) => {
  const node = nodeOf(context);
  const cycle = containerCycles(node.paths, {}, await namesOf(pods));
  await cycle();
  node.remove(CONTAINER);
  const both = await Promise.all([cycle(), cycle()]);
  assert.deepEqual(
    both.map(({ samples }) => ofCgroup(samples, CONTAINER).size > 0),
    [true, false],
  );
});

test('without a sandbox the network is exposed on the row of the pod', async (context) => {
  const node = nodeOf(context);
  node.remove(`${POD}/${SANDBOX}`);
  const cycle = containerCycles(node.paths, {}, await namesOf(pods));
  await cycle();
  const { samples } = await cycle();
  const network = [...samples.keys()].filter((series) => nameOf(series) === 'container_network_transmit_bytes_total');
  assert.equal(network.length, 1);
  assert.match(network[0] ?? '', new RegExp(`id="${POD}",`));
});

test('an exited container is exposed once more with its last values, then no more', async (context) => {
  const node = nodeOf(context);
  let now = 1_000_000;
  const cycle = containerCycles(node.paths, {}, await namesOf(pods), () => now);
  const first = ofCgroup((await cycle()).samples, CONTAINER);
  node.remove(CONTAINER);
  now = 2_000_000;
  assert.deepEqual(ofCgroup((await cycle()).samples, CONTAINER), first);
  assert.equal(first.get('container_last_seen{}'), 1000);
  assert.equal(ofCgroup((await cycle()).samples, CONTAINER).size, 0);
});

test('a container that exits before it has a name is exposed with the labels known so far', async (context) => {
  const node = nodeOf(context);
  const names = { current: await namesOf([podOf('web', UID, {})]) };
  const asked = {
    find: (id: string, uid: string) => names.current.find(id, uid),
    findPod: (uid: string) => names.current.findPod(uid),
  };
  const cycle = containerCycles(node.paths, {}, asked);
  assert.equal(labelsOf((await cycle()).samples, CONTAINER), undefined);
  node.remove(CONTAINER);
  names.current = await namesOf(pods);
  assert.equal(labelsOf((await cycle()).samples, CONTAINER)?.container, 'main');
  assert.equal(labelsOf((await cycle()).samples, CONTAINER), undefined);
});

test('a restarted container is a new one, starting at 0', async (context) => {
  const node = nodeOf(context);
  const next = 'd'.repeat(64);
  const cycle = containerCycles(
    node.paths,
    {},
    await namesOf([...pods, podOf('x', 'x', { main: `containerd://${next}` })]),
  );
  await cycle();
  node.remove(CONTAINER);
  node.makeCgroup(`${POD}/${next}`, { 'cpu.stat': 'usage_usec 0\n' });
  const { samples } = await cycle();
  assert.equal(ofCgroup(samples, CONTAINER).get('container_cpu_usage_seconds_total{cpu="total"}'), 2.5);
  assert.equal(ofCgroup(samples, `${POD}/${next}`).get('container_memory_rss{}'), 4000);
});

test('a partial sample is dropped: a container that loses a controller is exiting, or exposed without it', async (context) => {
  const node = nodeOf(context);
  node.makeCgroup(CONTAINER, { 'io.stat': '259:0 rbytes=1 wbytes=2 rios=3 wios=4\n' });
  const cycle = containerCycles(node.paths, {}, await namesOf(pods), () => 1_000_000);
  const familiesOf = (samples: ReadonlyMap<string, number>) => new Set([...samples.keys()].map(nameOf));
  for (const files of [['memory.stat', 'memory.current', 'memory.events'], ['io.stat']]) {
    const before = ofCgroup((await cycle()).samples, CONTAINER);
    for (const file of files) node.remove(`${CONTAINER}/${file}`);
    assert.deepEqual(ofCgroup((await cycle()).samples, CONTAINER), before);
    const left = familiesOf(ofCgroup((await cycle()).samples, CONTAINER));
    assert.ok(left.size > 0 && left.size <= familiesOf(before).size - 4, `${[...left]}`);
  }
});

test('counts that a pod reports as unchanged are reused, others are read', async (context) => {
  const io = (reads: number) => `259:0 rbytes=1 wbytes=2 rios=${reads} wios=4\n`;
  const events = (kills: number) => `low 0\nmax 0\noom ${kills}\noom_kill ${kills}\n`;
  const exposed = (samples: ReadonlyMap<string, number>) => {
    const own = ofCgroup(samples, CONTAINER);
    return ['container_fs_reads_total{device="/dev/nvme0n1"}', 'container_oom_events_total{}'].map((key) =>
      own.get(key),
    );
  };
  for (const options of ['rw', 'rw,memory_localevents']) {
    const node = nodeOf(context);
    node.write('proc/1/mountinfo', `33 25 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 ${options}\n`);
    const write = (id: string, files: Readonly<Record<string, string>>) => {
      for (const [file, text] of Object.entries(files)) node.write(`sys/fs/cgroup${id}/${file}`, text);
    };
    const above = ['/kubepods', POD];
    for (const id of [...above, CONTAINER]) write(id, { 'io.stat': io(1), 'memory.events': events(0) });
    const cycle = containerCycles(node.paths, {}, await namesOf(pods));
    for (let count = 0; count < 3; count++) assert.deepEqual(exposed((await cycle()).samples), [1, 0]);
    // The kernel would also have counted this in the cgroups above.
    write(CONTAINER, { 'io.stat': io(5), 'memory.events': events(1) });
    assert.deepEqual(exposed((await cycle()).samples), options === 'rw' ? [1, 0] : [1, 1]);
    for (const id of above) write(id, { 'io.stat': io(5), 'memory.events': events(1) });
    assert.deepEqual(exposed((await cycle()).samples), [5, 1]);
  }
});

test('counts of a pod say nothing from twenty cycles on after a remount with which they are only its own', async (context) => {
  const node = nodeOf(context);
  const mount = (options: string) =>
    node.write('proc/1/mountinfo', `33 25 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 ${options}\n`);
  const write = (id: string, kills: number) =>
    node.write(`sys/fs/cgroup${id}/memory.events`, `low 0\nmax 0\noom ${kills}\noom_kill ${kills}\n`);
  mount('rw');
  for (const id of ['/kubepods', POD, CONTAINER]) write(id, 0);
  const cycle = containerCycles(node.paths, {}, await namesOf(pods));
  const kills = async () => ofCgroup((await cycle()).samples, CONTAINER).get('container_oom_events_total{}');
  for (let count = 0; count < 3; count++) assert.equal(await kills(), 0);
  mount('rw,memory_localevents');
  for (let count = 1; count < 20; count++) await kills();
  for (let count = 1; count < 5; count++) {
    write(CONTAINER, count);
    assert.equal(await kills(), count);
  }
  // The last change before the first cycle in which the pod counts it again.
  mount('rw');
  let shown = 4;
  for (let count = 5; count <= 25 && shown === count - 1; count++) {
    write(CONTAINER, count);
    shown = (await kills()) ?? 0;
  }
  assert.equal(shown, 18);
});

test('a container that replaces another between two cycles is found though its pod has the same number', async (context) => {
  const node = nodeOf(context);
  const [one, other] = ['d', 'e'].map((digit) => `${POD}/${digit.repeat(64)}`) as [string, string];
  const cycle = containerCycles(node.paths);
  let gone = CONTAINER;
  for (const id of [one, other]) {
    await cycle();
    node.remove(gone);
    node.makeCgroup(id);
    gone = id;
    assert.ok(ofCgroup((await cycle()).samples, id).size > 0);
  }
});

test('on v1, a container that is not in all trees is being created; if it stays like that, it is exposed', async (context) => {
  const files = {
    'cpuacct/cpuacct.usage': '1000000000\n',
    'memory/memory.stat': 'total_rss 4000\n',
    'memory/memory.usage_in_bytes': '9000\n',
  };
  const inTree = (id: string, wanted: string) =>
    Object.entries(files)
      .filter(([path]) => path.startsWith(wanted))
      .map(([path, text]) => [`sys/fs/cgroup/${path.replace('/', `${id}/`)}`, text]);
  const ids = ['/kubepods', POD, `${POD}/${SANDBOX}`];
  const paths = hostTree(context, {
    'proc/meminfo': 'MemTotal: 4000 kB\n',
    'proc/cpuinfo': 'processor : 0\n',
    ...Object.fromEntries([...ids.flatMap((id) => inTree(id, '')), ...inTree(CONTAINER, 'cpuacct')]),
  });
  const cycle = containerCycles(paths);
  const first = await cycle();
  assert.equal(ofCgroup(first.samples, CONTAINER).size, 0);
  assert.equal(ofCgroup(first.samples, `${POD}/${SANDBOX}`).get('container_memory_rss{}'), 4000);
  const exposed = ofCgroup((await cycle()).samples, CONTAINER);
  assert.equal(exposed.get('container_cpu_usage_seconds_total{cpu="total"}'), 1);
  assert.equal(exposed.get('container_memory_rss{}'), undefined);
});

test('a malformed file loses only its values, and is named', async (context) => {
  const node = nodeOf(context);
  node.makeCgroup(CONTAINER, { 'memory.stat': 'anon lots\nfile 5\ninactive_file 3\n' });
  const cycle = containerCycles(node.paths, {}, await namesOf(pods));
  for (let count = 0; count < 3; count++) {
    const { samples, results } = await cycle();
    const exposed = ofCgroup(samples, CONTAINER);
    assert.equal(exposed.get('container_memory_rss{}'), undefined);
    assert.equal(exposed.get('container_memory_cache{}'), 5);
    assert.equal(exposed.get('container_cpu_usage_seconds_total{cpu="total"}'), 2.5);
    assert.equal(results[0]?.outcome, 'partial');
    assert.match(results[0]?.errors[0]?.message ?? '', /memory\.stat:1: expected a number, found "lots"/);
    assert.equal(results[0]?.errors.length, 1);
  }
});

test('open files and sockets are counted when enabled', async (context) => {
  const node = nodeOf(context);
  const [pid] = readFileSync(`${node.paths.cgroup}${CONTAINER}/cgroup.procs`, 'utf8').split('\n');
  const counts = async (options: object) => {
    const exposed = ofCgroup((await containerCycles(node.paths, options)()).samples, CONTAINER);
    return [exposed.get('container_file_descriptors{}'), exposed.get('container_sockets{}')];
  };
  // No process could be read, which is not the same as 0 files.
  assert.deepEqual(await counts({ fileDescriptors: true }), [undefined, undefined]);
  mkdirSync(`${node.paths.procfs}/${pid}/fd`);
  symlinkSync('/dev/null', `${node.paths.procfs}/${pid}/fd/0`);
  symlinkSync('socket:[4711]', `${node.paths.procfs}/${pid}/fd/1`);
  assert.deepEqual(await counts({ fileDescriptors: true }), [2, undefined]);
  assert.deepEqual(await counts({ fileDescriptors: true, sockets: true }), [2, 1]);
  assert.deepEqual(await counts({}), [undefined, undefined]);
});

test('a new limit is exposed in the next cycle', async (context) => {
  const node = nodeOf(context);
  const cycle = containerCycles(node.paths, {}, await namesOf(pods));
  for (const limit of [4096, 8192]) {
    for (let count = 0; count < 4; count++) await cycle();
    node.write(`sys/fs/cgroup${CONTAINER}/memory.max`, `${limit}\n`);
    const { samples } = await cycle();
    assert.equal(ofCgroup(samples, CONTAINER).get('container_spec_memory_limit_bytes{}'), limit);
  }
});

test('a cgroup is as old as the older of its directory and its events file', async (context) => {
  const node = nodeOf(context);
  const made = Math.floor(statSync(`${node.paths.cgroup}${CONTAINER}`).mtimeMs / 1000);
  const { samples } = await containerCycles(node.paths)();
  const started = ofCgroup(samples, CONTAINER).get('container_start_time_seconds{}') ?? 0;
  assert.ok(Math.abs(started - made) <= 1, `${started} ${made}`);
});

test('a host without cgroups or without pods has no data', async (context) => {
  const node = new V2Node(context);
  node.remove('/kubepods');
  const outcome = async (paths: V2Node['paths']) => (await containerCycles(paths)()).results[0];
  assert.equal((await outcome(node.paths))?.outcome, 'nodata');
  assert.match(
    (await outcome({ ...node.paths, cgroup: '/nowhere' }))?.reason ?? '',
    /no cgroup hierarchy at \/nowhere/,
  );
});

/** Without quota, I/O and the network, which is only exposed for pods. */
const SERIES_OF_A_CGROUP = 14;

/** Creates and removes 400 pods of four containers, each atomically like the kernel, as fast as possible. */
const CHURN = `
const { cpSync, mkdirSync, renameSync, rmSync } = require('node:fs');
const [tree, container] = process.argv.slice(1);
const id = (number) => number.toString(16).padStart(64, '0');
const pathOf = (pod) => tree + '/kubepods/pod00000000-0000-0000-0000-' + String(pod).padStart(12, '0');
for (let pod = 0; pod < 400; pod++) {
  const draft = tree + '/draft';
  cpSync(container, draft, { recursive: true });
  for (let one = 0; one < 4; one++) cpSync(container, draft + '/' + id(pod * 4 + one), { recursive: true });
  renameSync(draft, pathOf(pod));
  if (pod < 40) continue;
  const gone = tree + '-gone';
  renameSync(pathOf(pod - 40), gone);
  rmSync(gone, { recursive: true });
}
`;

test('2,000 cgroups that appear and vanish while they are read have complete samples or none', {
  timeout: 120_000,
}, async (context) => {
  const node = nodeOf(context);
  const child = spawn(process.execPath, ['-e', CHURN, node.paths.cgroup, `${node.paths.cgroup}${CONTAINER}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  cleanUp(context, () => {
    child.kill('SIGKILL');
    return ended;
  });
  const cycle = containerCycles(node.paths);
  const seen = new Set<string>();
  while (child.exitCode === null) {
    const { samples, results } = await cycle();
    assert.notEqual(results[0]?.outcome, 'fault', results[0]?.reason ?? '');
    const exposed = new Map<string, number>();
    for (const [series, value] of samples) {
      if (nameOf(series) === 'container_memory_rss') assert.equal(value, 4000, series);
      if (nameOf(series) === 'container_cpu_usage_seconds_total') assert.equal(value, 2.5, series);
      const id = /id="(\/kubepods\/pod0[^"]*)"/.exec(series)?.[1];
      if (id !== undefined && !series.startsWith('container_network_')) exposed.set(id, (exposed.get(id) ?? 0) + 1);
    }
    for (const [id, count] of exposed) {
      assert.equal(count, SERIES_OF_A_CGROUP, id);
      seen.add(id);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(await ended, [0, null]);
  context.diagnostic(`${seen.size} cgroups seen`);
  assert.ok(seen.size > 100, `${seen.size}`);
});
