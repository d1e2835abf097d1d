import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CgroupV2 } from '../../../src/collectors/container/cgroup-v2.ts';
import { processIds } from '../../../src/collectors/container/processes.ts';
import { Host } from '../../../src/host/host.ts';
import { DEFAULT_PATHS } from '../../../src/host/paths.ts';
import { cleanUp } from '../../kit/clean-up.ts';
import { containerCycles, namesOf, ofCgroup, podOf, V2Node } from './kit.ts';

// Real cgroups of this machine, with processes whose activity the samples must show. Everything is in separate trees and
// ends with the test.

const CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio'];
const ROOT = '/sys/fs/cgroup';
const NAME = `firesteel-test-${process.pid}`;
const UID = '3307863b-88df-4b68-8327-ce4f0045f372';
const POD = `/kubepods/burstable/pod${UID}`;
const MIB = 2 ** 20;

const idOf = (letter: string) => letter.repeat(64);
const wait = (milliseconds: number) => delay(milliseconds);

/** Processes in the cgroups; ended before these are removed. */
const running: ChildProcess[] = [];

async function endAll(): Promise<void> {
  for (const child of running.splice(0)) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    // The shell and its children, which are a separate process group.
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
}

/** Creates the trees for the test's cgroups, and a folder in which they look like those of a host. */
function makeTrees(context: TestContext): string | undefined {
  const trees = CONTROLLERS.map((controller) => join(ROOT, controller, NAME));
  if (process.getuid?.() !== 0) {
    context.skip('only root can create cgroups');
    return undefined;
  }
  try {
    for (const tree of trees) mkdirSync(tree);
  } catch (cause) {
    for (const tree of trees) if (existsSync(tree)) rmdirSync(tree);
    context.skip(`no cgroups of v1 can be created here: ${(cause as Error).message}`);
    return undefined;
  }
  const seen = mkdtempSync(join(tmpdir(), 'firesteel-cgroup-'));
  for (const controller of CONTROLLERS) symlinkSync(join(ROOT, controller, NAME), join(seen, controller));
  cleanUp(context, async () => {
    await endAll();
    rmSync(seen, { recursive: true });
    for (const tree of trees) await removeTree(tree);
  });
  return seen;
}

/** Removes cgroups from the leaves up; the kernel takes a moment after the last process has ended. */
async function removeTree(folder: string): Promise<void> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  }
  for (let attempt = 0; attempt < 600; attempt++) {
    try {
      rmdirSync(folder);
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EBUSY') throw cause;
      await wait(100);
    }
  }
  throw new Error(`${folder} is still busy`);
}

const makeCgroup = (seen: string, id: string, files: Readonly<Record<string, string>> = {}) => {
  for (const controller of CONTROLLERS) mkdirSync(join(seen, controller, id), { recursive: true });
  for (const [file, value] of Object.entries(files)) {
    const path = join(seen, file.slice(0, file.indexOf('.')), id, file);
    if (existsSync(path)) writeFileSync(path, value);
  }
};

/** Runs a shell script in a cgroup; the shell moves itself there first. */
function runIn(seen: string, id: string, script: string): ChildProcess {
  const join_ = CONTROLLERS.map((controller) => `echo $$ > ${join(seen, controller, id)}/cgroup.procs`).join('\n');
  const child = spawn('/bin/sh', ['-c', `set -e\n${join_}\n${script}`], { stdio: 'ignore', detached: true });
  running.push(child);
  return child;
}

const until = async (what: string, check: () => boolean) => {
  for (let attempt = 0; attempt < 1200; attempt++) {
    if (check()) return;
    await wait(50);
  }
  throw new Error(`${what} did not happen`);
};

