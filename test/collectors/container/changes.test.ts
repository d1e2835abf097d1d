import assert from 'node:assert/strict';
import { closeSync, cpSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sharesOfWeight } from '../../../src/collectors/container/cgroup-v2.ts';
import { containerProducers, containerSection } from '../../../src/collectors/container/index.ts';
import { Host } from '../../../src/host/host.ts';
import type { HostPaths } from '../../../src/host/paths.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { hostTree } from '../../kit/host-tree.ts';
import { inotifyFaults, NO_FAULTS } from '../../kit/inotify-faults.ts';
import { nameOf } from '../../kit/samples.ts';
import { containerCycles, ofCgroup, V2Node } from './kit.ts';

const faults = inotifyFaults();

const CLASS = '/kubepods/burstable';
const POD = `${CLASS}/pod3307863b-88df-4b68-8327-ce4f0045f372`;
const CONTAINER = `${POD}/${'a'.repeat(64)}`;
const SERVICE = '/system.slice/kubelet.service';
const IDS = ['/kubepods', CLASS, POD, CONTAINER, SERVICE];
const OPTIONS = { families: 'kubelet', slices: [SERVICE] };

/** By version and path of the file, with `ID` for that of the cgroup: its text for a value, the series, and what it shows. */
const FILES: Readonly<
  Record<1 | 2, readonly (readonly [string, (value: number) => string, string, ((value: number) => number)?])[]>
> = {
  1: [
    ['cpuID/cpu.cfs_period_us', String, 'container_spec_cpu_period{}'],
    ['cpuID/cpu.cfs_quota_us', String, 'container_spec_cpu_quota{}'],
    ['cpuID/cpu.shares', String, 'container_spec_cpu_shares{}'],
    ['memoryID/memory.limit_in_bytes', String, 'container_spec_memory_limit_bytes{}'],
    ['memoryID/memory.memsw.limit_in_bytes', String, 'container_spec_memory_swap_limit_bytes{}'],
    ['memoryID/memory.soft_limit_in_bytes', String, 'container_spec_memory_reservation_limit_bytes{}'],
    ['pidsID/pids.max', String, 'container_threads_max{}'],
  ],
  2: [
    ['ID/cpu.max', (value) => `${value} 100000`, 'container_spec_cpu_quota{}'],
    ['ID/cpu.max', (value) => `max ${value}`, 'container_spec_cpu_period{}'],
    ['ID/cpu.weight', String, 'container_spec_cpu_shares{}', (value) => sharesOfWeight(String(value))],
    ['ID/memory.max', String, 'container_spec_memory_limit_bytes{}'],
    ['ID/memory.swap.max', String, 'container_spec_memory_swap_limit_bytes{}'],
    ['ID/memory.min', String, 'container_spec_memory_reservation_limit_bytes{}'],
    ['ID/pids.max', String, 'container_threads_max{}'],
  ],
};

function pathsOf(context: TestContext, version: 1 | 2): HostPaths {
  if (version === 1) {
    const usual = {
      'cpuacctID/cpuacct.usage': '1000000000\n',
      'memoryID/memory.stat': 'total_rss 4000\ntotal_cache 1\ntotal_inactive_file 1\n',
      'memoryID/memory.usage_in_bytes': '9000\n',
      'blkioID/blkio.throttle.io_serviced': '',
      ...Object.fromEntries(FILES[1].map(([path]) => [path, '100\n'])),
    };
    return hostTree(context, {
      'proc/meminfo': 'MemTotal: 4000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n',
      'proc/cpuinfo': 'processor : 0\n',
      ...Object.fromEntries(
        ['', ...IDS].flatMap((id) =>
          Object.entries(usual).map(([path, text]) => [`sys/fs/cgroup/${path.replace('ID', id)}`, text]),
        ),
      ),
    });
  }
  const node = new V2Node(context);
  for (const id of IDS) {
    node.makeCgroup(id, Object.fromEntries(FILES[2].map(([path]) => [path.replace('ID/', ''), '100 100000\n'])));
    for (const file of ['cpu.weight', 'memory.max', 'memory.swap.max', 'memory.min', 'pids.max']) {
      node.write(`sys/fs/cgroup${id}/${file}`, '100\n');
    }
  }
  return node.paths;
}

