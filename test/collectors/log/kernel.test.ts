import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { JournalFeed } from '../../../src/collectors/log/journal-feed.ts';
import { collectKernel } from '../../../src/collectors/log/kernel.ts';
import { KernelLines } from '../../../src/collectors/log/kernel-lines.ts';
import { kernelRules } from '../../../src/collectors/log/kernel-rules.ts';
import { containerOf, OomLines } from '../../../src/collectors/log/oom.ts';
import { journalOptions, kernelOptions } from '../../../src/collectors/log/options.ts';
import { LogState } from '../../../src/collectors/log/state.ts';
import { Host } from '../../../src/host/host.ts';
import { parseKernelRecord } from '../../../src/host/kmsg.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { hostTree, scratchFolder } from '../../kit/host-tree.ts';
import { exportEntry, JournalWriter } from '../../kit/journal-writer.ts';
import { linesOf } from '../../kit/lines.ts';
import { LogGroup, totalOf } from '../../kit/log-group.ts';
import { serverAvailable } from '../../kit/servers.ts';

const ID = 'a'.repeat(64);
/** Lines of an OOM kill in Linux 6.18 and 4.14. */
const KILLS: readonly (readonly [lines: readonly string[], process: string, constraint: string, cgroup: string])[] = [
  [
    [
      'tail invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0',
      `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/kubepods/pod1,task_memcg=/kubepods/pod1/${ID},task=tail,pid=2783,uid=0`,
      'Memory cgroup out of memory: Killed process 2783 (tail) total-vm:10412kB, anon-rss:7336kB, file-rss:1416kB, shmem-rss:0kB, UID:0 pgtables:60kB oom_score_adj:0',
    ],
    'tail',
    'memcg',
    `/kubepods/pod1/${ID}`,
  ],
  [
    [
      'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/user.slice,task=a b) (c,pid=7,uid=1000',
      'Out of memory: Killed process 7 (a b) (c) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:1kB oom_score_adj:0',
    ],
    'a b) (c',
    'none',
    '/user.slice',
  ],
  [
    [
      `Task in /docker/${ID} killed as a result of limit of /docker/${ID}`,
      'Memory cgroup out of memory: Kill process 99 (java) score 1000 or sacrifice child',
      'Killed process 99 (java) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB',
    ],
    'java',
    'memcg',
    `/docker/${ID}`,
  ],
];

for (const [lines, process, constraint, cgroup] of KILLS) {
  test(`an OOM kill of ${process} is one kill`, () => {
    const oom = new OomLines();
    assert.deepEqual(lines.map((line) => oom.take(line)).filter(Boolean), [{ process, constraint, cgroup }]);
  });
}

test('with memory.oom.group each killed process counts', () => {
  const oom = new OomLines();
  const killed = [
    `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/${ID},task=x,pid=1,uid=0`,
    'Memory cgroup out of memory: Killed process 1 (x) total-vm:1kB, anon-rss:1kB',
    'Memory cgroup out of memory: Killed process 2 (y) total-vm:1kB, anon-rss:1kB',
    'oom_reaper: reaped process 1 (x), now anon-rss:0kB',
  ].flatMap((line) => oom.take(line) ?? []);
  assert.deepEqual(
    killed.map(({ process }) => process),
    ['x', 'y'],
  );
  assert.deepEqual(
    killed.map((kill) => containerOf(kill.cgroup).containerId),
    [ID, ID],
  );
});

test('a kill has the labels of its pod', () => {
  const pods = {
    lookup: (id: string) => (id === ID ? { namespace: 'shop', pod: 'web-1', container: 'app' } : undefined),
  };
  const lines = new KernelLines(kernelRules([]), pods);
  for (const line of KILLS[0]?.[0] ?? []) lines.take(3, line, 0);
  const out = new Snapshot();
  lines.counters.oomKills.emit(out);
  lines.counters.problems.emit(out);
  assert.ok(
    out.keys.includes(
      'kernel_oom_kills_total{process="tail",constraint="memcg",namespace="shop",pod="web-1",container="app"}',
    ),
  );
  assert.equal(out.values[out.keys.indexOf('problem_counter{reason="OOMKilling"}')], 1);
});

