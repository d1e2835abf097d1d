import assert from 'node:assert/strict';
import fs, { chmodSync, closeSync, openSync, renameSync, rmSync, statSync, symlinkSync, writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { mock, type TestContext, test } from 'node:test';
import { Journal } from '../../../src/host/journal/journal.ts';
import type { JournalPosition } from '../../../src/host/journal/position.ts';
import { scratchFolder } from '../../kit/host-tree.ts';
import { interleave } from '../../kit/interleave.ts';
import { JournalModel } from '../../kit/journal-model.ts';

const NOTHING = { rotated: 0, corrupt: 0, unreadable: 0 };

function begin(context: TestContext, options: ConstructorParameters<typeof JournalModel>[1] = {}) {
  const folder = scratchFolder(context);
  return { folder, model: new JournalModel(join(folder, 'machine'), options) };
}

const open = (folder: string, position?: JournalPosition) =>
  new Journal({ paths: [folder], start: { sinceRealtime: 0 }, leavesDeleted: true, position });

/** Reads all entries that are available, or at most `most`, and returns their messages. */
function read(journal: Journal, most = Infinity): string[] {
  const received: string[] = [];
  while (received.length < most) {
    const next = journal.next();
    if (next === undefined) break;
    received.push(next.fields[0]?.text ?? '');
  }
  return received;
}

function scanAndRead(journal: Journal, most = Infinity): string[] {
  assert.deepEqual(journal.scan().problems, []);
  return read(journal, most);
}

const restart = (journal: Journal, folder: string): Journal => {
  const position = JSON.parse(JSON.stringify(journal.position())) as JournalPosition;
  journal.close();
  const next = open(folder, position);
  Object.assign(next.lost, journal.lost);
  return next;
};

for (const sharesSeries of [true, false]) {
  test(`entries of users between those of the system are not missing, ${sharesSeries ? 'in one series' : 'in several'}`, (context) => {
    const { folder, model } = begin(context, { sharesSeries });
    model.write('system');
    let journal = open(folder);
    const received = scanAndRead(journal);
    for (let round = 0; round < 20; round++) {
      for (const name of ['system', 'user-1000', 'system', 'user-1001'].slice(round % 3)) {
        model.write(name);
        if (round % 2 === 0) received.push(...scanAndRead(journal));
      }
      if (round % 7 === 0) model.rotate('user-1000');
      if (round % 5 === 0) journal = restart(journal, folder);
    }
    received.push(...scanAndRead(journal));
    assert.deepEqual(received, model.written);
    assert.deepEqual(journal.lost, NOTHING);
    journal.close();
  });

  test(`a deleted file is counted by its entries, also in the middle, ${sharesSeries ? 'in one series' : 'in several'}`, (context) => {
    const { folder, model } = begin(context, { sharesSeries });
    model.write('system', 2);
    model.write('user-1000', 2);
    const journal = open(folder);
    const received = scanAndRead(journal);
    for (const name of ['system', 'user-1000', 'system']) {
      model.write(name, 3);
      model.write('system', 2);
      model.rotate(name);
    }
    model.write('system', 4);
    const [, middle] = model.archived.slice(-2);
    model.vacuum(middle);
    received.push(...scanAndRead(journal));
    assert.equal(journal.lost.rotated, model.written.length - received.length);
    assert.ok(journal.lost.rotated > 0);
    journal.close();
  });
}

test('a file that is renamed between listing and opening is read, and not counted', (context) => {
  const { folder, model } = begin(context);
  model.write('system', 3);
  const journal = open(folder);
  const received = scanAndRead(journal);
  // Not seen before: its path is that of the next one when it is opened.
  model.rotate('system');
  model.write('system', 5);
  let isRotated = false;
  interleave(
    (_, name, path) => {
      if (name !== 'openSync' || !String(path).endsWith('/system.journal') || isRotated) return;
      isRotated = true;
      model.rotate('system');
      model.write('system', 2);
    },
    () => received.push(...scanAndRead(journal)),
  );
  received.push(...scanAndRead(journal));
  assert.ok(isRotated);
  assert.deepEqual(received, model.written);
  assert.deepEqual(journal.lost, NOTHING);
  journal.close();
});

test('the content of a deleted file that is still open is rotated away, not damaged', (context) => {
  for (const mostBefore of [0, 1, 20]) {
    const { folder, model } = begin(context);
    model.write('system', 40);
    model.rotate('system');
    model.write('system', 2);
    const journal = open(folder);
    const received = scanAndRead(journal, mostBefore);
    model.vacuum();
    received.push(...read(journal));
    received.push(...scanAndRead(journal));
    assert.ok(received.every((message) => model.written.includes(message)));
    assert.deepEqual(journal.lost, { ...NOTHING, rotated: 42 - received.length }, `${mostBefore}`);
    assert.equal(journal.lostFields, 0);
    journal.close();
  }
});

test('a loss is counted while nothing is read', (context) => {
  const { folder, model } = begin(context);
  model.write('system', 10);
  const journal = open(folder);
  const received = scanAndRead(journal, 4);
  model.rotate('system');
  model.write('system', 5);
  journal.scan();
  model.remove();
  journal.scan();
  assert.equal(journal.lost.rotated, 6);
  received.push(...read(journal));
  assert.equal(received.length, 9);
  assert.equal(journal.lost.rotated, 6);
  journal.close();
});

test('what was missing at the first start is no loss; what is deleted since is', (context) => {
  const { folder, model } = begin(context);
  model.write('system', 2);
  model.write('user-1000', 5);
  model.write('system', 2);
  model.rotate('user-1000');
  model.vacuum();
  model.rotate('system');
  model.write('system', 3);
  model.rotate('system');
  model.write('system', 1);
  let journal = open(folder);
  assert.equal(scanAndRead(journal, 3).length, 3);
  assert.deepEqual(journal.lost, NOTHING);
  journal = restart(journal, folder);
  model.vacuum(model.archived.at(-1));
  assert.equal(scanAndRead(journal).length, 2);
  assert.deepEqual(journal.lost, { ...NOTHING, rotated: 3 });
  journal.close();
});

test('each machine has its own numbers', (context) => {
  const { folder, model } = begin(context);
  const other = new JournalModel(join(folder, 'other'));
  model.write('system', 3);
  other.write('system', 20);
  const journal = open(folder);
  assert.equal(scanAndRead(journal).length, 23);
  model.write('system', 4);
  model.rotate('system');
  model.vacuum();
  model.write('system', 2);
  other.write('system', 2);
  assert.equal(scanAndRead(journal).length, 4);
  assert.equal(journal.lost.rotated, 4);
  journal.close();
});

test('damaged entries are counted once, also at the end of a file and before a restart', (context) => {
  for (const [damaged, restarts] of [
    [[2], false],
    [[2, 3], true],
    [[8, 9], false],
    [[9], true],
  ] as const) {
    const { folder, model } = begin(context);
    model.write('system', 10);
    model.rotate('system');
    model.write('system', 3);
    const [path = ''] = model.archived;
    const fd = openSync(path, 'r+');
    for (const index of damaged) writeSync(fd, Buffer.from([99]), 0, 1, model.offsetOf(path, index));
    closeSync(fd);
    let journal = open(folder);
    let received = scanAndRead(journal, damaged[0]).length;
    journal.scan();
    if (restarts) journal = restart(journal, folder);
    received += scanAndRead(journal).length;
    assert.equal(received, 13 - damaged.length);
    assert.deepEqual(journal.lost, { ...NOTHING, corrupt: damaged.length }, JSON.stringify([damaged, restarts]));
    journal.close();
  }
});

test('an entry that no longer fits in its file is not missing in the next one', (context) => {
  const { folder, model } = begin(context);
  model.write('system', 3);
  const journal = open(folder);
  const received = scanAndRead(journal);
  for (let round = 0; round < 3; round++) {
    model.write('system', 2);
    model.fail('system');
    model.rotate('system');
    model.write('system', 2);
    received.push(...scanAndRead(journal));
  }
  assert.deepEqual(received, model.written);
  assert.deepEqual(journal.lost, NOTHING);
  journal.close();
});

test('a lack of descriptors delays entries, and counts none', (context) => {
  const { folder, model } = begin(context);
  model.write('system', 3);
  const journal = open(folder);
  const received = scanAndRead(journal);
  model.write('system', 2);
  model.rotate('system');
  model.write('system', 2);
  model.rotate('system');
  model.write('system', 2);
  for (const refused of ['openSync', 'readdirSync']) {
    interleave(
      (_, name, path) => {
        if (name !== refused || String(path).endsWith('/system.journal')) return;
        throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
      },
      () => {
        assert.ok(journal.scan().problems.length > 0);
        received.push(...read(journal));
      },
    );
  }
  received.push(...scanAndRead(journal));
  assert.deepEqual(received, model.written);
  assert.deepEqual(journal.lost, NOTHING);
  journal.close();
});

test('where open files have other numbers, or cannot be found at all, the others are read', (context) => {
  const fstat = mock.method(fs, 'fstatSync', (fd: number) =>
    Object.assign(statSync(`/proc/self/fd/${fd}`), { ino: 7 * fd, nlink: 1 }),
  );
  syncBuiltinESMExports();
  context.after(() => {
    fstat.mock.restore();
    syncBuiltinESMExports();
  });
  for (const isRefused of [false, true]) {
    const { folder, model } = begin(context);
    model.write('system', 3);
    const journal = open(folder);
    const received = scanAndRead(journal);
    model.write('system', 2);
    model.rotate('system');
    model.write('system', 2);
    model.rotate('system');
    model.vacuum();
    model.write('system', 2);
    for (let scans = 0; scans < 8; scans++) {
      interleave(
        (_, name, path) => {
          if (!isRefused || name !== 'openSync' || !String(path).includes('@')) return;
          throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
        },
        () => {
          journal.scan();
          received.push(...read(journal));
        },
      );
    }
    const { rotated, corrupt, unreadable } = journal.lost;
    assert.equal(received.at(-1), model.written.at(-1));
    assert.deepEqual([received.length + rotated + unreadable, corrupt], [model.written.length, 0]);
    journal.close();
  }
});

test('what may be in a file that cannot be read is counted as unreadable', (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root can become another user');
  const { folder, model } = begin(context);
  chmodSync(folder, 0o755);
  model.write('system', 2);
  for (let round = 0; round < 3; round++) {
    model.write('user-1000', 2);
    model.write('system');
  }
  chmodSync(join(model.folder, 'system.journal'), 0o644);
  chmodSync(join(model.folder, 'user-1000.journal'), 0o600);
  const journal = open(folder);
  process.seteuid?.(65_534);
  try {
    assert.equal(journal.scan().problems.length, 1);
    assert.equal(read(journal).length, 5);
    // What was missing at the start is no loss.
    assert.deepEqual(journal.lost, NOTHING);
  } finally {
    process.seteuid?.(0);
  }
  for (let round = 0; round < 3; round++) {
    model.write('user-1000', 2);
    model.write('system');
  }
  process.seteuid?.(65_534);
  try {
    journal.scan();
    assert.equal(read(journal).length, 3);
    assert.deepEqual(journal.lost, { ...NOTHING, unreadable: 6 });
  } finally {
    process.seteuid?.(0);
    journal.close();
  }
});

test('a link to nothing and a file that is moved away do not hold up anything', (context) => {
  const { folder, model } = begin(context);
  symlinkSync('/nowhere', join(folder, 'machine', 'system@nothing.journal'));
  model.write('system', 3);
  const journal = open(folder);
  scanAndRead(journal);
  model.write('system', 5);
  model.rotate('system');
  model.write('system', 2);
  journal.scan();
  const [path = ''] = model.archived.filter((name) => !name.includes('nothing'));
  const elsewhere = join(scratchFolder(context), 'moved');
  renameSync(path, elsewhere);
  for (let round = 0; round < 3; round++) journal.scan();
  assert.equal(journal.lost.rotated, 5);
  assert.equal(read(journal).length, 2);
  rmSync(elsewhere);
  journal.close();
});

test('a position saved by an earlier version continues', (context) => {
  const { folder, model } = begin(context);
  model.write('system', 5);
  let journal = open(folder);
  const received = scanAndRead(journal, 3);
  const { files, boundary, seqnums } = JSON.parse(JSON.stringify(journal.position())) as JournalPosition;
  journal.close();
  const plain = Object.entries(files).map(([id, { index, seqnum }]) => [id, { index, seqnum }] as const);
  model.rotate('system');
  model.write('system', 2);
  journal = open(folder, { files: Object.fromEntries(plain), boundary, seqnums });
  received.push(...scanAndRead(journal));
  assert.deepEqual(received, model.written);
  assert.deepEqual(journal.lost, NOTHING);
  journal.close();
});