/** More events than the queue holds, in a watched folder. */
function overflow(paths: HostPaths, file: string): void {
  // Equal events in a row are merged.
  const fds = [file, `${file}.other`].map((path) => openSync(join(paths.cgroup, path), 'w'));
  for (let round = 0; round < 20_000; round++) for (const fd of fds) writeSync(fd, '100\n', 0);
  for (const fd of fds) closeSync(fd);
}

/** What the kernel's inotify may do. */
const SITUATIONS: Readonly<Record<string, Partial<typeof NO_FAULTS>>> = {
  'as it should': {},
  'without an instance': { refusesAll: true },
  'without any watch': { refuses: () => true },
  'without watches of containers': { refuses: (folder) => folder.endsWith('a'.repeat(64)) },
  'without watches of the folders above': { refuses: (folder) => /\/(?:burstable|system\.slice)$/.test(folder) },
};

for (const version of [1, 2] as const) {
  for (const [situation, changed] of Object.entries(SITUATIONS)) {
    test(`v${version}: each change of a limit is seen in the next cycle, inotify working ${situation}`, async (context) => {
      Object.assign(faults, NO_FAULTS, changed);
      const paths = pathsOf(context, version);
      const cycle = containerCycles(paths, OPTIONS);
      for (let count = 0; count < 4; count++) await cycle();
      let value = 2000;
      for (const [path, text, series, shown = Number] of FILES[version]) {
        for (const id of IDS) {
          value++;
          writeFileSync(join(paths.cgroup, path.replace('ID', id)), `${text(value)}\n`);
          const { samples } = await cycle();
          assert.equal(ofCgroup(samples, id).get(series), shown(value), `${path} of ${id}`);
        }
      }
    });
  }

  test(`v${version}: more changes than the kernel reports are seen in the next cycle`, async (context) => {
    Object.assign(faults, NO_FAULTS);
    const paths = pathsOf(context, version);
    const cycle = containerCycles(paths, OPTIONS);
    for (let count = 0; count < 3; count++) await cycle();
    const [[path = '', text, series] = []] = FILES[version].filter(([, , series]) => series.includes('threads_max'));
    for (let round = 0; round < 2; round++) {
      overflow(paths, path.replace('ID', POD));
      writeFileSync(join(paths.cgroup, path.replace('ID', CONTAINER)), `${text?.(4000 + round)}\n`);
      for (let count = 0; count < 2; count++) {
        assert.equal(ofCgroup((await cycle()).samples, CONTAINER).get(series ?? ''), 4000 + round);
      }
    }
  });
}

test('the limits of controllers that are enabled and disabled later, of whose files the kernel reports nothing', async (context) => {
  // Writes to files and nothing else.
  const IN_MODIFY = 0x2;
  const IN_ONLYDIR = 0x01000000;
  Object.assign(faults, NO_FAULTS, { reported: IN_MODIFY | IN_ONLYDIR });
  const node = new V2Node(context);
  for (const id of IDS)
    node.makeCgroup(id, { 'pids.max': '5\n', 'io.stat': '259:0 rbytes=1 wbytes=2 rios=3 wios=4\n' });
  const cycle = containerCycles(node.paths, OPTIONS);
  const shown = async () => {
    const names = new Set([...ofCgroup((await cycle()).samples, CONTAINER).keys()].map(nameOf));
    return ['container_threads_max', 'container_fs_reads_total'].map((name) => names.has(name));
  };
  for (let count = 0; count < 4; count++) assert.deepEqual(await shown(), [true, true]);
  node.remove(`${CONTAINER}/pids.max`);
  node.remove(`${CONTAINER}/io.stat`);
  node.write(`sys/fs/cgroup${POD}/cgroup.subtree_control`, '-io -pids\n');
  // A container that loses files may be ending.
  assert.deepEqual(await shown(), [true, true]);
  for (let count = 0; count < 4; count++) assert.deepEqual(await shown(), [false, false]);
  node.write(`sys/fs/cgroup${CONTAINER}/pids.max`, '7\n');
  node.write(`sys/fs/cgroup${CONTAINER}/io.stat`, '259:0 rbytes=1 wbytes=2 rios=3 wios=4\n');
  node.write(`sys/fs/cgroup${POD}/cgroup.subtree_control`, '+io +pids\n');
  assert.deepEqual(await shown(), [true, true]);
});