/** CPU seconds of a process, in steps of 0.01. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

test('usage, throttling, working set and kills of real processes', { timeout: 120_000 }, async (context) => {
  const seen = makeTrees(context);
  if (seen === undefined) return;
  const [busy, hungry, doomed, sandbox] = ['a', 'b', 'c', 'd'].map((letter) => `${POD}/${idOf(letter)}`) as [
    string,
    string,
    string,
    string,
  ];
  makeCgroup(seen, POD);
  makeCgroup(seen, busy, { 'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '20000', 'cpu.shares': '512' });
  makeCgroup(seen, hungry, { 'memory.limit_in_bytes': String(64 * MIB) });
  makeCgroup(seen, doomed, {
    'memory.limit_in_bytes': String(8 * MIB),
    'memory.memsw.limit_in_bytes': String(8 * MIB),
  });
  makeCgroup(seen, sandbox);
  const paths = { ...DEFAULT_PATHS, cgroup: seen };
  const names = await namesOf([
    podOf('web', UID, {
      busy: `containerd://${idOf('a')}`,
      hungry: `containerd://${idOf('b')}`,
      doomed: `containerd://${idOf('c')}`,
    }),
  ]);
  const cycle = containerCycles(paths, { families: 'kubelet' }, names);
  const spinner = runIn(seen, busy, 'while :; do :; done');
  runIn(seen, hungry, `(head -c ${20 * MIB} /dev/zero; sleep 60) | tail -c ${20 * MIB}`);
  const victim = runIn(seen, doomed, `head -c ${64 * MIB} /dev/zero | tail -c ${64 * MIB} | wc -c; sleep 60`);
  runIn(seen, sandbox, 'exec sleep 60');
  const usageOf = (id: string) => Number(readFileSync(join(seen, 'memory', id, 'memory.usage_in_bytes'), 'utf8'));
  const killsIn = (id: string) =>
    Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(seen, 'memory', id, 'memory.oom_control'), 'utf8'))?.[1]);
  await until('the use of 20 MiB', () => usageOf(hungry) > 20 * MIB);
  await until('an OOM kill', () => killsIn(doomed) > 0);
  // The values of a cycle are between those read before and after it, however busy the machine is.
  const witnessed = async () => {
    const earliest = witness();
    return { ...(await cycle()), earliest, latest: witness() };
  };
  const witness = () => {
    const stat = readFileSync(join(seen, 'cpu', busy, 'cpu.stat'), 'utf8');
    const [throttled = 0, throttledTime = 0] = ['nr_throttled', 'throttled_time'].map((key) =>
      Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(stat)?.[1]),
    );
    return { at: performance.now() / 1000, cpu: cpuSeconds(spinner.pid ?? 0), throttled, throttledTime };
  };
  const before = await witnessed();
  await until('to be throttled ten times', () => witness().throttled >= before.latest.throttled + 10);
  const after = await witnessed();
  assert.deepEqual(after.results[0]?.errors, []);
  /** Minimum and maximum growth of a value between the two cycles. */
  const grown = (key: keyof ReturnType<typeof witness>) =>
    [after.earliest[key] - before.latest[key], after.latest[key] - before.earliest[key]] as const;
  const isWithin = (value: number, [least, most]: readonly [number, number], slack: number) =>
    value >= least - slack && value <= most + slack;

  const moved = (id: string, series: string) =>
    (ofCgroup(after.samples, id).get(series) ?? Number.NaN) - (ofCgroup(before.samples, id).get(series) ?? Number.NaN);
  const usage = moved(busy, 'container_cpu_usage_seconds_total{cpu="total"}');
  const [, seconds] = grown('at');
  assert.ok(isWithin(usage, grown('cpu'), 0.03), `CPU: ${usage} exposed, ${grown('cpu')} by the process itself`);
  assert.ok(usage < seconds * 0.2 + 0.06, `CPU: ${usage} exposed in ${seconds} s, a fifth of a CPU allowed`);
  const periods = moved(busy, 'container_cpu_cfs_periods_total{}');
  const throttled = moved(busy, 'container_cpu_cfs_throttled_periods_total{}');
  assert.ok(periods <= seconds * 10 + 2, `${periods} periods in ${seconds} s`);
  assert.ok(throttled >= 10 && throttled <= periods, `${throttled} of ${periods} periods throttled`);
  assert.ok(isWithin(throttled, grown('throttled'), 0), `${throttled} throttled, ${grown('throttled')}`);
  const waited = moved(busy, 'container_cpu_cfs_throttled_seconds_total{}') * 1e9;
  assert.ok(waited > 0 && isWithin(waited, grown('throttledTime'), 1), `${waited} ns, ${grown('throttledTime')}`);

  const exposed = ofCgroup(after.samples, hungry);
  const workingSet = exposed.get('container_memory_working_set_bytes{}') ?? 0;
  assert.ok(workingSet > 20 * MIB && workingSet < 26 * MIB, `working set ${workingSet / MIB} MiB of 20`);
  assert.equal(exposed.get('container_spec_memory_limit_bytes{}'), 64 * MIB);
  assert.equal(exposed.get('container_oom_events_total{}'), 0);
  const pids = readFileSync(join(seen, 'cpu', hungry, 'cgroup.procs'), 'utf8')
    .trim()
    .split('\n');
  assert.equal(exposed.get('container_processes{}'), pids.length);
  const open = pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
  assert.equal(exposed.get('container_file_descriptors{}'), open);

  assert.equal(ofCgroup(after.samples, doomed).get('container_oom_events_total{}'), killsIn(doomed));
  assert.ok((ofCgroup(after.samples, doomed).get('container_memory_max_usage_bytes{}') ?? 0) <= 8 * MIB);
  const { 'container_spec_cpu_quota{}': quota, 'container_spec_cpu_shares{}': shares } = Object.fromEntries(
    ofCgroup(after.samples, busy),
  );
  assert.deepEqual([quota, shares], [20_000, 512]);
  assert.ok(moved(POD, 'container_cpu_usage_seconds_total{cpu="total"}') >= usage - 0.01, 'a pod has the sum of all');

  // The cgroup of the victim vanishes with its last process: it is exposed once more, then no longer.
  if (victim.pid !== undefined) process.kill(-victim.pid, 'SIGKILL');
  for (const controller of CONTROLLERS) await removeTree(join(seen, controller, doomed));
  assert.equal(
    ofCgroup((await cycle()).samples, doomed).get('container_oom_events_total{}'),
    killsBefore(after, doomed),
  );
  assert.equal(ofCgroup((await cycle()).samples, doomed).size, 0);
});

