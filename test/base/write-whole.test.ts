import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeWhole } from '../../src/base/write-whole.ts';
import { scratchFolder } from '../kit/host-tree.ts';

test('a file is replaced as a whole, accessible to this user only, as are the folders created for it', async (t) => {
  const root = scratchFolder(t);
  const path = join(root, 'state', 'below', 'file');
  await writeWhole(path, 'one\n');
  await writeWhole(path, 'two\n');
  assert.equal(readFileSync(path, 'utf8'), 'two\n');
  assert.deepEqual(readdirSync(join(root, 'state', 'below')), ['file']);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(root, 'state')).mode & 0o777, 0o700);
});

test('what cannot be replaced stays, and nothing else is left', async (t) => {
  const root = scratchFolder(t);
  const path = join(root, 'taken');
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), '');
  await assert.rejects(writeWhole(path, 'text'), { message: 'not a regular file' });
  const pipe = join(root, 'pipe');
  execFileSync('mkfifo', [pipe]);
  symlinkSync(pipe, join(root, 'link'));
  for (const name of ['pipe', 'link'])
    await assert.rejects(writeWhole(join(root, name), 'text'), { message: 'not a regular file' });
  assert.ok(statSync(join(root, 'link')).isFIFO());
  assert.deepEqual(readdirSync(root, { recursive: true }).sort(), ['link', 'pipe', 'taken', 'taken/inside']);
});