test('a cgroup below a folder that was replaced, which is no cgroup that is reported', async (context) => {
  Object.assign(faults, NO_FAULTS);
  const node = new V2Node(context);
  node.makeCgroup(SERVICE);
  const cycle = containerCycles(node.paths, OPTIONS);
  for (let count = 0; count < 3; count++) await cycle();
  renameSync(join(node.paths.cgroup, 'system.slice'), join(node.root, 'removed'));
  node.makeCgroup(SERVICE, { 'memory.max': '5\n' });
  const { samples } = await cycle();
  assert.equal(ofCgroup(samples, SERVICE).get('container_spec_memory_limit_bytes{}'), 5);
});

test('a limit that could not be read is read again, and the memory of the machine is that of now', async (context) => {
  Object.assign(faults, NO_FAULTS);
  const node = new V2Node(context);
  for (const id of IDS) node.makeCgroup(id, {}, 'app');
  const cycle = containerCycles(node.paths, OPTIONS);
  for (let count = 0; count < 3; count++) await cycle();
  node.write(`sys/fs/cgroup${CONTAINER}/memory.max`, 'many\n');
  for (let count = 0; count < 3; count++)
    assert.match((await cycle()).results[0]?.errors[0]?.message ?? '', /memory\.max/);
  node.write(`sys/fs/cgroup${CONTAINER}/memory.max`, '5\n');
  node.write('proc/meminfo', 'MemTotal: 5000 kB\nSwapTotal: 100 kB\nSwapFree: 40 kB\n');
  const { samples } = await cycle();
  assert.equal(ofCgroup(samples, CONTAINER).get('container_spec_memory_limit_bytes{}'), 5);
  assert.equal(ofCgroup(samples, '/').get('container_spec_memory_limit_bytes{}'), 5_120_000);
});

/** Collects, and returns the memory limit of the container. */
function limitOf({ paths }: V2Node): (signal: AbortSignal) => Promise<number | undefined> {
  const section = containerSection.parse(OPTIONS);
  const [producer] = containerProducers({ host: new Host(paths), now: Date.now }, section);
  return async (signal) => {
    const out = new Snapshot();
    await producer?.collect(out, signal);
    return out.values[
      out.keys.findIndex((key) => nameOf(key) === 'container_spec_memory_limit_bytes' && key.includes(CONTAINER))
    ];
  };
}

test('a change in a cycle that was given up is seen in the next one', async (context) => {
  Object.assign(faults, NO_FAULTS);
  const node = new V2Node(context);
  for (const id of IDS) node.makeCgroup(id);
  const limit = limitOf(node);
  for (let count = 0; count < 3; count++) assert.equal(await limit(AbortSignal.timeout(60_000)), 0);
  node.write(`sys/fs/cgroup${CONTAINER}/memory.max`, '5\n');
  // It is given up once its slice of the event loop is used up.
  const begun = performance.now();
  while (performance.now() - begun < 10);
  await assert.rejects(limit(AbortSignal.abort(new Error('given up'))), /given up/);
  assert.equal(await limit(AbortSignal.timeout(60_000)), 5);
});

/** The watches of each inotify instance of this process. */
const watches = (): number[] =>
  readdirSync('/proc/self/fdinfo')
    .map((fd) => {
      try {
        return readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1').match(/^inotify wd:/gm)?.length ?? 0;
      } catch {
        // That of the list itself.
        return 0;
      }
    })
    .filter((count) => count > 0);

const total = () => watches().reduce((sum, count) => sum + count, 0);

