import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cleanUp } from '../kit/clean-up.ts';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { JournalRemote } from '../kit/journal-remote.ts';
import { exportEntry, JournalWriter } from '../kit/journal-writer.ts';
import { type LocalAgent, startLocalAgent } from '../kit/local-agent.ts';
import { samplesOf } from '../kit/samples.ts';
import { scriptedFront } from '../kit/scripted-front.ts';
import { serverAvailable } from '../kit/servers.ts';
import { until } from '../kit/until.ts';

const SERVER = 'systemd-journal-remote';

/** Folders for the shipped journal and for the received one. */
function folders(context: TestContext) {
  const folder = scratchFolder(context);
  // One of the tests mounts a file system there.
  cleanUp(context, () => spawnSync('umount', ['-l', join(folder, 'source')]));
  const [source, target] = [join(folder, 'source'), join(folder, 'target')];
  mkdirSync(source);
  mkdirSync(target);
  return { folder, source, target };
}

const entries = (from: number, to: number, fields: Readonly<Record<string, string>> = {}) =>
  Array.from({ length: to - from }, (_, index) =>
    exportEntry(from + index, { NUMBER: String(from + index), ...fields }),
  ).join('');

const ship = (context: TestContext, url: string, source: string, logs: object = {}, exporter: object = {}) =>
  startLocalAgent(context, (folder) => ({
    http: { listen: '127.0.0.1:0', controlTokenFile: join(folder, 'token') },
    collectors: Object.fromEntries(['node', 'container', 'process'].map((name) => [name, { enabled: false }])),
    push: { interval: '1s' },
    spool: { path: join(folder, 'spool') },
    exporters: { remote: { type: 'journald', url, ...exporter } },
    logs: { journal: { enabled: true, paths: [source], start: 'oldest' }, ...logs },
  }));

const of = 'exporter="remote",source="journal"';

async function shipped(agent: LocalAgent) {
  const samples = samplesOf((await agent.get('/metrics')).text);
  const outcome = (name: string) =>
    samples.get(`firesteel_logs_entries_total{exporter="remote",outcome="${name}",source="journal"}`) ?? 0;
  return {
    acked: outcome('acked'),
    dropped: outcome('dropped'),
    retried: outcome('retried'),
    lag: samples.get(`firesteel_logs_lag_entries{${of}}`) ?? Number.NaN,
    rotated: samples.get(`firesteel_logs_lost_total{exporter="remote",reason="rotated",source="journal"}`) ?? 0,
  };
}

/** Waits until `count` entries are acknowledged or dropped, and none waits. */
const settled = (agent: LocalAgent, count: number) =>
  until(
    async () => {
      const { acked, dropped, lag } = await shipped(agent);
      return acked + dropped >= count && lag === 0;
    },
    () => JSON.stringify(agent.log),
    60_000,
  );

test('truncated or refused uploads arrive completely, in order', async (context) => {
  if (!serverAvailable(context, SERVER)) return;
  const { source, target } = folders(context);
  const remote = await JournalRemote.start(context, target);
  const answers = ['garbage', { status: 429, headers: { 'retry-after': '0' } }, { status: 500, body: 'oh' }] as const;
  const script = [...answers];
  const front = await scriptedFront(context, remote.url, (body) => {
    if (body.length > 300_000) return { status: 413, body: 'Payload larger than maximum size' };
    return script.shift() ?? 'pass';
  });
  const proxy = await startFaultProxy(front.port);
  context.after(() => proxy.close());
  let uploads = 0;
  proxy.choose = () => {
    uploads++;
    if (uploads === 1) return { kind: 'cut', at: 100_000, how: 'rst' };
    return uploads === 6 ? { kind: 'loseAnswer' } : undefined;
  };
  const writer = new JournalWriter(context, join(source, 'system.journal'));
  await writer.write(entries(0, 4000));
  const agent = await ship(context, proxy.url, source);
  await settled(agent, 4000);
  await remote.stop();
  const numbers = remote.received('NUMBER').map(([text]) => Number(text));
  assert.deepEqual(
    [...new Set(numbers)],
    Array.from({ length: 4000 }, (_, number) => number),
  );
  const statuses = new Set(front.seen.map(({ status }) => status));
  assert.deepEqual(
    [413, 429, 500, 202, 'garbage'].filter((status) => !statuses.has(status)),
    [],
  );
  const { dropped, retried } = await shipped(agent);
  assert.equal(dropped, 0);
  assert.ok(retried > 0);
});

test('one entry that the receiver rejects is dropped alone, with a reason', async (context) => {
  if (!serverAvailable(context, SERVER)) return;
  const { source, target } = folders(context);
  const remote = await JournalRemote.start(context, target);
  const front = await scriptedFront(context, remote.url, (body) =>
    body.includes('poison') ? { status: 413, body: 'Payload larger than maximum size' } : 'pass',
  );
  const writer = new JournalWriter(context, join(source, 'system.journal'));
  await writer.write(entries(0, 100) + entries(100, 101, { MESSAGE: 'poison' }) + entries(101, 200));
  const agent = await ship(context, `http://127.0.0.1:${front.port}`, source);
  await settled(agent, 200);
  await remote.stop();
  assert.equal(remote.received('NUMBER').length, 199);
  const samples = samplesOf((await agent.get('/metrics')).text);
  assert.equal(samples.get('firesteel_logs_dropped_total{exporter="remote",reason="too_large",source="journal"}'), 1);
});