const killsBefore = ({ samples }: { samples: ReadonlyMap<string, number> }, id: string) =>
  ofCgroup(samples, id).get('container_oom_events_total{}');

/** By file: a limit, and the series that shows it. */
const LIMITS: Readonly<Record<string, readonly [value: number, series: string]>> = {
  'cpu.cfs_period_us': [50_000, 'container_spec_cpu_period{}'],
  'cpu.cfs_quota_us': [20_000, 'container_spec_cpu_quota{}'],
  'cpu.shares': [512, 'container_spec_cpu_shares{}'],
  'memory.limit_in_bytes': [64 * MIB, 'container_spec_memory_limit_bytes{}'],
  'memory.soft_limit_in_bytes': [32 * MIB, 'container_spec_memory_reservation_limit_bytes{}'],
  'pids.max': [77, 'container_threads_max{}'],
};

test('limits of real cgroups are seen in the next cycle, also of those that replace others of the same name', async (context) => {
  const seen = makeTrees(context);
  if (seen === undefined) return;
  const container = `${POD}/${idOf('a')}`;
  const service = '/system.slice/a.service';
  for (const id of [POD, container, '/system.slice', service]) makeCgroup(seen, id);
  const cycle = containerCycles({ ...DEFAULT_PATHS, cgroup: seen }, { families: 'kubelet', slices: [service] });
  const shown = async (id: string, series: string) => ofCgroup((await cycle()).samples, id).get(series);
  const folderOf = (id: string, file: string) => join(seen, file.slice(0, file.indexOf('.')), id);
  for (let round = 0; round < 4; round++) {
    for (let count = 0; count < 3; count++) await cycle();
    for (const id of [container, service]) {
      for (const [file, [most, series]] of Object.entries(LIMITS)) {
        const value = file.endsWith('_bytes') ? most - round * MIB : most - round;
        writeFileSync(join(folderOf(id, file), file), String(value));
        assert.equal(await shown(id, series), value, `${file} of ${id}, round ${round}`);
      }
    }
    // In all trees, then in that of one controller, whose files the collector does not look for cgroups in.
    for (const controller of round % 2 === 0 ? CONTROLLERS : ['memory']) {
      await removeTree(join(seen, controller, service));
      mkdirSync(join(seen, controller, service));
    }
    assert.equal(await shown(service, 'container_spec_memory_limit_bytes{}'), 0, `round ${round}`);
    assert.equal(await shown(service, 'container_spec_cpu_shares{}'), round % 2 === 0 ? 1024 : 512 - round);
  }
});