/** A line of the kernel for each reason, and a similar one that does not count. */
const LINES: readonly (readonly [reason: string, line: string, none: string])[] = [
  ['TaskHung', 'INFO: task kworker/0:1:123 blocked for more than 120 seconds.', 'INFO: task done'],
  [
    'UnregisterNetDevice',
    'unregister_netdevice: waiting for eth0 to become free. Usage count = 2',
    'unregister_netdevice: done',
  ],
  ['KernelOops', 'BUG: unable to handle kernel NULL pointer dereference at 0', 'BUG: unable'],
  ['Ext4Error', 'EXT4-fs error (device sda1): ext4_lookup: deleted inode', 'EXT4-fs (sda1): mounted'],
  ['Ext4Warning', 'EXT4-fs warning (device sda1): ext4_end_bio', 'EXT4-fs (sda1): warning'],
  ['IOError', 'Buffer I/O error on dev sda1, logical block 0, async page read', 'I/O scheduler'],
  ['XfsHasShutdown', 'XFS (sda): Log I/O Error Detected.  Shutting down filesystem', 'XFS (sda): Mounting'],
  ['MemoryReadError', 'EDAC MC0: 1 CE memory read error on CPU_SrcID', 'CE memory'],
  [
    'CperHardwareErrorFatal',
    '{1}[Hardware Error]: event severity: fatal',
    '[Hardware Error]: event severity: fatal ones',
  ],
  ['FilesystemIsReadOnly', 'EXT4-fs (sda1): Remounting filesystem read-only', 'Remounting'],
  ['ConntrackFull', 'nf_conntrack: nf_conntrack: table full, dropping packet', 'nf_conntrack: table'],
  ['NicLinkDown', 'igb 0000:01:00.0 eth0: igb: eth0 NIC Link is Down', 'eth0: Link is Up'],
  ['NetdevWatchdog', 'NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out', 'NETDEV WATCHDOG'],
];

test('problems are counted by reason from 0, each message once', () => {
  const lines = new KernelLines(kernelRules([]), undefined);
  const counts = () => {
    const out = new Snapshot();
    lines.counters.problems.emit(out);
    return new Map(out.keys.map((key, index) => [/"(.*)"/.exec(key)?.[1], out.values[index]]));
  };
  assert.deepEqual(new Set(counts().values()), new Set([0]));
  for (const [reason, line, none] of LINES) {
    const before = counts().get(reason) ?? Number.NaN;
    lines.take(4, none, 0);
    assert.equal(counts().get(reason), before, none);
    lines.take(4, line, 0);
    assert.equal(counts().get(reason), before + 1, line);
  }
  // Messages of systemd are not searched for in those of the kernel.
  lines.take(6, 'Started kubelet.service - kubelet', 0);
  assert.equal(counts().get('KubeletStart'), 0);
  lines.takeOfSystemd('Started kubelet.service - kubelet: The Kubernetes Node Agent.', 0);
  assert.equal(counts().get('KubeletStart'), 1);
});

test('an active problem ends ten minutes after its last message', () => {
  const lines = new KernelLines(kernelRules([]), undefined);
  const gauge = (nowMs: number) => {
    const out = new Snapshot();
    lines.emitGauges(out, nowMs, false);
    return linesOf(out).find((line) => line.includes('TaskHung'));
  };
  assert.equal(gauge(0), 'problem_gauge{type="KernelDeadlock",reason="TaskHung"} 0');
  lines.take(3, LINES[0]?.[1] ?? '', 1_000_000);
  assert.equal(gauge(1_000_500), 'problem_gauge{type="KernelDeadlock",reason="TaskHung"} 1');
  assert.equal(gauge(1_000_000 + 599_000), 'problem_gauge{type="KernelDeadlock",reason="TaskHung"} 1');
  assert.equal(gauge(1_000_000 + 601_000), 'problem_gauge{type="KernelDeadlock",reason="TaskHung"} 0');
  // Also if the clock is set back after that message.
  lines.take(3, LINES[0]?.[1] ?? '', 1_000_000_000);
  assert.equal(gauge(2_000_000), 'problem_gauge{type="KernelDeadlock",reason="TaskHung"} 1');
  assert.equal(gauge(2_000_000 + 601_000), 'problem_gauge{type="KernelDeadlock",reason="TaskHung"} 0');
});

test('messages of /dev/kmsg wait until the uptime, from which their age follows, can be read', async (context) => {
  const paths = hostTree(context, { 'proc/uptime': '1000x 5.00\n', 'proc/1/mountinfo': `${ROOT('rw')}\n` });
  const records = ['3,1,390000000,-;old', `3,2,995000000,-;${LINES[0]?.[1]}`].map(parseKernelRecord);
  const world = { host: new Host(paths), now: () => 2_000_000 };
  const state = new LogState(undefined);
  const bootId = () => 'b';
  const collect = collectKernel(kernelOptions.parse({ source: 'kmsg', start: 'boot' }), {
    world,
    state,
    bootId,
    feed: new JournalFeed(journalOptions.parse({}), { state, now: world.now, bootId }),
    openKmsg: () => ({ next: () => records.shift(), close: () => undefined }),
  });
  const cycle = async () => {
    const out = new Snapshot();
    await collect(out, AbortSignal.timeout(60_000));
    return linesOf(out).filter((line) => /priority="err"|TaskHung/.test(line));
  };
  await assert.rejects(cycle(), /uptime:1: expected a number, found "1000x"/);
  writeFileSync(join(paths.procfs, 'uptime'), '1000.00 5.00\n');
  assert.deepEqual(await cycle(), [
    'problem_counter{reason="TaskHung"} 1',
    'kernel_messages_total{priority="err"} 1',
    'problem_gauge{type="KernelDeadlock",reason="TaskHung"} 1',
  ]);
});

