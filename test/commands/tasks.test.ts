import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tasks as command } from '../../src/commands/tasks.ts';
import { runCommand } from '../kit/command.ts';
import { fixturePaths } from '../kit/host-tree.ts';
import { startLocalAgent } from '../kit/local-agent.ts';

test('tasks: list, add, run and remove tasks of a running agent; refusals list all problems and exit with 1', async (t) => {
  const agent = await startLocalAgent(t, (folder) => ({
    push: { interval: '1s' },
    http: { listen: '127.0.0.1:0', controlTokenFile: join(folder, 'token') },
    paths: fixturePaths(),
    collectors: { container: { enabled: false }, process: { enabled: false }, node: { include: ['loadavg'] } },
  }));
  const tasks = (...args: string[]) =>
    runCommand(command, [...args, '--url', agent.url, '--token-file', join(agent.folder, 'token')]);
  const file = join(agent.folder, 'tasks.yaml');
  writeFileSync(file, 'tasks:\n  - { id: load, type: node.loadavg, interval: 1h }\n');
  const dry = await tasks('add', file, '--dry-run');
  assert.deepEqual([dry.code, dry.stdout], [0, 'added: load\n']);
  assert.deepEqual(await tasks('list'), { code: 0, stdout: '', stderr: 'no tasks\n' });
  const added = await tasks('add', file);
  assert.deepEqual([added.code, added.stdout], [0, 'added: load\n']);
  assert.match(added.stderr, /lost on restart/);
  const again = await tasks('add', file);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /409: .*remove or replace them.*\nconflicts: load\nload: api\n/);
  writeFileSync(file, 'tasks:\n  - { id: load, type: node.loadavg, intervall: 1h }\n  - { id: b, type: nothing }\n');
  const both = await tasks('add', file);
  assert.match(both.stderr, /conflicts: load\n(?:.*\n)*load: intervall: unknown key.*\n(?:.*\n)*b: type: /);
  const ran = await tasks('run', 'load');
  assert.deepEqual([ran.code, ran.stdout.replace(/in \S+ s/, 'in x s')], [0, 'ok in x s, 3 series\n']);
  assert.match((await tasks('list')).stdout, /^load {2}node\.loadavg {2}api {2}waiting {2}3600s {2}ok {2}3 series$/m);
  writeFileSync(file, 'tasks:\n  - { id: bad, type: node.loadavg, intervall: 1h }\n');
  const bad = await tasks('add', file);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /bad: intervall: unknown key; did you mean interval\?/);
  assert.equal((await tasks('remove', 'load', 'nobody')).code, 1);
  assert.deepEqual((await tasks('remove', 'load')).stdout, 'removed: load\n');
  await assert.rejects(tasks('what'), /tasks needs one of list, add, remove, run/);
  const unreachable = runCommand(command, ['list', '--url', 'http://127.0.0.1:9']);
  await assert.rejects(unreachable, /http:\/\/127\.0\.0\.1:9: no response/);
});