test('watches of removed and of recreated cgroups end', async (context) => {
  Object.assign(faults, NO_FAULTS);
  const node = new V2Node(context);
  for (const id of IDS) node.makeCgroup(id);
  const cycle = containerCycles(node.paths, OPTIONS);
  const before = total();
  for (let count = 0; count < 3; count++) await cycle();
  // And of the root, and of system.slice, which is above a cgroup.
  assert.equal(total() - before, IDS.length + 2);
  for (let round = 0; round < 3; round++) {
    for (const id of [CONTAINER, SERVICE, POD]) {
      // Moved away, an inode lives on, like that of a cgroup while it is watched.
      renameSync(join(node.paths.cgroup, id), join(node.root, `removed-${round}-${id.replaceAll('/', '-')}`));
    }
    for (let count = 0; count < 2; count++) await cycle();
    assert.equal(total() - before, IDS.length - 2);
    for (const id of IDS) node.makeCgroup(id);
    await cycle();
    assert.equal(total() - before, IDS.length + 2);
  }
});

test('all watches end some time after the last cycle; a later cycle sees what has changed', async (context) => {
  Object.assign(faults, NO_FAULTS);
  const node = new V2Node(context);
  for (const id of IDS) node.makeCgroup(id);
  const before = watches().length;
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const collected = limitOf(node);
  const limit = () => collected(new AbortController().signal);
  for (let count = 0; count < 3; count++) assert.equal(await limit(), 0);
  assert.equal(watches().length, before + 1);
  context.mock.timers.tick(300_000);
  assert.equal(watches().length, before);
  node.write(`sys/fs/cgroup${CONTAINER}/memory.max`, '5\n');
  assert.equal(await limit(), 5);
  assert.equal(watches().length, before + 1);
});

/** Counts how often a folder is listed. */
class ListingHost extends Host {
  readonly listed = new Map<string, number>();

  override listIfExists(path: string): string[] {
    this.listed.set(path, (this.listed.get(path) ?? 0) + 1);
    return super.listIfExists(path);
  }
}

test('a pod with folders that are no containers, as with CRI-O, is listed only when one has changed', async (context) => {
  Object.assign(faults, NO_FAULTS);
  const node = new V2Node(context);
  for (const id of [...IDS, `${POD}/crio-conmon-1.scope`]) node.makeCgroup(id);
  const host = new ListingHost(node.paths);
  const [producer] = containerProducers({ host, now: Date.now }, containerSection.parse(OPTIONS));
  const listings = async () => {
    await producer?.collect(new Snapshot(), AbortSignal.timeout(60_000));
    return host.listed.get(`${node.paths.cgroup}${POD}`) ?? 0;
  };
  for (let count = 0; count < 3; count++) await listings();
  const before = await listings();
  assert.equal(await listings(), before);
  node.remove(`${POD}/crio-conmon-1.scope`);
  node.makeCgroup(`${POD}/crio-conmon-2.scope`);
  assert.equal(await listings(), before + 1);
  assert.equal(await listings(), before + 1);
});
test('v1: a cgroup that is renamed while another is created keeps its watch', async (context) => {
  Object.assign(faults, NO_FAULTS);
  const paths = pathsOf(context, 1);
  const cycle = containerCycles(paths, OPTIONS);
  for (let count = 0; count < 3; count++) await cycle();
  const [renamed, created] = ['b', 'c'].map((letter) => `${POD}/${letter.repeat(64)}`) as [string, string];
  for (const tree of readdirSync(paths.cgroup)) {
    renameSync(join(paths.cgroup, tree + CONTAINER), join(paths.cgroup, tree + renamed));
    cpSync(join(paths.cgroup, tree + renamed), join(paths.cgroup, tree + created), { recursive: true });
  }
  for (let count = 0; count < 3; count++) await cycle();
  writeFileSync(join(paths.cgroup, `cpu${renamed}/cpu.shares`), '777\n');
  assert.equal(ofCgroup((await cycle()).samples, renamed).get('container_spec_cpu_shares{}'), 777);
});
