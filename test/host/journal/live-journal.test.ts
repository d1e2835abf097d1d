import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Journal } from '../../../src/host/journal/journal.ts';
import type { JournalPosition } from '../../../src/host/journal/position.ts';
import { exportEntry, JournalWriter } from '../../kit/journal-writer.ts';
import { serverAvailable } from '../../kit/servers.ts';

const WRITER = 'systemd-journal-remote';
const ONE_FILE = ['--split-mode=none'];

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-journal-'));
  context.after(() => {
    // One of the tests mounts a file system there.
    spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

const open = (folder: string, position?: JournalPosition) =>
  new Journal({ paths: [folder], wanted: new Set(['MESSAGE']), start: { sinceRealtime: 0 }, position });

/** Reads all there is and gives the messages. */
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

test('files are read in order, and what a rotation, a restart or a removal makes of them', async (context) => {
  if (!serverAvailable(context, WRITER)) return;
  const folder = folderOf(context);
  await write(context, join(folder, 'a.journal'), 0, 500);
  let journal = open(folder);
  assert.deepEqual(readAll(journal), messages(0, 500));
  await write(context, join(folder, 'a.journal'), 500, 700);
  assert.deepEqual(readAll(journal), messages(500, 700));
  // A restart goes on exactly behind, also when a file has got another name meanwhile.
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

test('what is there at the first start is passed over with start: now', async (context) => {
  if (!serverAvailable(context, WRITER)) return;
  const folder = folderOf(context);
  await write(context, join(folder, 'a.journal'), 0, 100);
  const journal = new Journal({ paths: [folder], wanted: new Set(['MESSAGE']), start: 'now' });
  assert.deepEqual(readAll(journal), []);
  await write(context, join(folder, 'a.journal'), 100, 150);
  assert.deepEqual(readAll(journal), messages(100, 150));
  // A file that appears later holds nothing old.
  await write(context, join(folder, 'b.journal'), 150, 200);
  assert.deepEqual(readAll(journal), messages(150, 200));
  journal.close();
});

test('a journal is followed while it is written and rotated, and while the reader starts again', async (context) => {
  if (!serverAvailable(context, WRITER)) return;
  const folder = folderOf(context);
  // systemd makes files of a size that suits their disk: on a small one it rotates often.
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
  // On a small file system the writer deletes old files; a reader that the machine holds up may lose some of them.
  assert.deepEqual(
    { accounted: seen.size + lost.rotated, twice, corrupt: lost.corrupt, unreadable: lost.unreadable },
    { accounted: total, twice: 0, corrupt: 0, unreadable: 0 },
  );
});
