import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Journal } from '../../../src/host/journal/journal.ts';
import type { JournalPosition } from '../../../src/host/journal/position.ts';
import { cleanUp } from '../../kit/clean-up.ts';
import { scratchFolder } from '../../kit/host-tree.ts';
import { exportEntry, JournalWriter, START_US } from '../../kit/journal-writer.ts';
import { serverAvailable } from '../../kit/servers.ts';

const WRITER = 'systemd-journal-remote';
const ONE_FILE = ['--split-mode=none'];

function folderOf(context: TestContext): string {
  const folder = scratchFolder(context);
  // One of the tests mounts a file system there.
  cleanUp(context, () => spawnSync('umount', ['-l', folder]));
  return folder;
}

const open = (folder: string, position?: JournalPosition) =>
  new Journal({ paths: [folder], wanted: new Set(['MESSAGE']), start: { sinceRealtime: 0 }, position });

/** Reads all available entries and returns their messages. */
function readAll(journal: Journal): string[] {
  const { problems } = journal.scan();
  assert.deepEqual(problems, []);
  const messages: string[] = [];
  for (let read = journal.next(); read !== undefined; read = journal.next()) messages.push(read.fields[0]?.text ?? '');
  return messages;
}

const messages = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `message ${from + index}`);

async function write(context: TestContext, path: string, from: number, to: number): Promise<void> {
  const writer = new JournalWriter(context, path, ONE_FILE);
  for (let number = from; number < to; number++) await writer.write(exportEntry(number));
  await writer.end();
}

test('files are read in order, across rotations, restarts and removals', async (context) => {
  if (!serverAvailable(context, WRITER)) return;
  const folder = folderOf(context);
  await write(context, join(folder, 'a.journal'), 0, 500);
  let journal = open(folder);
  assert.deepEqual(readAll(journal), messages(0, 500));
  await write(context, join(folder, 'a.journal'), 500, 700);
  assert.deepEqual(readAll(journal), messages(500, 700));
  // A restart continues exactly after the position, also if a file was renamed in the meantime.
  const position = JSON.parse(JSON.stringify(journal.position())) as JournalPosition;
  journal.close();
  renameSync(join(folder, 'a.journal'), join(folder, 'a@1.journal'));
  await write(context, join(folder, 'b.journal'), 700, 800);
  journal = open(folder, position);
  assert.deepEqual(readAll(journal), messages(700, 800));
  // A file that is removed while it is open is read to its end.
  await write(context, join(folder, 'b.journal'), 800, 900);
  journal.scan();
  rmSync(join(folder, 'b.journal'));
  assert.deepEqual(readAll(journal), messages(800, 900));
  journal.close();
});

test('a field above 1 MiB is missing from its entry, and counted', async (context) => {
  if (!serverAvailable(context, WRITER)) return;
  const folder = folderOf(context);
  const writer = new JournalWriter(context, join(folder, 'a.journal'), ONE_FILE);
  await writer.write(exportEntry(0));
  await writer.write(exportEntry(1).replace('MESSAGE=message 1\n', `MESSAGE=${'y'.repeat(1024 * 1024)}\n`));
  await writer.write(exportEntry(2));
  await writer.end();
  const journal = open(folder);
  assert.deepEqual(readAll(journal), ['message 0', '', 'message 2']);
  assert.equal(journal.lostFields, 1);
  journal.close();
});

test('entries present at the first start are skipped with start: now', async (context) => {
  if (!serverAvailable(context, WRITER)) return;
  const folder = folderOf(context);
  await write(context, join(folder, 'a.journal'), 0, 100);
  const journal = new Journal({ paths: [folder], wanted: new Set(['MESSAGE']), start: 'now' });
  assert.deepEqual(readAll(journal), []);
  await write(context, join(folder, 'a.journal'), 100, 150);
  assert.deepEqual(readAll(journal), messages(100, 150));
  // A file that appears later has no old entries.
  await write(context, join(folder, 'b.journal'), 150, 200);
  assert.deepEqual(readAll(journal), messages(150, 200));
  journal.close();
});