test('parses records of /dev/kmsg as the kernel writes them', () => {
  assert.deepEqual(parseKernelRecord('6,339,5140900,-;NET: Registered\\x0a PF\\xc3\\xbc\n SUBSYSTEM=net\n'), {
    priority: 6,
    facility: 0,
    sequence: 339,
    monotonic: 5_140_900,
    text: 'NET: Registered\n PFü',
    properties: new Map([['SUBSYSTEM', 'net']]),
  });
  assert.equal(parseKernelRecord('12,1,2,c,x=y;text')?.facility, 1);
  for (const bad of ['', ';', '6,1;x', 'a,b,c;d']) assert.equal(parseKernelRecord(bad), undefined);
});

/** A /proc with these mounts and boot. */
function procOf(folder: string, mounts: readonly string[], boot = '0123456789abcdef0123456789abcdef'): string {
  mkdirSync(join(folder, '1'), { recursive: true });
  mkdirSync(join(folder, 'sys/kernel/random'), { recursive: true });
  writeFileSync(join(folder, 'sys/kernel/random/boot_id'), `${boot}\n`);
  writeFileSync(join(folder, 'uptime'), readFileSync('/proc/uptime'));
  writeFileSync(join(folder, '1/mountinfo'), mounts.map((mount) => `${mount}\n`).join(''));
  return folder;
}

const ROOT = (mode: string) => `25 1 8:1 / / ${mode},relatime - ext4 /dev/sda1 rw`;
const DATA = (mode: string) => `26 25 8:17 / /data rw,relatime - xfs /dev/sdb1 ${mode}`;
const TRANSITION = 'filesystem_readonly_transitions_total{device="/dev/sdb1",mountpoint="/data",fstype="xfs"}';

test('a mount that becomes read-only is counted once, also across a restart, and the gauge ends with it', async (context) => {
  const folder = scratchFolder(context);
  const procfs = join(folder, 'proc');
  const options = { folder: join(folder, 'state'), paths: { procfs } };
  const sections = {
    kernel: { enabled: true, source: 'journal' as const },
    journal: { paths: [join(folder, 'journal')] },
  };
  mkdirSync(join(folder, 'journal'));
  if (!serverAvailable(context, 'systemd-journal-remote')) return;
  const writer = new JournalWriter(context, join(folder, 'journal/remote.journal'), ['--split-mode=none']);
  await writer.write(exportEntry(0, { _TRANSPORT: 'kernel', MESSAGE: 'hello' }));
  await writer.end();
  procOf(procfs, [ROOT('rw'), DATA('rw')]);
  let group = await LogGroup.start(sections, options);
  const GAUGE = 'problem_gauge{type="ReadonlyFilesystem",reason="FilesystemIsReadOnly"}';
  let samples = await group.cycle();
  assert.equal(totalOf(samples, 'filesystem_readonly_transitions_total'), 0);
  assert.equal(samples.get(GAUGE), 0);
  group.stop();
  procOf(procfs, [ROOT('rw'), DATA('ro')]);
  group = await LogGroup.start(sections, options);
  for (let cycle = 0; cycle < 3; cycle++) {
    samples = await group.cycle();
    assert.equal(samples.get(TRANSITION), 1);
    assert.equal(samples.get(GAUGE), 1);
  }
  group.stop();
  procOf(procfs, [ROOT('rw'), DATA('rw')]);
  group = await LogGroup.start(sections, options);
  samples = await group.cycle();
  assert.equal(samples.get(TRANSITION), 1);
  assert.equal(samples.get(GAUGE), 0);
  group.stop();
});

