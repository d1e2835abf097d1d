import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { CgroupV1 } from '../../../src/collectors/container/cgroup-v1.ts';
import { CgroupV2, parseCpuMax, sharesOfWeight } from '../../../src/collectors/container/cgroup-v2.ts';
import { parseIoStat, parseOperations } from '../../../src/collectors/container/io-stat.ts';
import { countOf, keyed, levelOf } from '../../../src/collectors/container/keyed.ts';
import type { Extra } from '../../../src/collectors/container/options.ts';
import { amount, limit } from '../../../src/collectors/container/reading.ts';
import { MissingFile } from '../../../src/host/errors.ts';
import { Host } from '../../../src/host/host.ts';
import { hostTree } from '../../kit/host-tree.ts';
import { keep, NONE_LOST, V2Node } from './kit.ts';

const ALL = { all: true, fileDescriptors: false, sockets: false, keepOpen: 1500, extra: new Set<Extra>() };
const MACHINE = { totalBytes: 4096, swapTotalBytes: 100, swapFreeBytes: 40 };
const LOOK = { machine: MACHINE, hasQuota: true };

test('values are matched at the start of a line only; gauges are never below 0, negative counters are dropped', () => {
  const lines = 'file 5\ninactive_file 7\ntotal_file -3\nbig 9007199254740993\nlast 18446744073709551615';
  assert.equal(keyed(lines, 'file', countOf), 5);
  assert.equal(keyed(lines, 'inactive_file', levelOf), 7);
  assert.equal(keyed(lines, 'total_file', levelOf), 0);
  assert.equal(keyed(lines, 'big', countOf), 9_007_199_254_740_992);
  assert.equal(keyed(lines, 'last', levelOf), 0);
  assert.equal(keyed(lines, 'absent', countOf), undefined);
  for (const key of ['total_file', 'last']) assert.throws(() => keyed(lines, key, countOf), /expected a number/);
  for (const text of ['many', '', '-', '1x', '1 2', '9'.repeat(400), '5\r']) {
    assert.throws(() => keyed(`file ${text}\n`, 'file', levelOf), /expected a number/, text.slice(0, 9));
  }
});

test('no limit is 0, in every notation of the kernel', () => {
  for (const text of ['max', '9223372036854771712', '18446744073709551615', '-1']) assert.equal(limit(text), 0);
  assert.equal(limit('67108864'), 67_108_864);
  for (const text of ['plenty', '9'.repeat(400), '1 2']) assert.throws(() => limit(text), /expected a number/);
  // The usage is not a limit: one that is impossible is not a number.
  assert.equal(amount('67108864'), 67_108_864);
  for (const text of ['max', '-1', '18446744073709551615', '']) assert.throws(() => amount(text), /expected a number/);
});

test('parses quota and weight', () => {
  assert.deepEqual(parseCpuMax('max 100000'), { quota: undefined, period: 100_000 });
  assert.deepEqual(parseCpuMax('4800000 100000'), { quota: 4_800_000, period: 100_000 });
  assert.throws(() => parseCpuMax('100000'), /expected a number/);
  assert.deepEqual([1, 4, 79, 10_000].map(String).map(sharesOfWeight), [2, 80, 2046, 262_144]);
});

test('io.stat: several devices, an idle one, one without a number, the cost model', () => {
  const text =
    '11:0 \n8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0 cost.usage=1500000\n(unknown) rbytes=1\n8:16 rbytes=5 wbytes=6 rios=7 wios=8\n';
  const [first, second, ...more] = parseIoStat('io.stat', text, NONE_LOST);
  assert.deepEqual(more, []);
  assert.deepEqual([first?.major, first?.minor, first?.reads, first?.costUsage], ['8', '0', 3, 1.5]);
  assert.deepEqual([second?.minor, second?.writeBytes], ['16', 6]);
});

/** Lines that kernels write, and the expected result: device, bytes read. */
const IO_LINES: readonly (readonly [line: string, ...devices: readonly [string, number][]])[] = [
  ['253:0 8:0 rbytes=1 wbytes=2', ['8:0', 1]],
  ['253:0 253:1 8:16 rbytes=3', ['8:16', 3]],
  ['253:0 (unknown) rbytes=4'],
  ['(unknown) 8:0 rbytes=5', ['8:0', 5]],
  ['(unknown)  rbytes=6'],
  ['253:0 8:0'],
  ['8:0   rbytes=7  wbytes=8 ', ['8:0', 7]],
];