test('a clock that jumps back and forward loses no entry and duplicates none', async (context) => {
  if (!serverAvailable(context, WRITER)) return;
  const folder = folderOf(context);
  const dayUs = 86_400_000_000;
  const jumps = [0, -dayUs, dayUs, -30 * dayUs];
  let journal = open(folder);
  for (const [round, jump] of jumps.entries()) {
    // The time since boot continues.
    const entries = Array.from({ length: 100 }, (_, index) => {
      const number = round * 100 + index;
      return exportEntry(number, { __REALTIME_TIMESTAMP: String(START_US + number * 1000 + jump) });
    });
    const path = join(folder, 'a.journal');
    const writer = new JournalWriter(context, path, ONE_FILE);
    await writer.write(entries.slice(0, 50).join(''));
    await writer.end();
    assert.deepEqual(readAll(journal), messages(round * 100, round * 100 + 50));
    const more = new JournalWriter(context, path, ONE_FILE);
    await more.write(entries.slice(50).join(''));
    await more.end();
    const position = JSON.parse(JSON.stringify(journal.position())) as JournalPosition;
    journal.close();
    if (round === 2) renameSync(path, join(folder, 'a@1.journal'));
    journal = open(folder, position);
    assert.deepEqual(readAll(journal), messages(round * 100 + 50, round * 100 + 100));
    assert.deepEqual(journal.lost, { rotated: 0, corrupt: 0, unreadable: 0 });
  }
  journal.close();
});

test('inaccessible folders and files are problems that name the group to add', (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root can become another user');
  const folder = folderOf(context);
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'closed'), { mode: 0o700 });
  mkdirSync(join(folder, 'open'), { mode: 0o755 });
  writeFileSync(join(folder, 'open', 'system.journal'), 'x', { mode: 0o600 });
  chownSync(join(folder, 'open', 'system.journal'), 0, 4);
  chownSync(join(folder, 'closed'), 0, 190);
  const journal = new Journal({ paths: [join(folder, 'closed'), join(folder, 'open')], start: 'now' });
  process.seteuid?.(65_534);
  try {
    const { found, problems } = journal.scan();
    assert.equal(found, 1);
    assert.deepEqual(
      problems.map(({ message }) => message),
      [190, 4].map(
        (gid, index) =>
          `${join(folder, ['closed', 'open/system.journal'][index] ?? '')}: permission denied; run with group ${gid} (supplementalGroups of the pod)`,
      ),
    );
  } finally {
    process.seteuid?.(0);
    journal.close();
  }
});

test('a journal is followed while it is written and rotated, and while the reader starts again', async (context) => {
  if (!serverAvailable(context, WRITER)) return;
  const folder = folderOf(context);
  // systemd derives the size of files from that of the disk: on a small one it rotates often.
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', folder]);
  if (mounted.status !== 0) return context.skip('a small file system can only be mounted by root');
  const total = 50_000;
  const writer = new JournalWriter(context, join(folder, 'remote.journal'), ONE_FILE);
  const state: { isDone: boolean } = { isDone: false };
  const writing = (async () => {
    for (let number = 0; number < total; number += 100) {
      const part = Array.from({ length: 100 }, (_, index) => exportEntry(number + index));
      await writer.write(part.join(''));
    }
    await writer.end();
    state.isDone = true;
  })();
  const seen = new Map<string, number>();
  let twice = 0;
  const lost = { rotated: 0, corrupt: 0, unreadable: 0 };
  const close = (reader: Journal) => {
    for (const reason of ['rotated', 'corrupt', 'unreadable'] as const) lost[reason] += reader.lost[reason];
    reader.close();
  };
  let journal = open(folder);
  let restarts = 0;
  for (;;) {
    const { isDone } = state;
    const read = readAll(journal);
    for (const message of read) {
      twice += seen.has(message) ? 1 : 0;
      seen.set(message, 1);
    }
    if (isDone) break;
    if (restarts < 10 && seen.size > (restarts + 1) * 4000) {
      restarts++;
      const position = JSON.parse(JSON.stringify(journal.position())) as JournalPosition;
      close(journal);
      journal = open(folder, position);
    }
    await sleep(20);
  }
  await writing;
  const files = readdirSync(folder).length;
  context.diagnostic(`${files} files, ${restarts} restarts`);
  assert.ok(files > 10);
  close(journal);
  // On a small file system the writer deletes old files; a reader on a busy machine may lose some of them.
  assert.deepEqual(
    { accounted: seen.size + lost.rotated, twice, corrupt: lost.corrupt, unreadable: lost.unreadable },
    { accounted: total, twice: 0, corrupt: 0, unreadable: 0 },
  );
});
