import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { containerFamilies } from '../../../src/collectors/container/families.ts';
import { machineFamilies } from '../../../src/collectors/container/machine.ts';
import { nameOf } from '../../kit/samples.ts';
import { containerCycles, namesOf, recordedNode } from './kit.ts';

// The kubelet's /metrics/cadvisor of two real nodes, and the kernel's files from the same half minute.

interface Exception {
  readonly series: RegExp;
  readonly version?: 1 | 2;
  readonly reason: string;
  /** Where the kernel has the value instead: a file, in which ID is the id of the series, and a key in it. */
  readonly source?: readonly [file: string, key: string];
}

/** Series of the kubelet that do not come from the recorded files. */
const NOT_TOLD: readonly Exception[] = [
  { version: 1, series: /[{,]id="\/"/, reason: 'the files of the root cgroup of v1 are not recorded' },
  { series: /id="\/system.slice\/kubelet.service"/, reason: "the kubelet's own cgroup is not recorded" },
  { series: /^container_(network_|ulimits_).*id="\/"/, reason: 'process 1 is not recorded' },
  { series: /^container_(file_descriptors|sockets)\{/, reason: '/proc/<pid>/fd is not recorded' },
  {
    series: /^container_fs_(?!(reads|writes)(_bytes)?_total).*id="\/"/,
    reason: 'the mounts of the machine are not recorded, and its file systems no longer exist',
  },
  {
    series: /^container_fs_(reads|writes)_total\{device="(?!\/dev\/vda").*id="\/"/,
    reason: 'these file systems have no disk, the kubelet reports 0',
  },
  {
    version: 2,
    series: /^container_(memory_failcnt|memory_max_usage_bytes|oom_events_total)\{id="\/"/,
    reason: 'the root cgroup of v2 has no such file, the kubelet reports 0',
  },
];

/** Values that differ by more than their change over time. */
const OTHER_VALUES: readonly Exception[] = [
  { series: /^container_start_time_seconds/, reason: 'the time of a folder, which is lost in a copy' },
  { series: /^container_last_seen/, reason: 'the time of the cycle' },
  {
    version: 2,
    series: /^container_oom_events_total/,
    reason: 'the kubelet read its log and matched nothing; the kernel counts',
    source: ['ID/memory.events', 'oom_kill'],
  },
  {
    version: 2,
    series: /^container_memory_failcnt/,
    reason: 'the kubelet reports 0, the kernel counts in memory.events',
    source: ['ID/memory.events', 'max'],
  },
  {
    version: 2,
    series: /^container_memory_kernel_usage/,
    reason: 'the kubelet reports 0, the kernel has it in memory.stat',
    source: ['ID/memory.stat', 'kernel'],
  },
];

/** Change of counters and gauges between the kubelet's read, up to 30 s earlier or later, and the recorder's. */
const MOVES: readonly { readonly series: RegExp; readonly relative: number; readonly absolute: number }[] = [
  { series: /^container_cpu_(usage|user|system)_seconds/, relative: 0.08, absolute: 0.2 },
  { series: /^container_cpu_cfs_(periods|throttled)/, relative: 0.08, absolute: 30 },
  { series: /^container_pressure_/, relative: 0.08, absolute: 2 },
  { series: /^container_memory_failcnt/, relative: 0, absolute: 0 },
  { series: /^container_memory_failures_total/, relative: 0.08, absolute: 500 },
  { series: /^container_memory_/, relative: 0, absolute: 512 * 1024 },
  { series: /^container_network_.*_bytes/, relative: 0.25, absolute: 200 },
  { series: /^container_network_.*_packets/, relative: 0.25, absolute: 2 },
  { series: /^container_(fs_writes|blkio)/, relative: 0.05, absolute: 0 },
  { series: /^container_(threads|processes)\{/, relative: 0, absolute: 1 },
];

const used = new Set<Exception>();

function exceptionFor(exceptions: readonly Exception[], version: 1 | 2, series: string): Exception | undefined {
  const exception = exceptions.find((one) => (one.version ?? version) === version && one.series.test(series));
  if (exception) used.add(exception);
  return exception;
}

/** The value of a series in the recorded file of its exception; undefined if that names none. */
function recordedValue(cgroups: string, series: string, { source }: Exception): number | undefined {
  if (source === undefined) return undefined;
  const [file, key] = source;
  const [, id = ''] = /[{,]id="([^"]*)"/.exec(series) ?? [];
  const text = readFileSync(join(cgroups, file.replace('ID', id)), 'utf8');
  return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1]);
}

/** Families whose values never changed: they must be exactly equal. */
const isClose = (series: string, ours: number, theirs: number) => {
  if (ours === theirs) return true;
  const moves = MOVES.find((one) => one.series.test(series));
  return moves !== undefined && Math.abs(ours - theirs) <= Math.max(moves.absolute, moves.relative * Math.abs(theirs));
};

const claimed = new Set(
  [containerFamilies, machineFamilies].flatMap(({ common, rest }) => [...common, ...rest].map(({ name }) => name)),
);

for (const version of [1, 2] as const) {
  test(`series and values of a node with cgroup v${version} are those of its kubelet`, async () => {
    const { paths, pods, cadvisor } = recordedNode(version);
    const options = { families: 'kubelet', sandboxImage: 'localhost/pause:1' };
    const cycle = containerCycles(paths, options, await namesOf(pods));
    // The recorded pause image runs sleep, so that its containers are known as sandboxes only after two cycles.
    await cycle();
    await cycle();
    const { samples, results } = await cycle();
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['ok', 'ok'],
    );
    const wanted = [...cadvisor].filter(([series]) => claimed.has(nameOf(series)));
    const missing = wanted.filter(([series]) => !samples.has(series) && !exceptionFor(NOT_TOLD, version, series));
    assert.deepEqual(missing, []);
    const extra = [...samples].filter(([series]) => !cadvisor.has(series));
    assert.deepEqual(extra, []);
    const different = wanted
      .map(([series, theirs]) => ({ series, theirs, ours: samples.get(series) }))
      .filter(({ series, ours, theirs }) => ours !== undefined && !isClose(series, ours, theirs))
      .filter(({ series, ours }) => {
        const exception = exceptionFor(OTHER_VALUES, version, series);
        return !exception || (exception.source && ours !== recordedValue(paths.cgroup, series, exception));
      });
    assert.deepEqual(different, []);
    assert.ok(samples.size > 1000, `${samples.size} series`);
  });
}

test('nothing that a kubelet reports of containers and of the machine is missing', () => {
  const exposed = [1, 2].flatMap((version) => [...recordedNode(version as 1 | 2).cadvisor.keys()].map(nameOf));
  assert.deepEqual([...new Set(exposed)].filter((name) => !claimed.has(name)).sort(), []);
});

test('every exception is needed', () => {
  const needless = [...NOT_TOLD, ...OTHER_VALUES].filter((exception) => !used.has(exception));
  assert.deepEqual(needless, []);
});

test('without families: kubelet only families that dashboards query are exposed, for the same cgroups', async () => {
  const { paths, pods } = recordedNode(2);
  const cycle = containerCycles(paths, {}, await namesOf(pods));
  await cycle();
  await cycle();
  const { samples } = await cycle();
  const common = new Set([...containerFamilies.common, ...machineFamilies.common].map(({ name }) => name));
  assert.deepEqual(
    [...samples.keys()].map(nameOf).filter((name) => !common.has(name)),
    [],
  );
  const ids = new Set([...samples.keys()].map((series) => /id="([^"]+)"/.exec(series)?.[1]));
  assert.equal([...ids].filter((id) => id?.startsWith('/')).length, 24);
});
