import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { addConnections, countTcp, countUdp } from '../../../src/collectors/container/connections.ts';
import { CgroupRow } from '../../../src/collectors/container/row.ts';
import { Host } from '../../../src/host/host.ts';
import { DEFAULT_PATHS } from '../../../src/host/paths.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { hostTree } from '../../kit/host-tree.ts';
import { containerCycles, keep, namesOf, ofCgroup, podOf, V2Node } from './kit.ts';

const UID = '3307863b-88df-4b68-8327-ce4f0045f372';
const POD = `/kubepods/pod${UID}`;
const SANDBOX = `${POD}/${'b'.repeat(64)}`;
const CONTAINER = `${POD}/${'a'.repeat(64)}`;

const HEADING = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const socket = (state: string, queues: string, dropped = '') =>
  `   0: 0100007F:1F90 00000000:0000 ${state} ${queues} 00:00000000 00000000     0        0 12345 2 0000000000000000 ${dropped}\n`;

function nodeOf(context: TestContext): V2Node {
  const node = new V2Node(context);
  node.makeCgroup(POD);
  node.makeCgroup(SANDBOX, {}, 'pause');
  node.makeCgroup(CONTAINER, {}, 'app');
  return node;
}

const MEMORY = {
  'memory.stat':
    'anon 4000\nfile 5000\nfile_dirty 70\nfile_writeback 80\ninactive_file 3000\npgscan 11\npgsteal 9\nworkingset_refault_anon 1\nworkingset_refault_file 2\n',
  'memory.events': 'low 0\nhigh 5\nmax 3\noom 1\noom_kill 1\n',
};

test('metrics of newer cAdvisors are opt-in', async (context) => {
  const node = nodeOf(context);
  node.makeCgroup(CONTAINER, MEMORY);
  const cycle = containerCycles(node.paths, { extra: ['memory', 'creation'] });
  const extra = /_events_|_dirty|_writeback|_pgs|_refault|_creation/;
  const wanted = new Map([
    ['container_memory_events_high_total{}', 5],
    ['container_memory_events_max_total{}', 3],
    ['container_memory_file_dirty_bytes{}', 70],
    ['container_memory_file_writeback_bytes{}', 80],
    ['container_memory_pgscan_total{}', 11],
    ['container_memory_pgsteal_total{}', 9],
    ['container_memory_workingset_refault_file_total{}', 2],
    ['container_memory_workingset_refault_anon_total{}', 1],
  ]);
  // Also with the cached data of the previous cycle.
  for (let count = 0; count < 3; count++) {
    const exposed = ofCgroup((await cycle()).samples, CONTAINER);
    assert.equal(
      exposed.get('container_creation_time_seconds{}'),
      exposed.get('container_start_time_seconds{}'),
      'a cgroup is as old as its container',
    );
    exposed.delete('container_creation_time_seconds{}');
    exposed.delete('container_oom_events_total{}');
    assert.deepEqual(new Map([...exposed].filter(([series]) => extra.test(series))), wanted);
  }
  const plain = ofCgroup((await containerCycles(node.paths, { families: 'kubelet' })()).samples, CONTAINER);
  plain.delete('container_oom_events_total{}');
  assert.deepEqual(
    [...plain.keys()].filter((series) => extra.test(series)),
    [],
  );
});

test('huge pages, by the sizes of the machine', async (context) => {
  const node = nodeOf(context);
  for (const size of ['2048', '1048576', '64'])
    node.write(`sys/kernel/mm/hugepages/hugepages-${size}kB/nr_hugepages`, '0\n');
  node.makeCgroup(CONTAINER, {
    'hugetlb.2MB.current': '4194304\n',
    'hugetlb.2MB.events': 'max 7\n',
    'hugetlb.1GB.current': '0\n',
    'hugetlb.64KB.current': 'many\n',
  });
  const { samples, results } = await containerCycles(node.paths, { extra: ['hugetlb'] })();
  const exposed = [...ofCgroup(samples, CONTAINER)].filter(([series]) => series.includes('hugetlb'));
  assert.deepEqual(exposed, [
    ['container_hugetlb_usage_bytes{pagesize="1GB"}', 0],
    ['container_hugetlb_usage_bytes{pagesize="2MB"}', 4_194_304],
    ['container_hugetlb_failcnt{pagesize="2MB"}', 7],
  ]);
  assert.match(
    results[0]?.errors.map(String).join() ?? '',
    /hugetlb\.64KB\.current:1: expected a number, found "many"/,
  );
});

