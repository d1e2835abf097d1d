import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { UnusableSavedFile } from '../../src/base/saved-file.ts';
import { readTasks, writeTasks } from '../../src/tasks/tasks-file.ts';
import { scratchFolder } from '../kit/host-tree.ts';

const set = (name: string) => Array.from({ length: 300 }, (_, index) => ({ id: `${name}-${index}`, type: 'http' }));

const moduleUrl = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** Writes two sets alternately, forever. */
const WRITER = `
  import { writeTasks } from ${moduleUrl('../../src/tasks/tasks-file.ts')};
  import { writeWhole } from ${moduleUrl('../../src/base/write-whole.ts')};
  const set = (name) => Array.from({ length: 300 }, (_, index) => ({ id: name + '-' + index, type: 'http' }));
  process.stdout.write('ready');
  for (;;) for (const name of ['a', 'b']) {
    await writeTasks(process.argv[1] + '/tasks.json', set(name));
    await writeWhole(process.argv[1] + '/copy', name.repeat(200_000));
  }`;

test('a writer that is killed at any time leaves the old or the new set', { timeout: 120_000 }, async (t) => {
  const folder = scratchFolder(t);
  const seen = new Set<string>();
  for (let round = 0; round < 25; round++) {
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', WRITER, folder];
    const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 20 + 3 * round));
    child.kill('SIGKILL');
    await once(child, 'exit');
    if (!existsSync(join(folder, 'tasks.json'))) continue;
    const tasks = await readTasks(join(folder, 'tasks.json'));
    assert.equal(tasks.length, 300);
    seen.add(String(tasks[0]?.id));
    if (existsSync(join(folder, 'copy'))) {
      assert.match(readFileSync(join(folder, 'copy'), 'utf8'), /^(?:a{200000}|b{200000})$/);
    }
  }
  assert.ok(seen.size >= 1);
});

test('unfinished files are not used; damage is found by the checksum', async (t) => {
  const path = join(scratchFolder(t), 'tasks.json');
  assert.deepEqual(await readTasks(path), []);
  await writeTasks(path, set('a'));
  writeFileSync(`${path}.part`, '{"version":1,');
  assert.deepEqual(await readTasks(path), set('a'));
  writeFileSync(path, readFileSync(path, 'utf8').replace('a-7"', 'a-8"'));
  await assert.rejects(readTasks(path), UnusableSavedFile);
  assert.ok(existsSync(`${path}.bad`));
  assert.deepEqual(await readTasks(path), []);
});
