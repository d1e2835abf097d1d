import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Journal } from '../../../src/host/journal/journal.ts';
import type { JournalPosition } from '../../../src/host/journal/position.ts';
import { scratchFolder } from '../../kit/host-tree.ts';
import { interleave } from '../../kit/interleave.ts';
import { JournalModel } from '../../kit/journal-model.ts';

/** What the writer does in between two accesses of the reader to files. */
const STEPS: Readonly<Record<string, (model: JournalModel) => void>> = {
  'an entry': (model) => model.write('system'),
  'a rotation': (model) => model.rotate('system'),
  'entries, a rotation and more': (model) => {
    model.write('system', 14);
    model.rotate('system');
    model.write('system', 2);
  },
  'two rotations': (model) => {
    for (let round = 0; round < 2; round++) {
      model.write('system', 2);
      model.rotate('system');
    }
    model.write('system');
  },
  'entries of a user and the system': (model) => {
    model.write('user-1000');
    model.write('system');
  },
  'a new user': (model) => {
    model.write('user-1001');
    model.write('system');
  },
  'a rotation of all': (model) => {
    model.write('user-1000');
    model.rotate('system');
    model.rotate('user-1000');
    model.write('system');
    model.write('user-1000');
    model.write('system');
  },
  'the oldest is deleted': (model) => model.remove(),
  'the oldest is deleted, and its blocks freed': (model) => model.vacuum(),
  'a rotation, and all archived are deleted': (model) => {
    model.write('system', 3);
    model.rotate('system');
    for (const path of model.archived) model.vacuum(path);
    model.write('system', 2);
  },
  'an archived one of a user is deleted': (model) => {
    model.rotate('user-1000');
    model.vacuum(model.archived.findLast((path) => path.includes('user')));
    model.write('user-1000');
    model.write('system');
  },
};

interface Run {
  readonly folder: string;
  readonly step: (model: JournalModel) => void;
  /** Before which access to files. */
  readonly at: number;
  readonly leavesDeleted: boolean;
  readonly sharesSeries: boolean;
  /** How many entries are read before the step: the others wait. */
  readonly readBefore: number;
  readonly restarts: boolean;
}

/** Returns what went wrong, and whether the step was taken. */
function follow(run: Run): { wrong: string | undefined; isTaken: boolean } {
  const { folder, step, at, leavesDeleted, sharesSeries, readBefore } = run;
  const model = new JournalModel(join(folder, 'machine'), { sharesSeries });
  const open = (position?: JournalPosition) =>
    new Journal({ paths: [folder], start: { sinceRealtime: 0 }, leavesDeleted, position });
  const received: string[] = [];
  const problems: string[] = [];
  let journal = open();
  const scan = () => problems.push(...journal.scan().problems.map(({ message }) => message));
  const read = (most = Infinity) => {
    for (let count = 0; count < most; count++) {
      const next = journal.next();
      if (next === undefined) return;
      received.push(next.fields[0]?.text ?? 'without a message');
    }
  };
  model.write('system', 3);
  model.write('user-1000', 2);
  model.rotate('system');
  model.write('system', 2);
  scan();
  read(readBefore);
  model.write('user-1000');
  model.write('system', 2);
  let isTaken = false;
  interleave(
    (call) => {
      if (call !== at) return;
      isTaken = true;
      step(model);
    },
    () => {
      scan();
      read(2);
      scan();
      read();
    },
  );
  const lost = { rotated: 0, corrupt: 0, unreadable: 0 };
  if (run.restarts) {
    const position = JSON.parse(JSON.stringify(journal.position())) as JournalPosition;
    journal.close();
    Object.assign(lost, journal.lost);
    journal = open(position);
    Object.assign(journal.lost, lost);
  }
  for (let round = 0; round < 3; round++) {
    model.write('user-1000');
    model.write('system', 2);
    scan();
    read();
  }
  journal.close();
  const { rotated, corrupt, unreadable } = journal.lost;
  const unique = new Set(received);
  const summary = { written: model.written.length, received: unique.size, rotated };
  const isRight =
    unique.size === received.length &&
    unique.size + rotated === model.written.length &&
    received.every((message) => model.written.includes(message)) &&
    corrupt + unreadable + journal.lostFields === 0 &&
    problems.length === 0;
  const twice = received.length - unique.size;
  return { wrong: isRight ? undefined : JSON.stringify({ ...summary, twice, corrupt, unreadable, problems }), isTaken };
}

for (const [name, step] of Object.entries(STEPS)) {
  test(`between any two accesses to files: ${name}`, (context) => {
    const root = scratchFolder(context);
    const wrong: string[] = [];
    let [runs, folders] = [0, 0];
    for (const leavesDeleted of [true, false]) {
      for (const sharesSeries of [true, false]) {
        for (const [readBefore, restarts] of [
          [0, false],
          [4, false],
          [4, true],
          [100, false],
        ] as const) {
          for (let at = 0; ; at++) {
            const options = { at, leavesDeleted, sharesSeries, readBefore, restarts };
            const result = follow({ ...options, step, folder: join(root, String(folders++)) });
            if (!result.isTaken) break;
            runs++;
            if (result.wrong !== undefined) wrong.push(`${JSON.stringify(options)}: ${result.wrong}`);
          }
        }
      }
    }
    assert.equal(wrong.length, 0, `${wrong.length} of ${runs}\n${wrong.slice(0, 8).join('\n')}`);
    assert.ok(runs > 300, `${runs}`);
  });
}