test('io.stat: lines without an end, and removed devices', () => {
  for (const [line, ...devices] of IO_LINES) {
    const found = parseIoStat('io.stat', `${line}\n`, NONE_LOST);
    assert.deepEqual(
      found.map(({ major, minor, readBytes }) => [`${major}:${minor}`, readBytes]),
      devices,
      line,
    );
  }
});

test('io.stat: a line that cannot be parsed loses that line', () => {
  const odd = ['8:0 rbytes=x', 'sda rbytes=1', '8:0 rbytes', '8:0 rbytes=-1', '\0\0'];
  const lost: string[] = [];
  const text = odd.map((line) => `${line}\n8:16 rbytes=1\n`).join('');
  const found = parseIoStat(
    'io.stat',
    text,
    keep((message) => lost.push(message.split(':')[1] as string)),
  );
  assert.equal(found.length, odd.length);
  assert.deepEqual(lost, ['1', '3', '5', '7', '9']);
});

test('blkio files: operations by device, without the total', () => {
  const devices = parseOperations(
    'blkio',
    '8:0 Read 1\n8:0 Write 2\n8:0 Total 3\n8:16 Read 4\n(unknown) Read 9\n8:32 8:48 Read 5\nTotal 7\n',
    NONE_LOST,
  );
  assert.deepEqual([...devices.keys()], ['8:0', '8:16', '8:48']);
  assert.equal(devices.get('8:0')?.get('Write'), 2);
  assert.equal(parseOperations('blkio', 'Total 0\n', NONE_LOST).size, 0);
  const lost: string[] = [];
  const odd = '8:0 Read\n8:16 Read 1\nRead 5\n8:0 Read 1 2\n8:0 Read many\n';
  const kept = parseOperations(
    'blkio',
    odd,
    keep((message) => lost.push(message)),
  );
  assert.deepEqual([[...kept.keys()], lost.map((message) => message.split(':')[1])], [['8:16'], ['1', '3', '4', '5']]);
});

test('v2: a cgroup is read, and the machine for the root', (context) => {
  const { paths } = new V2Node(context);
  const reader = new CgroupV2(new Host(paths), paths.cgroup, ALL);
  const { cpuUsage, cpuUser, memory, workingSet, rss, cache, swap, peak, cpuWaiting } = reader.read('/kubepods', LOOK);
  assert.deepEqual([cpuUsage, cpuUser, memory, workingSet, rss, cache, swap], [2.5, 1.5, 9000, 6000, 4000, 5000, 600]);
  assert.deepEqual([peak, cpuWaiting], [undefined, undefined]);
  const root = reader.read('/', LOOK);
  assert.deepEqual([root.memory, root.workingSet, root.swap], [9000, 6000, 60]);
  assert.equal(reader.limits('/', MACHINE).memory, 4096);
  const limits = reader.limits('/kubepods', MACHINE);
  assert.deepEqual([limits.cpuQuota, limits.cpuPeriod, limits.memory], [undefined, 100_000, 0]);
});

