import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { FIELD, Stat } from '../../src/collectors/process/parse.ts';
import { ProcFiles } from '../../src/collectors/process/proc-files.ts';
import { KeptFiles } from '../../src/host/kept-files.ts';

// With real processes, because only the kernel's files behave like this.

/** A process that uses CPU until it ends. */
async function start(context: TestContext): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn('bash', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
  context.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  return child as ChildProcess & { readonly pid: number };
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** The result of the last read. */
function parsed({ bytes, length }: ProcFiles): Stat {
  const stat = new Stat();
  stat.parse(bytes, length);
  return stat;
}

const pidOf = ({ bytes }: ProcFiles): number => Number.parseInt(bytes.toString('latin1', 0, 20), 10);

/** The stat files that this process has open. */
const open = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return /^\/proc\/\d+\/stat$/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false;
    }
  }).length;

test('an open stat file returns current data until its process has ended', async (t) => {
  const child = await start(t);
  const kept = new KeptFiles<number>(10);
  const files = new ProcFiles('/proc', kept);
  assert.ok(files.readStat(child.pid, false));
  assert.equal(open(), 0, 'one that was not known before');
  assert.ok(files.readStat(child.pid, true));
  assert.equal(open(), 1);
  const before = parsed(files).fields[FIELD.userTicks] as number;
  const deadline = performance.now() + 60_000;
  do {
    assert.ok(performance.now() < deadline, 'the process has used CPU, but its stat file does not show it');
    assert.ok(files.readStat(child.pid, true));
  } while ((parsed(files).fields[FIELD.userTicks] as number) < before + 10);
  assert.equal(open(), 1);
  await end(child);
  assert.equal(files.readStat(child.pid, true), false);
  assert.equal(open(), 0);
});

test('the open file of an ended process is not used for another one with its pid', async (t) => {
  const [first, second] = [await start(t), await start(t)];
  const kept = new KeptFiles<number>(10);
  const files = new ProcFiles('/proc', kept);
  kept.open(second.pid, `/proc/${first.pid}/stat`);
  await end(first);
  assert.ok(files.readStat(second.pid, true));
  assert.equal(pidOf(files), second.pid);
  files.forget(second.pid);
  assert.equal(open(), 0);
});

test('the number of open files is limited, and all files are read', async (t) => {
  const children = [await start(t), await start(t)];
  for (const most of [0, 1]) {
    const files = new ProcFiles('/proc', new KeptFiles<number>(most));
    for (const { pid } of [...children, ...children]) {
      assert.ok(files.readStat(pid, true));
      assert.equal(pidOf(files), pid);
    }
    assert.equal(open(), most);
    for (const { pid } of children) files.forget(pid);
  }
});

test('after a minute without a read all files are closed, and opened again when needed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { pid } = await start(t);
  const kept = new KeptFiles<number>(10);
  const files = new ProcFiles('/proc', kept);
  for (let look = 0; look < 3; look++) {
    kept.touch();
    assert.ok(files.readStat(pid, true));
    t.mock.timers.tick(59_000);
    assert.equal(kept.size, 1);
  }
  t.mock.timers.tick(1000);
  assert.equal(kept.size, 0);
  assert.equal(open(), 0);
  // Also during a longer read.
  assert.ok(files.readStat(pid, true));
  assert.equal(kept.size, 1);
  t.mock.timers.tick(60_000);
  assert.equal(kept.size, 0);
});