test('the peak of huge pages is that of cgroup v1, the only version that records it', async (context) => {
  // Documentation/admin-guide/cgroup-v1/hugetlb.rst
  const files = {
    [`cpuacct${CONTAINER}/cpuacct.usage`]: '1\n',
    [`cpuacct${CONTAINER}/cpuacct.stat`]: 'user 1\nsystem 1\n',
    [`hugetlb${CONTAINER}/hugetlb.2MB.usage_in_bytes`]: '4194304\n',
    [`hugetlb${CONTAINER}/hugetlb.2MB.max_usage_in_bytes`]: '6291456\n',
    [`hugetlb${CONTAINER}/hugetlb.2MB.failcnt`]: '7\n',
  };
  const paths = hostTree(context, {
    ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`sys/fs/cgroup/${path}`, text])),
    'proc/meminfo': 'MemTotal: 4000 kB\nSwapTotal: 100 kB\n',
    'sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': '0\n',
  });
  const { samples } = await containerCycles(paths, { extra: ['hugetlb'] })();
  assert.deepEqual(
    [...ofCgroup(samples, CONTAINER)].filter(([series]) => series.includes('hugetlb')),
    [
      ['container_hugetlb_usage_bytes{pagesize="2MB"}', 4_194_304],
      ['container_hugetlb_max_usage_bytes{pagesize="2MB"}', 6_291_456],
      ['container_hugetlb_failcnt{pagesize="2MB"}', 7],
    ],
  );
});

test('times of the I/O cost model, where a device has one', async (context) => {
  const node = nodeOf(context);
  // Documentation/admin-guide/cgroup-v2.rst and block/blk-iocost.c; microseconds.
  node.makeCgroup(CONTAINER, {
    'io.stat':
      '259:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0 cost.vrate=100.00 cost.usage=1500000 cost.wait=250000 ' +
      'cost.indebt=3000000 cost.indelay=750\n',
  });
  const { samples } = await containerCycles(node.paths, { families: 'kubelet' })();
  assert.deepEqual(
    [...ofCgroup(samples, CONTAINER)].filter(([series]) => series.includes('_cost_')),
    [
      ['container_fs_io_cost_usage_seconds_total{device="/dev/nvme0n1"}', 1.5],
      ['container_fs_io_cost_wait_seconds_total{device="/dev/nvme0n1"}', 0.25],
      ['container_fs_io_cost_indebt_seconds_total{device="/dev/nvme0n1"}', 3],
      ['container_fs_io_cost_indelay_seconds_total{device="/dev/nvme0n1"}', 0.000_75],
    ],
  );
});

/** Of /proc/net/tcp6 and udp6, whose addresses have 32 digits (net/ipv6/tcp_ipv6.c). */
const socket6 = (state: string, queues: string, dropped = '') =>
  socket(state, queues, dropped)
    .replace('0100007F:', `${'0'.repeat(24)}01000000:`)
    .replace(' 00000000:0000 ', ` ${'0'.repeat(32)}:0000 `);