test('v2: without controllers only CPU time is exposed; without cpu.stat the cgroup counts as removed', (context) => {
  const node = new V2Node(context);
  const bare = Object.fromEntries(
    ['memory.stat', 'memory.current', 'memory.events', 'memory.max', 'io.stat', 'cpu.max', 'cpu.weight'].map((file) => [
      file,
      undefined,
    ]),
  );
  node.makeCgroup('/bare', bare);
  node.makeCgroup('/small', { 'memory.current': '10\n' });
  node.makeCgroup('/broken', { 'cpu.stat': 'usage_usec 12x\n' });
  node.makeCgroup('/empty', { 'cpu.stat': '' });
  const reader = new CgroupV2(new Host(node.paths), node.paths.cgroup, ALL);
  const reading = reader.read('/bare', LOOK);
  const { misses: _, areEventsSame, isIoSame, devices, hugePages, losses, ...values } = reading;
  assert.deepEqual([areEventsSame, isIoSame, losses, hugePages], [false, false, [], []]);
  const present = Object.entries(values).filter(([, value]) => value !== undefined);
  assert.deepEqual(devices, []);
  assert.deepEqual(Object.keys(Object.fromEntries(present)), [
    ...['cpuUsage', 'cpuUser', 'cpuSystem', 'periods', 'throttledPeriods', 'throttledTime'],
  ]);
  assert.equal(reader.read('/small', LOOK).workingSet, 0);
  assert.throws(() => reader.read('/gone', LOOK), MissingFile);
  // An unparsed line is lost alone, and is named by file and line.
  for (const [id, line] of [
    ['/broken', 1],
    ['/empty', 1],
  ] as const) {
    const { cpuUsage, rss, losses } = reader.read(id, LOOK);
    assert.deepEqual([cpuUsage, rss], [undefined, 4000]);
    assert.match(losses.map(String).join(), new RegExp(`^MalformedFile: .*${id}/cpu\\.stat:${line}: expected`));
  }
});

const V1_FILES: Readonly<Record<string, string>> = {
  'cpuacct/a/cpuacct.usage': '18014398509481985\n',
  'cpuacct/a/cpuacct.stat': 'user 150\nsystem 25\n',
  'cpu/a/cpu.stat': 'nr_periods 10\nnr_throttled 3\nthrottled_time 1500000000\n',
  'cpu/a/cpu.cfs_quota_us': '-1\n',
  'cpu/a/cpu.cfs_period_us': '100000\n',
  'cpu/a/cpu.shares': '1024\n',
  'memory/a/memory.stat': 'cache 1\nrss 2\ntotal_cache 100\ntotal_rss -5\ntotal_inactive_file 40\npgfault 9\n',
  'memory/a/memory.usage_in_bytes': '300\n',
  'memory/a/memory.limit_in_bytes': '9223372036854771712\n',
  'memory/a/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
  'blkio/a/blkio.throttle.io_serviced_recursive': '8:0 Read 3\n8:0 Write 4\nTotal 7\n',
  'blkio/a/blkio.throttle.io_service_bytes_recursive': '8:0 Read 300\n8:0 Write 400\nTotal 700\n',
};

test('v1: each controller has its own tree, and may be missing', (context) => {
  const below = Object.fromEntries(Object.entries(V1_FILES).map(([path, text]) => [`sys/fs/cgroup/${path}`, text]));
  const paths = hostTree(context, below);
  const trees = new Map(['cpu', 'cpuacct', 'memory', 'blkio'].map((name) => [name, `${paths.cgroup}/${name}`]));
  const reader = new CgroupV1(new Host(paths), trees, ALL);
  const reading = reader.read('/a', LOOK);
  assert.deepEqual([reading.cpuUsage, reading.cpuUser, reading.cpuSystem], [18_014_398.509481985, 1.5, 0.25]);
  assert.deepEqual([reading.memory, reading.workingSet, reading.rss, reading.cache], [300, 260, 0, 100]);
  assert.deepEqual([reading.throttledTime, reading.oomKills, reading.threads], [1.5, 2, undefined]);
  assert.deepEqual([reading.devices[0]?.reads, reading.devices[0]?.writeBytes], [3, 400]);
  const { cpuQuota, memory } = reader.limits('/a', MACHINE);
  assert.deepEqual([cpuQuota, memory], [undefined, 0]);
  assert.throws(() => reader.read('/gone', LOOK), MissingFile);
  assert.equal(reader.isWhole('/a'), true);
  trees.set('pids', `${paths.cgroup}/pids`);
  assert.equal(reader.isWhole('/a'), false);
  trees.delete('memory');
  trees.delete('blkio');
  const { cpuUsage, memory: none, devices } = reader.read('/a', LOOK);
  assert.deepEqual([cpuUsage, none, devices], [18_014_398.509481985, undefined, []]);
});

