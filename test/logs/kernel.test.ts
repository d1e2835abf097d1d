import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { loadSettings } from '../../src/commands/settings.ts';
import { Host } from '../../src/host/host.ts';
import { type OpenKmsg, parseKernelRecord } from '../../src/host/kmsg.ts';
import { kernelSource } from '../../src/logs/kernel/kernel-source.ts';
import type { LogRead, LogSource, SavedPosition } from '../../src/logs/source.ts';
import type { LogWorld } from '../../src/logs/world.ts';
import { hostTree, scratchFolder } from '../kit/host-tree.ts';
import { JournalRemote } from '../kit/journal-remote.ts';
import { exportEntry, JournalWriter } from '../kit/journal-writer.ts';
import { startLocalAgent } from '../kit/local-agent.ts';
import { readEntries } from '../kit/log-entries.ts';
import { serverAvailable } from '../kit/servers.ts';
import { until } from '../kit/until.ts';

const NOW_MS = 1_700_000_100_000;

/** A kernel whose buffer has these records; it was booted 100 s ago. */
class Kernel {
  records: string[] = [];
  /** The file of the last source. */
  uptime = '';
  readonly #context: TestContext;

  constructor(context: TestContext) {
    this.#context = context;
  }

  say(...records: string[]): void {
    this.records.push(...records);
  }

  open = (): OpenKmsg => {
    let last = -1;
    const next = () => {
      const record = this.records.map(parseKernelRecord).find((one) => one !== undefined && one.sequence > last);
      last = record?.sequence ?? last;
      return record;
    };
    return { next, close: () => undefined };
  };