test('sockets of IPv6 have their own families', async (context) => {
  const node = nodeOf(context);
  node.write('proc/1001/net/tcp6', HEADING + socket6('0A', '00000000:00000000') + socket6('06', '00000000:00000000'));
  node.write('proc/1001/net/udp6', HEADING + socket6('07', '00000000:00000011', '2'));
  const { samples, results } = await containerCycles(node.paths, { extra: ['tcp', 'udp'] })();
  assert.deepEqual(
    results.flatMap(({ errors }) => errors),
    [],
  );
  assert.deepEqual(
    [...ofCgroup(samples, SANDBOX)].filter(([series, value]) => /_(tcp|udp)/.test(series) && value > 0),
    [
      ['container_network_tcp6_usage_total{tcp_state="timewait"}', 1],
      ['container_network_tcp6_usage_total{tcp_state="listen"}', 1],
      ['container_network_udp6_usage_total{udp_state="listen"}', 1],
      ['container_network_udp6_usage_total{udp_state="dropped"}', 2],
      ['container_network_udp6_usage_total{udp_state="rxqueued"}', 17],
    ],
  );
});

test('sockets are counted on the row of the network, by state', async (context) => {
  const node = nodeOf(context);
  const [pid] = [1001];
  node.write(`proc/${pid}/net/tcp`, HEADING + socket('0A', '00000000:00000000') + socket('01', '00000000:00000000'));
  node.write(`proc/${pid}/net/udp`, HEADING + socket('07', '0000000A:000000FF', '3') + socket('07', 'what', '1'));
  const names = await namesOf([podOf('web', UID, { main: `containerd://${'a'.repeat(64)}` })]);
  const { samples, results } = await containerCycles(node.paths, { extra: ['tcp', 'udp'] }, names)();
  const exposed = [...ofCgroup(samples, SANDBOX)].filter(([series]) => /_(tcp|udp)/.test(series));
  assert.deepEqual(
    exposed.filter(([, value]) => value > 0),
    [
      ['container_network_tcp_usage_total{tcp_state="established"}', 1],
      ['container_network_tcp_usage_total{tcp_state="listen"}', 1],
      ['container_network_udp_usage_total{udp_state="listen"}', 1],
      ['container_network_udp_usage_total{udp_state="dropped"}', 3],
      ['container_network_udp_usage_total{udp_state="rxqueued"}', 255],
      ['container_network_udp_usage_total{udp_state="txqueued"}', 10],
    ],
  );
  assert.equal(exposed.length, 11 + 4, 'without IPv6 its families are absent');
  assert.match(results[0]?.errors.map(String).join() ?? '', /net\/udp:3: expected tx_queue:rx_queue in column 5/);
  assert.deepEqual(
    [...ofCgroup(samples, CONTAINER).keys()].filter((series) => /_(tcp|udp)/.test(series)),
    [],
  );
});

test('a socket line that cannot be parsed loses that line', () => {
  const lost: string[] = [];
  const queues = '00000000:00000000';
  const odd = [HEADING, socket('0C', queues), socket('zz', queues), socket('01', queues), socket('01', '0:0'), 'x\n'];
  const counts = countTcp(
    'tcp',
    odd.join(''),
    keep((message) => lost.push(message.slice(0, 6))),
  );
  assert.deepEqual([counts.get('established'), lost], [1, ['tcp:2:', 'tcp:3:', 'tcp:5:', 'tcp:6:']]);
  const twice = socket('07', '00000000:00000000', '-1') + socket('07', '00000000:00000000', '2');
  const udp = countUdp(
    'udp',
    HEADING + twice,
    keep((message) => lost.push(message.slice(0, 6))),
  );
  assert.deepEqual([udp.get('listen'), udp.get('dropped'), lost.at(-1)], [1, 2, 'udp:2:']);
});

test('the sockets of this host: a listening one is counted', async (context) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const out = new Snapshot();
  const cgroup = { id: '/', kind: 'root', podUid: undefined, containerId: undefined } as const;
  const row = new CgroupRow(cgroup, 0, undefined, { inode: undefined, started: undefined });
  addConnections(out, new Host(DEFAULT_PATHS), row, '/proc/self/net', new Set(['tcp', 'udp']));
  assert.deepEqual(out.errors, []);
  const listening = out.keys.findIndex(
    (key) => key.startsWith('container_network_tcp_usage_total') && key.includes('listen'),
  );
  assert.ok((out.values[listening] ?? 0) >= 1);
});
