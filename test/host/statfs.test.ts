import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { BlockingSpace, localSpace, MOUNT_TIMEOUT, waitingThreads } from '../../src/host/statfs.ts';
import { answer, HANGING_PROGRAM } from '../kit/hanging-statfs.ts';

const SPACE = { sizeBytes: 5120, freeBytes: 2560, availableBytes: 2048, files: 3, filesFree: 2 };
const TIMEOUT = { error: MOUNT_TIMEOUT };

const folder = (t: TestContext) => {
  const path = mkdtempSync(join(tmpdir(), 'firesteel-statfs-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
};
/** The current result of a promise, without waiting. */
const now = <T>(promise: Promise<T>) => Promise.race([promise, setImmediate('not yet')]);

test('space is in bytes, in the main thread and in a worker', async () => {
  const { bsize, blocks, files } = statfsSync('/proc/self');
  const local = localSpace('/proc/self');
  assert.deepEqual(local, { sizeBytes: bsize * blocks, freeBytes: 0, availableBytes: 0, files, filesFree: 0 });
  assert.deepEqual(await new BlockingSpace(60_000).ask('/proc/self'), local);
  assert.equal(waitingThreads(), 0);
});

test('errors have the messages of the C library', async (t) => {
  const here = folder(t);
  symlinkSync('loop', join(here, 'loop'));
  writeFileSync(join(here, 'file'), '');
  const remote = new BlockingSpace(60_000);
  for (const [path, error] of [
    ['missing', 'no such file or directory'],
    ['file/below', 'not a directory'],
    ['loop', 'too many levels of symbolic links'],
    ['x'.repeat(256), 'file name too long'],
  ] as const) {
    assert.deepEqual(localSpace(join(here, path)), { error });
    assert.deepEqual(await remote.ask(join(here, path)), { error });
  }
});

test('a mount that hangs times out, then fails immediately until it has responded', async (t) => {
  const path = join(folder(t), 'hang');
  const space = new BlockingSpace(50, HANGING_PROGRAM);
  const [first, second] = [space.ask(path), space.ask(path)];
  assert.equal(await now(first), 'not yet');
  assert.deepEqual([await first, await second], [TIMEOUT, TIMEOUT]);
  assert.deepEqual(await now(space.ask(path)), TIMEOUT);
  assert.equal(waitingThreads(), 1);
  await answer(path);
  assert.deepEqual(await new BlockingSpace(60_000, HANGING_PROGRAM).ask(path), SPACE);
  assert.deepEqual(await space.ask(path), SPACE);
});

/** The first request hangs until there is a file called `…-end`. */
const FIRST_HANGS = HANGING_PROGRAM.replace(
  /const hanging = .*;/,
  `let hanging;
  try {
    require('node:fs').writeFileSync(path + '-began', '', { flag: 'wx' });
    hanging = path + '-end';
  } catch {}`,
);

test('another file system that is mounted in place of one that hangs responds', async (t) => {
  const path = join(folder(t), 'mount');
  const space = new BlockingSpace(100, FIRST_HANGS);
  const deadline = performance.now() + 60_000;
  const until = async (holds: () => unknown) => {
    while (!(await holds())) assert.ok(performance.now() < deadline, 'not within a minute');
  };
  assert.deepEqual(await space.ask(path, '0:50'), TIMEOUT);
  await until(() => setImmediate(existsSync(`${path}-began`)));
  assert.deepEqual(await now(space.ask(path, '0:50')), TIMEOUT);
  await until(async () => !('error' in (await space.ask(path, '0:51'))));
  assert.equal(waitingThreads(), 1);
  await answer(`${path}-end`);
  await until(async () => !('error' in (await space.ask(path, '0:50'))));
});

test('mounts that hang block four threads at most, and others respond as long as a thread is free', async (t) => {
  const here = folder(t);
  const hanging = (...names: readonly string[]) => names.map((name) => join(here, `hang-${name}`));
  const space = new BlockingSpace(1000, HANGING_PROGRAM);
  const ask = (paths: readonly string[]) => Promise.all(paths.map((path) => space.ask(path)));
  const three = hanging('a', 'b', 'c');
  assert.deepEqual(await ask([...three, '/fine', '/good']), [TIMEOUT, TIMEOUT, TIMEOUT, SPACE, SPACE]);
  assert.deepEqual(await ask(['/fine', ...three]), [SPACE, TIMEOUT, TIMEOUT, TIMEOUT]);
  const more = hanging('d', 'e');
  assert.deepEqual(await ask([...more, '/fine']), [TIMEOUT, TIMEOUT, TIMEOUT]);
  assert.equal(waitingThreads(), 4);
  assert.deepEqual(await now(space.ask('/fine')), TIMEOUT);
  await answer(...three, ...more);
  assert.deepEqual(await ask(['/fine', ...three, ...more]), [SPACE, SPACE, SPACE, SPACE, SPACE, SPACE]);
});

test('a thread that exits fails its request, and the next request starts another', async () => {
  const space = new BlockingSpace(60_000, 'process.exit(1)');
  assert.deepEqual(await space.ask('/a'), { error: 'thread ended' });
  assert.deepEqual(await space.ask('/a'), { error: 'thread ended' });
  assert.equal(waitingThreads(), 0);
});