test('messages of the kernel, OOM kills and core dumps come from the journal', async (context) => {
  if (!serverAvailable(context, 'systemd-journal-remote')) return;
  const folder = scratchFolder(context);
  const path = join(folder, 'remote.journal');
  const write = async (entries: readonly Readonly<Record<string, string>>[], from: number) => {
    const writer = new JournalWriter(context, path, ['--split-mode=none']);
    for (const [index, entry] of entries.entries()) await writer.write(exportEntry(from + index, entry));
    await writer.end();
  };
  await write([{ _TRANSPORT: 'kernel', PRIORITY: '4', MESSAGE: 'before the start' }], 0);
  const group = await LogGroup.start({ kernel: { enabled: true }, journal: { paths: [folder] } });
  let samples = await group.cycle();
  assert.equal(totalOf(samples, 'kernel_messages_total'), 0);
  const kernel = (MESSAGE: string) => ({ _TRANSPORT: 'kernel', PRIORITY: '4', SYSLOG_IDENTIFIER: 'kernel', MESSAGE });
  await write(
    [
      ...(KILLS[0]?.[0] ?? []).map(kernel),
      ...[
        {
          MESSAGE_ID: 'fc2e22bc6ee647b6b90729ab34a250b1',
          COREDUMP_EXE: '/usr/bin/app',
          COREDUMP_SIGNAL_NAME: 'SIGSEGV',
        },
        { MESSAGE: 'Killed process 1 (not the kernel) total-vm:1kB, anon-rss:1kB, file-rss:0kB' },
      ],
    ],
    1,
  );
  samples = await group.cycle();
  assert.equal(samples.get('kernel_messages_total{priority="warning"}'), 3);
  assert.equal(totalOf(samples, 'kernel_oom_kills_total'), 1);
  assert.equal(samples.get('problem_counter{reason="OOMKilling"}'), 1);
  assert.equal(samples.get('core_dumps_total{executable="/usr/bin/app",signal="SIGSEGV",unit=""}'), 1);
  group.stop();
});

const WRITE_LIMIT = '/proc/sys/kernel/printk_devkmsg';

test('the real /dev/kmsg: a message written there is counted once, across a restart and a flood', async (context) => {
  let device: number;
  try {
    device = openSync('/dev/kmsg', 'w');
    closeSync(openSync('/dev/kmsg', 'r'));
  } catch (cause) {
    return context.skip(`/dev/kmsg cannot be opened here: ${String(cause)}`);
  }
  context.after(() => closeSync(device));
  const folder = scratchFolder(context);
  const mark = `firesteel-${process.pid}-${Date.now()}`;
  const sections = {
    kernel: { enabled: true, source: 'kmsg' as const, rules: [{ reason: 'Mark', pattern: mark }] },
    journal: { paths: [join(folder, 'none')] },
  };
  const say = (text: string) => writeSync(device, `<4>${mark} ${text}`);
  say('before the start');
  let group = await LogGroup.start(sections, { folder });
  let samples = await group.cycle();
  assert.equal(group.results[0]?.outcome, 'ok');
  assert.equal(samples.get('problem_counter{reason="Mark"}'), 0);
  say('one');
  samples = await group.cycle();
  assert.equal(samples.get('problem_counter{reason="Mark"}'), 1);
  group.stop();
  say('while it is down');
  group = await LogGroup.start(sections, { folder });
  samples = await group.cycle();
  assert.equal(samples.get('problem_counter{reason="Mark"}'), 2);
  // By default the kernel limits user space to ten records in a short time.
  const limit = readFileSync(WRITE_LIMIT, 'utf8').trim();
  try {
    writeFileSync(WRITE_LIMIT, 'on');
  } catch (cause) {
    group.stop();
    return context.diagnostic(`no flood: ${String(cause)}`);
  }
  context.after(() => writeFileSync(WRITE_LIMIT, limit));
  const lines = 50_000;
  for (let line = 0; line < lines; line++) say(`flood ${line}`);
  samples = await group.cycle();
  const counted = (samples.get('problem_counter{reason="Mark"}') ?? 0) - 2;
  assert.ok(counted > 0 && counted <= lines);
  const least = lines - counted;
  assert.ok(totalOf(samples, 'kernel_messages_lost_total') >= least, `${counted} counted, ${least} others not lost`);
  group.stop();
});

test('a new boot starts at its first message and keeps the counts', async (context) => {
  try {
    closeSync(openSync('/dev/kmsg', 'r'));
  } catch (cause) {
    return context.skip(`/dev/kmsg cannot be opened here: ${String(cause)}`);
  }
  const folder = scratchFolder(context);
  const procfs = procOf(join(folder, 'proc'), [ROOT('rw')], '1'.repeat(32));
  const sections = { kernel: { enabled: true, source: 'kmsg' as const } };
  let group = await LogGroup.start(sections, { folder: join(folder, 'state'), paths: { procfs } });
  const before = totalOf(await group.cycle(), 'kernel_messages_total');
  group.stop();
  procOf(procfs, [ROOT('rw')], '2'.repeat(32));
  group = await LogGroup.start(sections, { folder: join(folder, 'state'), paths: { procfs } });
  const after = totalOf(await group.cycle(), 'kernel_messages_total');
  const inRing = spawnSync('dmesg', { encoding: 'utf8' }).stdout.split('\n').length;
  assert.ok(
    after > before && after - before >= Math.min(inRing, 50_000) / 2,
    `${before} then ${after}, ${inRing} in the ring`,
  );
  group.stop();
});
