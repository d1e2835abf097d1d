import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type * as z from 'zod';
import type { collectorsSection } from '../../../src/collectors/sections.ts';
import { LogGroup, totalOf } from '../../kit/log-group.ts';

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-files-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

type Files = NonNullable<NonNullable<z.input<typeof collectorsSection>>['log']>['files'];

/** A group that follows `app*.log` of a folder with a virtual clock; it only reads in cycles. */
async function follow(
  context: TestContext,
  folder: string,
  one: Omit<NonNullable<Files>[number], 'paths'> = {},
  glob = 'app*.log',
  closeAfter = '1h',
) {
  const clock = { ms: Date.now() };
  const files = [{ paths: [join(folder, glob)], start: 'beginning' as const, ...one }];
  const sections = { log: { enabled: true, poll: '60s', closeAfter, files } };
  const group = await LogGroup.start(sections, { folder: join(folder, 'state'), now: () => clock.ms });
  context.after(() => group.stop());
  return {
    group,
    async cycle(seconds = 15) {
      clock.ms += seconds * 1000;
      const samples = await group.cycle();
      assert.deepEqual(
        group.results.flatMap(({ errors }) => errors.map(({ message }) => message)),
        [],
      );
      return samples;
    },
  };
}

const count = (samples: ReadonlyMap<string, number>) => totalOf(samples, 'log_lines_total');
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${String(from + index).padStart(8, '0')} of a log\n`).join('');

test('complete lines are counted once, with rules, labels, values and histograms', async (context) => {
  const folder = folderOf(context);
  const path = join(folder, 'app.log');
  writeFileSync(path, 'GET 200 0.05\nPOST 500 2\nhealth 200 0\n');
  const { cycle } = await follow(context, folder, {
    drop: ['^health'],
    rules: [
      {
        metric: 'app_requests_total',
        pattern: '(?P<method>[A-Z]+) (?P<status>\\d)\\d\\d',
        labels: ['method', 'status'],
      },
      { metric: 'app_seconds', type: 'histogram', buckets: [0.1, 1], pattern: ' (?P<v>[\\d.]+)$', value: 'v' },
      { metric: 'app_last', type: 'gauge', pattern: ' (?P<v>[\\d.]+)$', value: 'v' },
      { pattern: 'never' },
    ],
  });
  let samples = await cycle();
  const label = `logfile="${join(folder, 'app*.log')}"`;
  assert.equal(totalOf(samples, 'log_lines_total'), 3);
  assert.equal(samples.get(`app_requests_total{${label},method="GET",status="2"}`), 1);
  assert.equal(samples.get(`app_requests_total{${label},method="POST",status="5"}`), 1);
  assert.equal(samples.get(`app_seconds_bucket{${label},le="0.1"}`), 1);
  assert.equal(samples.get(`app_seconds_bucket{${label},le="+Inf"}`), 2);
  assert.equal(samples.get(`app_seconds_sum{${label}}`), 2.05);
  assert.equal(samples.get(`app_seconds_count{${label}}`), 2);
  assert.equal(samples.get(`app_last{${label}}`), 2);
  assert.equal(samples.get(`log_matches_total{${label}}`), 0);
  appendFileSync(path, 'GET 404 0.2\r\nGET 2');
  samples = await cycle();
  assert.equal(count(samples), 4);
  appendFileSync(path, '01 0.3\n');
  samples = await cycle();
  assert.equal(count(samples), 5);
  assert.equal(samples.get(`app_requests_total{${label},method="GET",status="2"}`), 2);
  assert.equal(samples.get(`log_lag_bytes{${label}}`), 0);
});

test('start: end skips existing content, and a file created later is read from its beginning', async (context) => {
  const folder = folderOf(context);
  writeFileSync(join(folder, 'app.log'), lines(0, 100));
  const { cycle } = await follow(context, folder, { start: 'end' });
  assert.equal(count(await cycle()), 0);
  appendFileSync(join(folder, 'app.log'), lines(100, 110));
  writeFileSync(join(folder, 'app2.log'), lines(1000, 1020));
  assert.equal(count(await cycle()), 30);
});

test('rotation by rename: the rest of the old file counts, even when its new name matches', async (context) => {
  for (const [glob, name] of [
    ['app*.log', 'old-1'],
    ['app*', 'app.log.1'],
  ] as const) {
    const folder = folderOf(context);
    const path = join(folder, 'app.log');
    writeFileSync(path, lines(0, 100));
    const { cycle } = await follow(context, folder, {}, glob);
    assert.equal(count(await cycle()), 100);
    appendFileSync(path, lines(100, 150));
    renameSync(path, join(folder, name));
    writeFileSync(path, lines(150, 160));
    appendFileSync(join(folder, name), lines(160, 170));
    let samples = await cycle();
    samples = await cycle();
    assert.equal(count(samples), 170, glob);
    assert.equal(totalOf(samples, 'log_rotations_total'), 1, glob);
    appendFileSync(path, lines(170, 171));
    assert.equal(count(await cycle()), 171, glob);
  }
});

test('a file that was idle, grew and was renamed between two polls is read to its end', async (context) => {
  // Open files are read through their descriptors; of closed ones the new name is found by the inode.
  for (const closeAfter of ['1h', '1s']) {
    for (const name of ['app.log.1', 'old-app']) {
      const folder = folderOf(context);
      const path = join(folder, 'app.log');
      writeFileSync(path, lines(0, 100));
      const { cycle } = await follow(context, folder, { start: 'end' }, 'app*.log', closeAfter);
      assert.equal(count(await cycle()), 0);
      assert.equal(count(await cycle()), 0);
      appendFileSync(path, lines(100, 130));
      renameSync(path, join(folder, name));
      writeFileSync(path, lines(130, 135));
      await cycle();
      assert.equal(count(await cycle()), 35, `${closeAfter} ${name}`);
    }
  }
});

test('a file that was renamed, compressed and removed between two polls is read to its end', async (context) => {
  const folder = folderOf(context);
  const path = join(folder, 'app.log');
  writeFileSync(path, lines(0, 100));
  const { cycle } = await follow(context, folder, { start: 'end' });
  await cycle();
  appendFileSync(path, lines(100, 120));
  renameSync(path, join(folder, 'app.log.1'));
  writeFileSync(join(folder, 'app.log.1.gz'), '');
  unlinkSync(join(folder, 'app.log.1'));
  writeFileSync(path, lines(120, 121));
  await cycle();
  const samples = await cycle();
  assert.equal(count(samples), 21);
  assert.equal(totalOf(samples, 'log_lost_bytes_total'), 0);
});

test('a file that cannot be read is counted in each cycle', async (context) => {
  const folder = folderOf(context);
  const loop = join(folder, 'app.log');
  symlinkSync(loop, loop);
  const { group } = await follow(context, folder);
  await group.cycle();
  const samples = await group.cycle();
  assert.equal(totalOf(samples, 'log_errors_total'), 2);
  assert.match(group.results[0]?.errors.map(String).join() ?? '', /ELOOP/);
});

test('known content that was removed unread is counted, and a file without a final newline is closed', async (context) => {
  const folder = folderOf(context);
  const path = join(folder, 'app.log');
  writeFileSync(path, `${lines(0, 10)}no line end`);
  const { cycle } = await follow(context, folder);
  assert.equal(count(await cycle()), 10);
  truncateSync(path, 0);
  assert.equal(totalOf(await cycle(), 'log_lost_bytes_total'), 'no line end'.length);
  appendFileSync(path, `${lines(10, 20)}neither`);
  assert.equal(count(await cycle()), 20);
  renameSync(path, join(folder, 'old'));
  writeFileSync(path, lines(20, 21));
  await cycle();
  assert.equal(totalOf(await cycle(), 'log_lost_bytes_total'), 'no line endneither'.length);
  assert.equal(count(await cycle()), 21);
});

test('copytruncate: content written between the last poll and the truncation is read from the copy, once', async (context) => {
  for (const [glob, name] of [
    ['app*.log', 'app.log.1'],
    ['app*', 'app.log-20261129'],
  ] as const) {
    const folder = folderOf(context);
    const path = join(folder, 'app.log');
    writeFileSync(path, lines(0, 100));
    const { cycle } = await follow(context, folder, {}, glob);
    assert.equal(count(await cycle()), 100);
    appendFileSync(path, lines(100, 140));
    copyFileSync(path, join(folder, name));
    // A poll between the copy and the truncation must not treat the copy as a new file.
    if (glob === 'app*') assert.equal(count(await cycle()), 140);
    truncateSync(path, 0);
    appendFileSync(path, lines(140, 150));
    await cycle();
    const samples = await cycle();
    assert.equal(count(samples), 150, glob);
    assert.equal(totalOf(samples, 'log_truncates_total'), 1, glob);
  }
});

test('a file that is truncated and has grown past the old position since is detected by its beginning', async (context) => {
  const folder = folderOf(context);
  const path = join(folder, 'app.log');
  writeFileSync(path, lines(0, 10));
  const { cycle } = await follow(context, folder);
  assert.equal(count(await cycle()), 10);
  writeFileSync(path, lines(1000, 1100));
  const samples = await cycle();
  assert.equal(count(samples), 110);
  assert.equal(totalOf(samples, 'log_truncates_total'), 1);
});

test('a restart resumes at its position, through renames, truncations and reused inodes', async (context) => {
  const folder = folderOf(context);
  const path = join(folder, 'app.log');
  writeFileSync(path, lines(0, 100));
  let agent = await follow(context, folder);
  assert.equal(count(await agent.cycle()), 100);
  agent.group.stop();
  appendFileSync(path, lines(100, 120));
  renameSync(path, join(folder, 'app.log.1'));
  writeFileSync(path, lines(120, 130));
  agent = await follow(context, folder);
  assert.equal(count(await agent.cycle()), 130);
  agent.group.stop();
  // Copied and truncated between two polls.
  appendFileSync(path, lines(130, 140));
  copyFileSync(path, join(folder, 'app.log.2'));
  truncateSync(path, 0);
  appendFileSync(path, lines(140, 145));
  agent = await follow(context, folder);
  await agent.cycle();
  assert.equal(count(await agent.cycle()), 145);
  agent.group.stop();
  // Removed and recreated, possibly with the same inode.
  unlinkSync(path);
  writeFileSync(path, lines(145, 160));
  agent = await follow(context, folder);
  assert.equal(count(await agent.cycle()), 160);
});

test('encodings: gbk and utf-16 are decoded, and lines without end are cut', async (context) => {
  const folder = folderOf(context);
  const path = join(folder, 'app.log');
  writeFileSync(path, Buffer.from([0xb4, 0xed, 0xce, 0xf3, 0x0a]));
  const gbk = await follow(context, folder, { encoding: 'gbk', rules: [{ pattern: '错误' }] });
  assert.equal(totalOf(await gbk.cycle(), 'log_matches_total'), 1);
  gbk.group.stop();
  const second = folderOf(context);
  writeFileSync(join(second, 'app.log'), Buffer.from('Fehler ü\nzwei Ċ\n', 'utf16le'));
  const wide = await follow(context, second, { encoding: 'utf-16le', rules: [{ pattern: 'ü$' }] });
  const samples = await wide.cycle();
  assert.equal(count(samples), 2);
  assert.equal(totalOf(samples, 'log_matches_total'), 1);
  const third = folderOf(context);
  writeFileSync(join(third, 'app.log'), `start ${'x'.repeat(700_000)}`);
  const long = await follow(context, third, {
    rules: [{ pattern: '^start' }, { metric: 'tail_total', pattern: 'end$' }],
  });
  assert.equal(count(await long.cycle()), 1);
  appendFileSync(join(third, 'app.log'), `${'y'.repeat(1000)}end\nshort end\n`);
  const after = await long.cycle();
  assert.equal(count(after), 2);
  assert.equal(totalOf(after, 'log_matches_total'), 1);
  assert.equal(totalOf(after, 'tail_total'), 1);
});

test('the series of a rule are bounded, and compressed and excluded files are skipped', async (context) => {
  const folder = folderOf(context);
  writeFileSync(join(folder, 'app.log'), Array.from({ length: 50 }, (_, index) => `user=${index}\n`).join(''));
  writeFileSync(join(folder, 'app.log.gz'), lines(0, 9));
  writeFileSync(join(folder, 'app.audit'), lines(0, 9));
  const rule = { metric: 'users_total', pattern: 'user=(?P<user>\\d+)', labels: ['user'], maxSeries: 10 };
  const { cycle } = await follow(context, folder, { exclude: ['audit$'], rules: [rule] }, 'app*');
  const samples = await cycle();
  assert.equal(count(samples), 50);
  assert.equal(totalOf(samples, 'users_total'), 50);
  assert.equal([...samples.keys()].filter((key) => key.startsWith('users_total{')).length, 11);
});

test('10,000 files matching one pattern are followed within a few seconds', async (context) => {
  const folder = folderOf(context);
  mkdirSync(join(folder, 'many'));
  for (let index = 0; index < 10_000; index++)
    writeFileSync(join(folder, 'many', `${index}.log`), lines(index, index + 1));
  const { cycle } = await follow(context, folder, {}, 'many/*.log');
  assert.equal(count(await cycle()), 10_000);
  appendFileSync(join(folder, 'many', '77.log'), lines(0, 3));
  assert.equal(count(await cycle()), 10_003);
});

test('a read that fails between two cycles is a loss of the next one, once per kind', async (context) => {
  const folder = folderOf(context);
  writeFileSync(join(folder, 'app.log'), lines(0, 10));
  const clock: { isBroken: boolean; failed: number } = { isBroken: false, failed: 0 };
  const now = () => {
    if (!clock.isBroken) return Date.now();
    clock.failed++;
    throw new Error('no clock');
  };
  const files = [{ paths: [join(folder, 'app*.log')], start: 'beginning' as const }];
  const sections = { log: { enabled: true, poll: '100ms', files } };
  const group = await LogGroup.start(sections, { folder: join(folder, 'state'), now });
  context.after(() => group.stop());
  await group.cycle();
  clock.isBroken = true;
  for (let left = 600; clock.failed < 3 && left > 0; left--) await delay(50);
  clock.isBroken = false;
  await group.cycle();
  const messages = () => group.results.flatMap(({ errors }) => errors.map(({ message }) => message));
  assert.deepEqual(messages(), ['log files between two cycles: no clock']);
  await group.cycle();
  assert.deepEqual(messages(), []);
});

test('a clock that is set back or forward loses no line and counts none twice', async (context) => {
  const folder = folderOf(context);
  const path = join(folder, 'app.log');
  writeFileSync(path, lines(0, 10));
  const { cycle } = await follow(context, folder);
  assert.equal(count(await cycle()), 10);
  appendFileSync(path, lines(10, 20));
  assert.equal(count(await cycle(-3600)), 20);
  writeFileSync(join(folder, 'app2.log'), lines(0, 5));
  renameSync(path, join(folder, 'app.log.1'));
  writeFileSync(path, lines(20, 23));
  assert.equal(count(await cycle()), 28);
  appendFileSync(path, lines(23, 25));
  assert.equal(count(await cycle(86_400)), 30);
  appendFileSync(path, lines(25, 26));
  assert.equal(count(await cycle(-86_400)), 31);
  assert.equal(count(await cycle()), 31);
});
