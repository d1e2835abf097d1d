import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { cleanUp } from './clean-up.ts';
import { scratchFolder } from './host-tree.ts';
import { until } from './until.ts';

/** A test whose clean-up `end` starts. As in Node, the hooks run in their order, and none after a failure. */
function endedByHand() {
  const hooks: (() => unknown)[] = [];
  const context = { after: (hook: () => unknown) => hooks.push(hook) } as unknown as TestContext;
  const end = async () => {
    for (const hook of hooks) await hook();
  };
  return { context, end };
}

test('a process that writes into a folder ends before the folder is removed', async (context) => {
  const { context: inner, end } = endedByHand();
  const folder = scratchFolder(inner);
  const script = 'for (let index = 0; ; index++) require("node:fs").writeFileSync(String(index % 1000), "")';
  const child = spawn(process.execPath, ['-e', script], { cwd: folder, stdio: 'ignore' });
  context.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const found: boolean[] = [];
  cleanUp(inner, async () => {
    child.kill('SIGKILL');
    await exited;
    found.push(existsSync(folder));
  });
  await until(() => readdirSync(folder).length > 0);
  await end();
  assert.deepEqual([found, existsSync(folder)], [[true], false]);
});

test('all steps run, the last first, and failures are reported', async () => {
  const { context, end } = endedByHand();
  const ran: number[] = [];
  for (const step of [1, 2, 3]) {
    cleanUp(context, () => {
      ran.push(step);
      if (step > 1) throw new Error(`step ${step}`);
    });
  }
  await assert.rejects(end(), /clean-up: Error: step 3; Error: step 2/);
  assert.deepEqual(ran, [3, 2, 1]);
});