  source(set: readonly string[], saved?: SavedPosition, boot = 'aa-bb'): LogSource {
    const { logs } = loadSettings({ set: ['logs.kernel.source=kmsg', ...set] }, {}).config;
    const files = { 'proc/uptime': '100.00 5.00\n', 'proc/sys/kernel/random/boot_id': `${boot}\n` };
    const host = new Host(hostTree(this.#context, files));
    this.uptime = host.proc('uptime');
    const world: LogWorld = { logs, host, log: createLog('fatal'), now: () => NOW_MS, labels: {}, names: undefined };
    return kernelSource(world, this.open).open(saved, undefined, 'store') as LogSource;
  }
}

const saved = (source: LogSource, batch: LogRead | undefined): SavedPosition => ({
  position: batch?.position ?? '',
  lost: source.lost,
});

test('records of /dev/kmsg become entries, and a restart continues after the position', async (context) => {
  const kernel = new Kernel(context);
  kernel.say('6,10,1000000,-;before');
  let source = kernel.source([]);
  const first = await readEntries(source);
  assert.deepEqual(first?.entries, []);
  kernel.say(
    '3,11,2000000,-;disk failed\n SUBSYSTEM=scsi\n DEVICE=+scsi:0:0\\x0a0\n',
    '30,12,3000000,-;systemd says \\x41',
  );
  const batch = await readEntries(source);
  assert.deepEqual(
    batch?.entries.map(({ message, priority, timeUs }) => [message, priority, timeUs]),
    [
      ['disk failed', 3, 1_700_000_002_000_000],
      ['systemd says A', 6, 1_700_000_003_000_000],
    ],
  );
  const [failed, other] = batch?.entries ?? [];
  assert.equal(failed?.fields.get('SYSLOG_FACILITY'), '0');
  assert.equal(failed?.fields.get('SYSLOG_IDENTIFIER'), 'kernel');
  assert.equal(failed?.fields.get('KERNEL_SUBSYSTEM'), 'scsi');
  assert.equal(failed?.fields.get('KERNEL_DEVICE'), '+scsi:0:0\n0');
  assert.equal(other?.fields.has('KERNEL_DEVICE'), false);
  assert.equal(other?.fields.get('SYSLOG_FACILITY'), '3');
  assert.equal(other?.fields.has('SYSLOG_IDENTIFIER'), false);
  assert.equal(await readEntries(source), undefined);
  // Unacknowledged records are read again, with the same cursors.
  source = kernel.source([], saved(source, first));
  const again = await readEntries(source);
  assert.deepEqual(
    again?.entries.map(({ cursor }) => cursor),
    batch?.entries.map(({ cursor }) => cursor),
  );
  assert.equal(source.lost.rotated, 0);
});

test('nothing is read while the uptime, from which the times follow, is unknown', async (context) => {
  const kernel = new Kernel(context);
  const source = kernel.source(['logs.kernel.start=oldest']);
  await readEntries(source);
  kernel.say('6,11,2000000,-;hello');
  for (const [malformed, reason] of [
    ['', /uptime:1: expected a number, found nothing/],
    ['1x 5.00\n', /uptime:1: expected a number, found "1x"/],
  ] as const) {
    writeFileSync(kernel.uptime, malformed);
    await assert.rejects(readEntries(source), reason);
  }
  writeFileSync(kernel.uptime, '100.00 5.00\n');
  const times = (await readEntries(source))?.entries.map(({ timeUs }) => timeUs);
  assert.deepEqual(times, [1_700_000_002_000_000]);
});

test('records overwritten by the kernel are counted from sequence numbers, across restarts and boots', async (context) => {
  const kernel = new Kernel(context);
  kernel.say('6,10,1000000,-;before');
  let source = kernel.source([]);
  const first = await readEntries(source);
  kernel.records = ['6,15,1500000,-;after four'];
  source = kernel.source([], saved(source, first));
  const batch = await readEntries(source);
  assert.equal(batch?.entries.length, 1);
  assert.equal(source.lost.rotated, 4);
  kernel.records = ['6,2,1000,-;third of a new boot'];
  source = kernel.source([], saved(source, batch), 'cc-dd');
  assert.equal((await readEntries(source))?.entries.length, 1);
  assert.equal(source.lost.rotated, 6);
});

for (const [name, set, expected] of [
  ['now', ['logs.kernel.start=now'], []],
  ['boot', ['logs.kernel.start=boot'], ['old', 'young']],
  ['a minute ago', ['logs.kernel.start=boot', 'logs.kernel.maxAge=60s'], ['young']],
  ['boot, errors only', ['logs.kernel.start=boot', 'logs.kernel.priority=err'], ['old']],
] as const) {
  test(`shipping of /dev/kmsg begins with ${name}`, async (context) => {
    const kernel = new Kernel(context);
    kernel.say('3,10,1000000,-;old', '6,11,90000000,-;young');
    const source = kernel.source(set);
    assert.deepEqual((await readEntries(source))?.entries, []);
    const batch = await readEntries(source);
    assert.deepEqual(batch?.entries.map(({ message }) => message) ?? [], expected);
    assert.equal(source.lost.rotated, 0);
  });
}

test('a saved position of one origin is not used for the other', async (context) => {
  const kernel = new Kernel(context);
  kernel.say('6,10,1000000,-;before');
  const source = kernel.source([]);
  const position = saved(source, await readEntries(source));
  kernel.say('6,11,2000000,-;new');
  const auto = kernel.source(['logs.kernel.source=auto'], position);
  assert.equal((await readEntries(auto))?.entries[0]?.message, 'new');
});

test('a device without permission is reported with the requirements', async (context) => {
  const kernel = new Kernel(context);
  kernel.open = () => {
    throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
  };
  await assert.rejects(async () => readEntries(kernel.source([])), /needs CAP_SYSLOG/);
});

test('each kernel message from the journal arrives once, also with the source journal enabled', async (context) => {
  if (!serverAvailable(context, 'systemd-journal-remote')) return;
  const [source, target] = [scratchFolder(context), scratchFolder(context)];
  mkdirSync(join(target, 'received'));
  const remote = await JournalRemote.start(context, join(target, 'received'));
  const writer = new JournalWriter(context, join(source, 'system.journal'));
  const fields = (number: number): Readonly<Record<string, string>> =>
    number % 2 === 0 ? { _TRANSPORT: 'kernel', SYSLOG_FACILITY: '0', SYSLOG_IDENTIFIER: 'kernel' } : {};
  const text = Array.from({ length: 100 }, (_, number) =>
    exportEntry(number, { NUMBER: `${number}`, ...fields(number) }),
  );
  await writer.write(text.join(''));
  const agent = await startLocalAgent(context, (folder) => ({
    http: { listen: '127.0.0.1:0', controlTokenFile: join(folder, 'token') },
    collectors: Object.fromEntries(['node', 'container', 'process'].map((name) => [name, { enabled: false }])),
    push: { interval: '1s' },
    spool: { path: join(folder, 'spool') },
    exporters: { remote: { type: 'journald', url: remote.url } },
    logs: { journal: { enabled: true, paths: [source], start: 'oldest' }, kernel: { enabled: true, start: 'oldest' } },
  }));
  const acked = async (name: string) => {
    const { logs } = (await agent.get('/v1/status')).body as { logs: { source: string; acked: number }[] };
    return logs.find((lane) => lane.source === name)?.acked;
  };
  await until(
    async () => (await acked('kernel')) === 50 && (await acked('journal')) === 50,
    () => JSON.stringify(agent.log),
    60_000,
  );
  await remote.stop();
  const numbers = remote.received('NUMBER').map(([number]) => Number(number));
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, number) => number),
  );
});
