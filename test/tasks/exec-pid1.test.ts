import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../kit/host-tree.ts';

const TREES = 100;

/** Kills trees of processes as PID 1, then counts zombies. */
const PROGRAM = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { runChild } from ${JSON.stringify(new URL('../../src/tasks/exec/child.ts', import.meta.url).href)};
  const options = { command: ['/bin/sh', '-c', '(sleep 600 & sleep 600) & sleep 600 & sleep 600'], cwd: '/', env: {}, user: undefined, maxOutput: 1000 };
  for (let round = 0; round < ${TREES / 2}; round++) {
    await Promise.all([0, 1].map(() => runChild(options, AbortSignal.timeout(30))));
  }
  const states = readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).map((pid) => {
    try { return readFileSync('/proc/' + pid + '/stat', 'latin1').replace(/^.*\\) /s, '').charAt(0); } catch { return ''; }
  });
  console.log(JSON.stringify({ pid: process.pid, all: states.length, zombies: states.filter((state) => state === 'Z').length }));
  process.exit(0);`;

const unshare = (args: readonly string[]) =>
  spawnSync('unshare', ['--pid', '--fork', '--mount-proc', ...args], { encoding: 'utf8', timeout: 150_000 });

const isPossible = unshare(['true']).status === 0;

test('as PID 1: no zombie after a hundred killed trees', {
  skip: !isPossible && 'no permission for a PID namespace',
  timeout: 160_000,
}, (t) => {
  const file = join(scratchFolder(t), 'program.mjs');
  writeFileSync(file, PROGRAM);
  const { stdout, stderr } = unshare([process.execPath, '--disable-warning=ExperimentalWarning', file]);
  assert.notEqual(stdout, '', stderr);
  assert.deepEqual(JSON.parse(stdout), { pid: 1, all: 1, zombies: 0 });
});