test('v1: I/O on a device that has, or is given, another scheduler than BFQ', (context) => {
  const throttled = (id: string, text: string) => ({
    [`blkio${id}/blkio.throttle.io_serviced_recursive`]: text,
    [`blkio${id}/blkio.throttle.io_service_bytes_recursive`]: text,
  });
  const bfq = (id: string, text: string) => ({
    [`blkio${id}/blkio.bfq.io_serviced_recursive`]: text,
    [`blkio${id}/blkio.bfq.io_service_bytes_recursive`]: text,
  });
  const files = { ...throttled('/a', '8:0 Read 5\n'), ...throttled('/b', '259:0 Read 7\n'), ...bfq('/b', '') };
  const all = Object.entries({ ...files, ...bfq('/a', '8:0 Read 4\n') });
  const paths = hostTree(context, Object.fromEntries(all.map(([path, text]) => [`sys/fs/cgroup/${path}`, text])));
  const newReads = () => {
    const reader = new CgroupV1(new Host(paths), new Map([['blkio', `${paths.cgroup}/blkio`]]), ALL);
    return (id: string) => reader.read(id, LOOK).devices.map((device) => [device.major, device.reads]);
  };
  const [reads, later] = [newReads(), newReads()];
  for (const one of [reads, later]) assert.deepEqual(one('/a'), [['8', 4]]);
  // On a disk without a scheduler.
  assert.deepEqual(reads('/b'), [['259', 7]]);
  assert.deepEqual(reads('/a'), [['8', 4]]);
  // As the kernel empties them for a disk that is given another one.
  for (const path of Object.keys(bfq('/a', ''))) writeFileSync(`${paths.cgroup}/${path}`, '');
  assert.deepEqual(later('/a'), [['8', 5]]);
});

test('v1: huge pages by size, only a malformed size is skipped', (context) => {
  const files = {
    'cpuacct/a/cpuacct.usage': '1\n',
    'cpuacct/a/cpuacct.stat': 'user 1\nsystem 1\n',
    'hugetlb/a/hugetlb.2MB.usage_in_bytes': '4194304\n',
    'hugetlb/a/hugetlb.2MB.max_usage_in_bytes': '6291456\n',
    'hugetlb/a/hugetlb.2MB.failcnt': '7\n',
    'hugetlb/a/hugetlb.1GB.usage_in_bytes': 'many\n',
    'hugetlb/a/hugetlb.1GB.failcnt': '0\n',
  };
  const below = Object.fromEntries(Object.entries(files).map(([path, text]) => [`sys/fs/cgroup/${path}`, text]));
  const sizes = Object.fromEntries(
    ['2048', '1048576', '64'].map((size) => [`sys/kernel/mm/hugepages/hugepages-${size}kB/nr_hugepages`, '0\n']),
  );
  const paths = hostTree(context, { ...below, ...sizes });
  const trees = new Map(['cpuacct', 'hugetlb'].map((name) => [name, `${paths.cgroup}/${name}`]));
  const wanted = { ...ALL, extra: new Set(['hugetlb'] as const) };
  const { hugePages, losses } = new CgroupV1(new Host(paths), trees, wanted).read('/a', LOOK);
  assert.deepEqual(hugePages, [
    { size: '1GB', usage: undefined, peak: undefined, limitHits: 0 },
    { size: '2MB', usage: 4_194_304, peak: 6_291_456, limitHits: 7 },
  ]);
  assert.deepEqual(losses.map(String), [
    `MalformedFile: ${paths.cgroup}/hugetlb/a/hugetlb.1GB.usage_in_bytes:1: expected a number, found "many"`,
  ]);
  trees.delete('hugetlb');
  assert.deepEqual(new CgroupV1(new Host(paths), trees, wanted).read('/a', LOOK).hugePages, []);
});

test('a count of 2^64-1 is dropped, not exposed', () => {
  const lost: string[] = [];
  const wrapped = '18446744073709551615';
  assert.deepEqual(
    parseIoStat(
      'io.stat',
      `8:0 rbytes=${wrapped} wbytes=1 rios=1 wios=1\n`,
      keep((text) => lost.push(text)),
    ),
    [],
  );
  assert.equal(
    parseOperations(
      'blkio',
      `8:0 Read ${wrapped}\n8:0 Write 4\n`,
      keep((text) => lost.push(text)),
    ).get('8:0')?.size,
    1,
  );
  assert.equal(lost.length, 2);
  for (const text of lost) assert.match(text, /expected a count, found 18446744073709551615/);
});
