import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readState } from '../../src/collectors/log/state-file.ts';
import { readPosition } from '../../src/logs/position-file.ts';
import { readDisables } from '../../src/status/disables-file.ts';
import { readTasks } from '../../src/tasks/tasks-file.ts';
import { scratchFolder } from '../kit/host-tree.ts';

/** Each rejects for an unusable file. */
const READERS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  position: (path) =>
    readPosition(path, (problem) => {
      throw problem;
    }),
  'state of log collectors': readState,
  tasks: readTasks,
  'disabled collectors': readDisables,
};

const DAMAGES: Readonly<Record<string, readonly [damage: (path: string) => void, reason: string]>> = {
  'of another format': [(path) => writeFileSync(path, 'x'), ''],
  'that is too large': [
    (path) => {
      writeFileSync(path, 'x');
      truncateSync(path, 2 ** 30);
    },
    'larger than 16777216 bytes',
  ],
};

/** Objects that contain no state. */
const OBJECTS: Readonly<Record<string, (path: string) => void>> = {
  'a folder': (path) => mkdirSync(path),
  'a device that never ends': (path) => symlinkSync('/dev/zero', path),
  'a pipe': (path) => assert.equal(spawnSync('mkfifo', [path]).status, 0),
};

const pathIn = (t: TestContext) => join(scratchFolder(t), 'saved');

for (const [what, read] of Object.entries(READERS)) {
  for (const [how, [damage, reason]] of Object.entries(DAMAGES)) {
    test(`${what}: a file ${how} is renamed, and named in the error`, async (t) => {
      const path = pathIn(t);
      damage(path);
      await assert.rejects(read(path), ({ message }: Error) => {
        assert.ok(message.startsWith(`${path} ignored: `) && message.includes(reason), message);
        assert.ok(message.endsWith(`; renamed to ${path}.bad`), message);
        return true;
      });
      assert.deepEqual(readdirSync(join(path, '..')), ['saved.bad']);
    });
  }

  for (const [how, make] of Object.entries(OBJECTS)) {
    test(`${what}: ${how} in place of the file is named in the error, and stays`, async (t) => {
      const path = pathIn(t);
      make(path);
      await assert.rejects(read(path), { message: `${path} ignored: not a regular file` });
      assert.deepEqual(readdirSync(join(path, '..')), ['saved']);
    });
  }

  test(`${what}: the error says when an unusable file could not be renamed`, async (t) => {
    const path = pathIn(t);
    writeFileSync(path, 'x');
    mkdirSync(join(`${path}.bad`, 'full'), { recursive: true });
    await assert.rejects(read(path), /renaming it to \S+\.bad failed, and the next save replaces it: EISDIR/);
    assert.equal(readFileSync(path, 'utf8'), 'x');
  });
}
