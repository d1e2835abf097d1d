import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TailedFile } from '../../src/host/tail/tailed-file.ts';
import { filePositionText, NewFiles, parseFilePosition } from '../../src/logs/files/new-files.ts';

const fileOf = (ino: number) => new TailedFile('/var/log/app.log', { dev: 1, ino }, 0, 0);

test('a position is completed by files that appeared after it, at most a thousand; an acknowledged one ends them', () => {
  const files = new NewFiles();
  const before = filePositionText({ sets: { a: [fileOf(1).state] }, seen: 0 });
  assert.equal(files.complete(before), before);
  for (let ino = 2; ino < 1502; ino++) files.add('a', fileOf(ino));
  const inodes = parseFilePosition(files.complete(before)).sets.a?.map(({ ino }) => ino);
  assert.deepEqual(inodes, [1, ...Array.from({ length: 1000 }, (_, index) => 502 + index)]);
  const after = filePositionText({ sets: { a: [] }, seen: files.seen });
  assert.equal(files.complete(after), after);
  assert.equal(files.complete(before), before);
});

test('a position of an earlier version has no number of files', () => {
  assert.deepEqual(parseFilePosition('{"a":[]}'), { sets: { a: [] }, seen: 0 });
});