test('the files of a real cgroup v2, and of a threaded one, which has no list of processes', async (context) => {
  const tree = [ROOT, join(ROOT, 'unified')].find((folder) => existsSync(join(folder, 'cgroup.controllers')));
  if (process.getuid?.() !== 0 || tree === undefined) return context.skip('needs root and a tree of cgroup v2');
  const folder = join(tree, NAME);
  try {
    mkdirSync(folder);
  } catch (cause) {
    return context.skip(`no cgroups of v2 can be created here: ${(cause as Error).message}`);
  }
  context.after(() => removeTree(folder));
  const host = new Host(DEFAULT_PATHS);
  const child = spawn('/bin/sh', ['-c', `echo $$ > ${folder}/cgroup.procs; while :; do :; done`], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const reader = new CgroupV2(host, tree, {
    all: true,
    fileDescriptors: false,
    sockets: false,
    keepOpen: 1500,
    extra: new Set(),
  });
  const machine = { totalBytes: 1, swapTotalBytes: 0, swapFreeBytes: 0 };
  try {
    await until('CPU time', () => (reader.read(`/${NAME}`, { machine, hasQuota: false }).cpuUsage ?? 0) > 0.2);
    assert.deepEqual(processIds(host, folder), [String(child.pid)]);
    const { cpuUsage = 0, cpuUser = 0, cpuSystem = 0 } = reader.read(`/${NAME}`, { machine, hasQuota: false });
    assert.ok(Math.abs(cpuUsage - cpuUser - cpuSystem) < 0.02);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
  mkdirSync(join(folder, 'threaded'));
  writeFileSync(join(folder, 'threaded/cgroup.type'), 'threaded');
  const refused = join(folder, 'threaded/cgroup.procs');
  assert.throws(() => readFileSync(refused), { code: /^(?:ENOTSUP|EOPNOTSUPP)$/ });
  assert.deepEqual(processIds(host, join(folder, 'threaded')), []);
  // A kernel with PSI disabled has the pressure files and returns the same error.
  const node = new V2Node(context);
  for (const resource of ['cpu', 'memory', 'io']) {
    symlinkSync(refused, join(node.paths.cgroup, `kubepods/${resource}.pressure`));
  }
  const { samples, results } = await containerCycles(node.paths, { families: 'kubelet' })();
  assert.deepEqual([results[0]?.outcome, results[0]?.errors], ['ok', []]);
  const exposed = ofCgroup(samples, '/kubepods');
  assert.equal(exposed.get('container_memory_rss{}'), 4000);
  assert.deepEqual(
    [...exposed.keys()].filter((series) => series.startsWith('container_pressure_')),
    [],
  );
});

/** Without quota, I/O and network. */
const SERIES_OF_A_CGROUP = 14;

/** Creates and removes 400 pods of four containers; cgroups in the tree that is walked are created last and removed last. */
const CHURN = `
const { mkdirSync, rmdirSync } = require('node:fs');
const trees = process.argv.slice(1);
const id = (number) => number.toString(16).padStart(64, '0');
const podOf = (pod) => '/kubepods/pod00000000-0000-0000-0000-' + String(pod).padStart(12, '0');
for (let pod = 0; pod < 420; pod++) {
  const paths = [podOf(pod), ...[0, 1, 2, 3].map((one) => podOf(pod) + '/' + id(pod * 4 + one))];
  const old = [podOf(pod - 20), ...[0, 1, 2, 3].map((one) => podOf(pod - 20) + '/' + id((pod - 20) * 4 + one))];
  if (pod < 400) for (const path of paths) for (const tree of trees) mkdirSync(tree + path);
  if (pod >= 20) for (const path of old.reverse()) for (const tree of trees) rmdirSync(tree + path);
}
`;

test('2,000 real cgroups that appear and vanish while they are read have complete samples or none', {
  timeout: 180_000,
}, async (context) => {
  const seen = makeTrees(context);
  if (seen === undefined) return;
  makeCgroup(seen, '/kubepods');
  const cycle = containerCycles({ ...DEFAULT_PATHS, cgroup: seen });
  // The tree of cpu is walked.
  const trees = ['memory', 'cpuacct', 'pids', 'blkio', 'cpu'].map((controller) => join(seen, controller));
  const child = spawn(process.execPath, ['-e', CHURN, ...trees], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  cleanUp(context, () => {
    child.kill('SIGKILL');
    return ended;
  });
  const known = new Set<string>();
  while (child.exitCode === null) {
    const { samples, results } = await cycle();
    assert.ok(['ok', 'nodata'].includes(results[0]?.outcome ?? ''), results[0]?.errors[0]?.message ?? '');
    const exposed = new Map<string, number>();
    for (const series of samples.keys()) {
      const id = /id="(\/kubepods\/pod0[^"]*)"/.exec(series)?.[1];
      if (id !== undefined) exposed.set(id, (exposed.get(id) ?? 0) + 1);
    }
    for (const [id, count] of exposed) {
      assert.equal(count, SERIES_OF_A_CGROUP, id);
      known.add(id);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(await ended, [0, null]);
  context.diagnostic(`${known.size} cgroups seen`);
  assert.ok(known.size > 100, `${known.size}`);
});