test('fields keep their bytes, and filters select', async (context) => {
  if (!serverAvailable(context, SERVER)) return;
  const { source, target } = folders(context);
  const remote = await JournalRemote.start(context, target);
  const writer = new JournalWriter(context, join(source, 'system.journal'));
  const lines = 'first\nsecond';
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(lines.length));
  const several = `NOTE\n${length.toString('latin1')}${lines}\n`;
  const one = exportEntry(1, { NUMBER: '1', MESSAGE: 'grüße', PRIORITY: '3' });
  await writer.write(one.replace(/\n\n$/, `\n${several}\n`) + entries(2, 5) + entries(5, 6, { PRIORITY: '2' }));
  const agent = await ship(context, remote.url, source, {
    journal: { enabled: true, paths: [source], start: 'oldest', priority: 'err', units: ['sshd.service'] },
  });
  await settled(agent, 2);
  await remote.stop();
  assert.deepEqual(remote.received('NUMBER', 'MESSAGE', 'NOTE', '_HOSTNAME', 'FIRESTEEL_UNIT'), [
    ['1', 'grüße', lines, 'node-1', 'sshd.service'],
    ['5', 'message 5', undefined, 'node-1', 'sshd.service'],
  ]);
});

test('secrets are removed, and the token is in no log, page or file', async (context) => {
  if (!serverAvailable(context, SERVER)) return;
  const { folder, source, target } = folders(context);
  const remote = await JournalRemote.start(context, target);
  const front = await scriptedFront(context, remote.url, () => 'pass');
  const tokenFile = join(folder, 'bearer');
  writeFileSync(tokenFile, 'very-secret-token\n');
  const writer = new JournalWriter(context, join(source, 'system.journal'));
  await writer.write(entries(0, 3, { MESSAGE: 'login password=hunter2 ok', _CMDLINE: 'app --key abcd-1234' }));
  const agent = await ship(
    context,
    `http://127.0.0.1:${front.port}`,
    source,
    { redact: [{ pattern: 'password=(\\S+)' }, { pattern: '[a-z]{4}-\\d{4}', fields: ['_CMDLINE'] }] },
    { auth: { bearerTokenFile: tokenFile } },
  );
  await settled(agent, 3);
  const pages = await Promise.all(['/v1/status', '/metrics'].map((path) => agent.get(path)));
  await agent.agent.stop();
  await remote.stop();
  assert.deepEqual(remote.received('MESSAGE', '_CMDLINE')[0], ['login password=*** ok', 'app --key ***']);
  assert.deepEqual([...new Set(front.seen.map(({ authorization }) => authorization))], ['Bearer very-secret-token']);
  const files = globSync('**/*', { cwd: join(agent.folder, 'spool'), withFileTypes: true })
    .concat(globSync('.logs/**/*', { cwd: join(agent.folder, 'spool'), withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  assert.ok(files.length > 0);
  const texts = [...pages.map(({ text }) => text), JSON.stringify(agent.log), ...files];
  for (const text of texts) assert.doesNotMatch(text, /very-secret-token|hunter2|abcd-1234/);
});

test('entries rotated away during an outage are counted exactly', async (context) => {
  if (!serverAvailable(context, SERVER)) return;
  const { source, target } = folders(context);
  // systemd derives the size of files from that of the disk: on a small one it rotates often.
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', source]);
  if (mounted.status !== 0) return context.skip('a small file system can only be mounted by root');
  const remote = await JournalRemote.start(context, target);
  const proxy = await startFaultProxy(remote.port);
  context.after(() => proxy.close());
  const writer = new JournalWriter(context, join(source, 'remote.journal'), ['--split-mode=none']);
  await writer.write(entries(0, 1000));
  const agent = await ship(context, proxy.url, source);
  await settled(agent, 1000);
  await proxy.down();
  const total = 40_000;
  for (let number = 1000; number < total; number += 500) await writer.write(entries(number, number + 500));
  await writer.end();
  await until(async () => (await shipped(agent)).lag > 30_000);
  const files = readdirSync(source).sort();
  for (const name of files.filter((name) => name.includes('@')).slice(0, -2)) rmSync(join(source, name));
  await until(async () => (await shipped(agent)).rotated > 0);
  await proxy.up();
  await until(
    async () => (await shipped(agent)).lag === 0,
    () => JSON.stringify(agent.log),
    60_000,
  );
  const { rotated } = await shipped(agent);
  await remote.stop();
  const received = new Set(remote.received('NUMBER').map(([text]) => Number(text)));
  assert.equal(received.size + rotated, total);
  assert.ok(rotated > 1000, `${rotated} of ${files.length} files`);
});
