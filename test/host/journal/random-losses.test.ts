import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Journal } from '../../../src/host/journal/journal.ts';
import type { JournalPosition } from '../../../src/host/journal/position.ts';
import { scratchFolder } from '../../kit/host-tree.ts';
import { interleave } from '../../kit/interleave.ts';
import { JournalModel } from '../../kit/journal-model.ts';
import { type Random, randomFrom } from '../../kit/random.ts';

const SEEDS = Number(process.env.JOURNAL_SEEDS ?? 200);

function write(model: JournalModel, name: string): void {
  if (model.isFull(name)) model.rotate(name);
  model.write(name);
}

/** Something that journald or an administrator does. */
function act(model: JournalModel, names: readonly string[], random: Random): void {
  const name = random.pick(names);
  const kind = random.below(12);
  if (kind < 6) for (let count = random.below(5); count >= 0; count--) write(model, name);
  else if (kind < 9) model.rotate(name);
  else {
    const path = random.chance(0.7) ? model.archived[0] : random.pick(model.archived);
    if (random.chance(0.5)) model.vacuum(path);
    else model.remove(path);
  }
}

/** Messages that a reader without a position finds. */
function existing(folder: string): string[] {
  const journal = new Journal({ paths: [folder], start: { sinceRealtime: 0 } });
  journal.scan();
  const found: string[] = [];
  for (let next = journal.next(); next !== undefined; next = journal.next()) found.push(next.fields[0]?.text ?? '');
  journal.close();
  return found;
}

function follow(folder: string, random: Random): object {
  const model = new JournalModel(join(folder, 'machine'), { sharesSeries: random.chance(0.5) });
  const names = random.chance(0.6) ? ['system', 'user-1000', 'user-1001'] : ['system'];
  const leavesDeleted = random.chance(0.5);
  const open = (position?: JournalPosition) =>
    new Journal({ paths: [folder], start: { sinceRealtime: 0 }, leavesDeleted, position });
  const received: string[] = [];
  const problems: string[] = [];
  const some = (most: number) => {
    for (let count = random.below(most); count > 0; count--) act(model, names, random);
  };
  for (const name of names) model.write(name);
  some(6);
  const before = model.written.length;
  let journal = open();
  const scan = () => problems.push(...journal.scan().problems.map(({ message }) => message));
  const read = (most = Infinity) => {
    for (let count = 0; count < most; count++) {
      const next = journal.next();
      if (next === undefined) return;
      received.push(next.fields[0]?.text ?? 'without a message');
    }
  };
  scan();
  const expected = new Set(existing(folder));
  for (let round = 3 + random.below(10); round > 0; round--) {
    const chance = random.pick([0, 0.02, 0.04, 0.05]);
    interleave(
      () => random.chance(chance) && act(model, names, random),
      () => {
        if (random.chance(0.8)) scan();
        read(random.chance(0.4) ? Infinity : random.below(12));
      },
    );
    some(4);
    if (!random.chance(0.15)) continue;
    const position = JSON.parse(JSON.stringify(journal.position())) as JournalPosition;
    const { lost } = journal;
    journal.close();
    some(4);
    journal = open(position);
    Object.assign(journal.lost, lost);
  }
  for (let round = 0; round < 4; round++) {
    for (const name of names) write(model, name);
    scan();
    read();
  }
  journal.close();
  for (const message of model.written.slice(before)) expected.add(message);
  const unique = new Set(received);
  return {
    unexpected: received.filter((message) => !expected.has(message)),
    twice: received.length - unique.size,
    // Without those that are received, the lost ones remain.
    uncounted: [...expected].filter((message) => !unique.has(message)).length - journal.lost.rotated,
    corrupt: journal.lost.corrupt + journal.lostFields,
    unreadable: journal.lost.unreadable,
    problems,
  };
}

test('whatever happens between two accesses to files, each entry is received once or counted', (context) => {
  const root = scratchFolder(context);
  const right = { unexpected: [], twice: 0, uncounted: 0, corrupt: 0, unreadable: 0, problems: [] };
  for (let seed = 0; seed < SEEDS; seed++) {
    assert.deepEqual(follow(join(root, String(seed)), randomFrom(`journal ${seed}`)), right, `seed ${seed}`);
  }
});
