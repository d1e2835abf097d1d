import assert from 'node:assert/strict';
import { cpSync, renameSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { fixture } from '../../kit/host-tree.ts';
import { containerCycles, NET_DEV_HEAD, ofCgroup, pathsBelow, V2Node } from './kit.ts';

// Inputs of public bug reports (test/fixtures/reports, each with the correct result), and further cases without a report.

const report = (name: string) => containerCycles(pathsBelow(fixture(`reports/${name}`)))();

const seriesOf = (samples: ReadonlyMap<string, number>, id: string, pattern: RegExp) =>
  [...ofCgroup(samples, id)].filter(([series]) => pattern.test(series));

const KUBEPODS = '/kubepods.slice/kubepods-burstable.slice';
const POD = `${KUBEPODS}/kubepods-burstable-pod11111111_2222_3333_4444_555555555555.slice`;

test('report cg-iostat-joined: numbers belong to the last device of a line', async () => {
  const { samples, results } = await report('cg-iostat-joined');
  assert.deepEqual(
    results.flatMap(({ errors }) => errors),
    [],
  );
  const reads = (letter: string) =>
    seriesOf(samples, `${POD}/cri-containerd-${letter.repeat(64)}.scope`, /^container_fs_reads_bytes_total/);
  assert.deepEqual(reads('a'), [['container_fs_reads_bytes_total{device="/dev/sda"}', 3_387_392]]);
  assert.deepEqual(reads('b'), [
    ['container_fs_reads_bytes_total{device="/dev/sda"}', 1],
    ['container_fs_reads_bytes_total{device="/dev/sdb"}', 2],
  ]);
});

test('report cg-rootless: the pod of rootless kind is found eight levels down', async () => {
  const { samples, results } = await report('cg-rootless');
  assert.equal(results.find(({ collector }) => collector === 'container')?.outcome, 'ok');
  const ids = new Set([...samples.keys()].map((series) => /id="([^"]*)"/.exec(series)?.[1]));
  assert.ok([...ids].some((id) => id?.endsWith(`cri-containerd-${'a'.repeat(64)}.scope`)));
});

for (const [name, cores] of [
  ['s390x', 4],
  ['armv6', 1],
] as const) {
  test(`report ${name}: machine_cpu_cores ${cores}`, async () => {
    const { samples } = await report(name);
    const found = [...samples].filter(([series]) => series.startsWith('machine_cpu_cores'));
    assert.deepEqual(
      found.map(([, value]) => value),
      [cores],
    );
  });
}

/** cpuinfo and the CPU lines of stat on several architectures. */
const CPUINFO: Readonly<Record<string, readonly [cpuinfo: string, stat: string, cores: number | undefined]>> = {
  POWER: ['processor\t: 0\ncpu\t\t: POWER9\n\nprocessor\t: 4\ncpu\t\t: POWER9\n\ntimebase\t: 512000000\n', '', 2],
  'MIPS, one CPU offline': ['system type : x\nprocessor\t\t: 0\n\nprocessor\t\t: 2\n', '', 2],
  sparc64: ['cpu\t\t: UltraSparc\nncpus probed\t: 2\n', 'cpu  1 2 3 4\ncpu0 1 2 3 4\ncpu1 1 2 3 4\n', 2],
  'an empty file': ['', 'cpu  1 2 3 4\ncpu0 1 2 3 4\ncpu1 1 2 3 4\ncpu2 1 2 3 4\n', 3],
  'NUL bytes': ['\0'.repeat(64), 'cpu  1 2 3 4\ncpu0 1 2 3 4\n', 1],
  'nothing anywhere': ['', '', undefined],
};

for (const [name, [cpuinfo, stat, cores]] of Object.entries(CPUINFO)) {
  test(`CPUs are counted, never invented: ${name}`, async (context) => {
    const node = new V2Node(context);
    node.write('proc/cpuinfo', cpuinfo);
    node.write('proc/stat', stat);
    const { samples, results } = await containerCycles(node.paths, { families: 'kubelet' })();
    const of = (family: string) => [...samples].find(([series]) => series.startsWith(`${family}{`))?.[1];
    assert.equal(of('machine_cpu_cores'), cores);
    if (!cpuinfo.includes('core id')) assert.equal(of('machine_cpu_physical_cores'), undefined);
    const { errors = [] } = results.find(({ collector }) => collector === 'machine') ?? {};
    assert.deepEqual(
      errors.filter(({ message }) => message.startsWith('CPUs: ')).map(({ message }) => /list no CPU/.test(message)),
      cores === undefined ? [true] : [],
    );
    const isDamaged = !/[^\0]/.test(cpuinfo);
    assert.equal(errors.filter(({ message }) => /cpuinfo: the file /.test(message)).length, isDamaged ? 1 : 0);
  });
}

/** A pod's cgroup with one file, or one line, that no kernel produces: families that may be missing, the error. */
const ODD: readonly {
  readonly files?: Readonly<Record<string, string>>;
  readonly host?: readonly [path: string, text: string];
  readonly gone: RegExp;
  readonly error: RegExp;
}[] = [
  { files: { 'cpu.stat': '' }, gone: /^container_cpu_/, error: /cpu\.stat:1: expected keys/ },
  { files: { 'cpu.stat': 'usage_usec 1\nuser_usec x\n' }, gone: /_cpu_/, error: /cpu\.stat:2: .*"x"/ },
  { files: { 'memory.stat': '\0\0\0\0' }, gone: /_memory_(?!usage|swap|max)/, error: /memory\.stat:1: expected keys/ },
  {
    files: { 'memory.stat': 'file 1\ninactive_file 1\n' },
    gone: /_rss|_kernel|_mapped|_active|_failures/,
    error: /expected a line anon/,
  },
  { files: { 'memory.current': '' }, gone: /_(usage|working_set)_bytes/, error: /memory\.current:1: .*found ""/ },
  { files: { 'memory.current': '9'.repeat(400) }, gone: /_(usage|working_set)_bytes/, error: /memory\.current:1/ },
  { files: { 'memory.events': 'max 0\noom_kill -1\n' }, gone: /_oom_/, error: /memory\.events:2: .*"-1"/ },
  { files: { 'memory.max': 'plenty' }, gone: /_limit_bytes/, error: /memory\.max:1: .*"plenty"/ },
  { files: { 'cpu.max': '1' }, gone: /_spec_cpu_/, error: /cpu\.max:1/ },
  { files: { 'io.stat': 'what is this\n259:0 rbytes=1\n' }, gone: /nothing/, error: /io\.stat:1: .*a device like/ },
  { files: { 'memory.swap.current': '-1\n' }, gone: /_swap/, error: /memory\.swap\.current:1/ },
  { files: { 'memory.pressure': 'some total=x\n' }, gone: /_memory_(waiting|stalled)/, error: /memory\.pressure:1/ },
  { host: ['proc/1/net/dev', `${NET_DEV_HEAD} eth0: 1 2\n`], gone: /nothing/, error: /network: .*dev:3/ },
  { host: ['proc/diskstats', ' 8 0 sda x\n 259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11\n'], gone: /nothing/, error: /disks/ },
];

for (const { files = {}, host, gone, error } of ODD) {
  const [name, text] = host ?? Object.entries(files)[0] ?? [];
  test(`one malformed file or line loses only its own values: ${name} ${JSON.stringify(text).slice(0, 40)}`, async (context) => {
    const { node, exposed } = scene(context);
    node.write('proc/mounts', '');
    node.makeCgroup(CONTAINER, files, 'app');
    if (host) node.write(...host);
    const { samples, results } = await containerCycles(node.paths, { families: 'kubelet' })();
    const [{ errors = [] } = {}] = results;
    assert.match(errors.map(({ message }) => message).join('\n'), error);
    const now = new Set(ofCgroup(samples, CONTAINER).keys());
    const vanished = (await exposed()).filter((series) => !now.has(series) && !gone.test(series));
    assert.deepEqual(vanished, []);
  });
}

const CONTAINER = `/kubepods/pod3307863b-88df-4b68-8327-ce4f0045f372/${'a'.repeat(64)}`;

/** A node, and the samples of its container with valid files. */
function scene(context: TestContext) {
  const healthy = new V2Node(context);
  healthy.makeCgroup(CONTAINER.slice(0, CONTAINER.lastIndexOf('/')));
  healthy.makeCgroup(CONTAINER, {}, 'app');
  const node = new V2Node(context);
  node.makeCgroup(CONTAINER.slice(0, CONTAINER.lastIndexOf('/')));
  const exposed = async () => {
    const { samples } = await containerCycles(healthy.paths, { families: 'kubelet' })();
    return [...ofCgroup(samples, CONTAINER).keys()];
  };
  return { node, exposed };
}

test('a malformed line of diskstats loses the name of its device, and is reported once per cycle', async (context) => {
  const node = new V2Node(context);
  const disk = (start: string) => `${start} 1 2 3 4 5 6 7 8 9 10 11\n`;
  node.write('proc/diskstats', disk(' 8 x sda') + disk(' 8 16 sdb').replace('11', 'x') + disk(' 8 32 sdb'));
  const io = ['8:0', '8:16', '8:32'].map((device) => `${device} rbytes=1 wbytes=2 rios=3 wios=4\n`).join('');
  node.makeCgroup('/kubepods', { 'io.stat': io });
  const cycle = containerCycles(node.paths);
  for (let number = 0; number < 2; number++) {
    const { samples, results } = await cycle();
    const devices = [...ofCgroup(samples, '/kubepods').keys()].filter((name) =>
      name.startsWith('container_fs_reads_t'),
    );
    assert.deepEqual(devices, ['container_fs_reads_total{device="/dev/sdb"}']);
    assert.deepEqual(
      results[0]?.errors.map(({ message }) => message.replace(node.root, '')),
      ['names of block devices: /proc/diskstats:1: expected the numbers and the name of a device'],
    );
  }
});

test('a missing or malformed meminfo loses only its values, not the collector', async (context) => {
  for (const [text, reason] of [
    ['', /meminfo: the file is empty/],
    ['MemTotal: many kB\n', /meminfo:1: expected a number, found "many"/],
    [`MemTotal: ${'9'.repeat(400)} kB\nSwapTotal: 1 kB\n`, /meminfo:1: expected a number, found "9999/],
    ['SwapTotal: 1 kB\n', /meminfo: expected a line MemTotal/],
  ] as const) {
    const node = new V2Node(context);
    node.write('proc/meminfo', text);
    const { samples, results } = await containerCycles(node.paths, {})();
    assert.ok(ofCgroup(samples, '/kubepods').size > 0);
    assert.deepEqual(
      [...samples.keys()].filter((series) => series.startsWith('machine_memory_bytes')),
      [],
    );
    const { outcome, errors = [] } = results.find(({ collector }) => collector === 'machine') ?? {};
    assert.equal(outcome, 'partial');
    assert.match(errors.map(String).join(), reason);
    assert.equal(errors.length, 1);
  }
});

test('cgroups whose names are not UTF-8 are found, and shown by their bytes', async (context) => {
  const node = new V2Node(context);
  node.makeCgroup('/system.slice/a.service');
  const name = Buffer.concat([
    Buffer.from(`${node.paths.cgroup}/system.slice/caf`),
    Buffer.of(0xe9),
    Buffer.from('.service'),
  ]);
  cpSync(`${node.paths.cgroup}/system.slice/a.service`, `${node.paths.cgroup}/system.slice/copy`, { recursive: true });
  renameSync(`${node.paths.cgroup}/system.slice/copy`, name);
  const { samples, results } = await containerCycles(node.paths, { slices: ['/system.slice/*'] })();
  const [{ errors = [] } = {}] = results;
  assert.deepEqual(errors, []);
  const id = '/system.slice/caf\\\\xe9.service';
  assert.equal(ofCgroup(samples, id).size, ofCgroup(samples, '/system.slice/a.service').size);
  assert.ok(ofCgroup(samples, id).has('container_start_time_seconds{}'));
});
