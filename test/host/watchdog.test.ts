import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The smallest signal that nothing uses: SIGUSR2. */
const GRACE = 12;
const WHEREABOUTS = fileURLToPath(new URL('../../src/base/whereabouts.ts', import.meta.url));
const WATCHDOG = fileURLToPath(new URL('../../src/host/watchdog.ts', import.meta.url));

/** A process under the watchdog that does `work` when it is ready. */
async function watched(t: TestContext, seconds: number, work: string, within: readonly string[] = []) {
  const program = `
    import { begin } from ${JSON.stringify(WHEREABOUTS)};
    import { signalHandled, watchEventLoop } from ${JSON.stringify(WATCHDOG)};
    let signals = 0;
    process.on('SIGTERM', () => { if (++signals === 2) process.exit(1); signalHandled('SIGTERM'); console.log('first'); });
    watchEventLoop({ seconds: ${seconds}, graceSeconds: ${GRACE}, turnMs: 100 });
    console.log('ready');
    setTimeout(() => { ${work} }, 200);`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
  const [command = '', ...rest] = [...within, process.execPath, ...args];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  await once(child.stdout, 'data');
  return { child, ended, stderr: () => stderr };
}

test('a loop that never turns again ends with its process', { timeout: 60_000 }, async (t) => {
  const { ended, stderr } = await watched(t, 1, 'begin("node/cpu"); for (;;);');
  assert.deepEqual(await ended, [26, null]);
  assert.match(stderr(), /the event loop stands still; .*last begun: node\/cpu$/m);
});

test('a loop that waits for ever in a system call ends with its process', { timeout: 60_000 }, async (t) => {
  const wait = 'begin("encode a %n node"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';
  const { ended, stderr } = await watched(t, 1, wait);
  assert.deepEqual(await ended, [14, null]);
  assert.match(stderr(), /last begun: unknown$/m);
});

test('a loop that waits for a reader of its pipe ends with its process', { timeout: 60_000 }, async (t) => {
  const write =
    'const fs = process.getBuiltinModule("fs"); fs.writeSync(1, "full"); for (;;) fs.writeSync(3, Buffer.alloc(65536));';
  // A shell opens the pipe for both ways, so that it has a reader that never reads.
  const blocked = ['sh', '-c', 'd=$(mktemp -d) && mkfifo "$d/p" && exec 3<>"$d/p" && rm -r "$d" && exec "$@"', 'sh'];
  const { ended } = await watched(t, 1, write, blocked);
  assert.deepEqual(await ended, [14, null]);
});

test('a process that is stopped for longer goes on', { timeout: 60_000 }, async (t) => {
  const { child, ended } = await watched(t, 1, 'setTimeout(() => process.exit(7), 6000);');
  child.kill('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 4000));
  child.kill('SIGCONT');
  assert.deepEqual(await ended, [7, null]);
});

test('the first process of a PID namespace: the second SIGTERM ends it while its loop turns, the watch when not', {
  timeout: 60_000,
}, async (t) => {
  const within = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  if (spawnSync('unshare', [...within.slice(1), 'true']).status !== 0) {
    t.skip('a PID namespace takes root');
    return;
  }
  /** The process below unshare. */
  const first = (parent: number) =>
    Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')[0]);
  const turning = await watched(t, 60, 'setInterval(() => undefined, 1000);', within);
  const pid = first(turning.child.pid ?? 0);
  process.kill(pid, 'SIGTERM');
  await once(turning.child.stdout, 'data');
  process.kill(pid, 'SIGTERM');
  assert.deepEqual(await turning.ended, [1, null]);
  const stuck = await watched(t, 1, 'for (;;);', within);
  assert.deepEqual(await stuck.ended, [26, null]);
});

test('a loop that is busy but turns goes on, and so does one that waits', { timeout: 60_000 }, async (t) => {
  const busy =
    'const at = Date.now(); (function on() { const until = Date.now() + 50; while (Date.now() < until); if (Date.now() - at < 4000) setTimeout(on); else process.exit(7); })()';
  const { ended } = await watched(t, 2, busy);
  assert.deepEqual(await ended, [7, null]);
});

test('the second SIGTERM ends a process whose loop stands still', { timeout: 60_000 }, async (t) => {
  const { child, ended } = await watched(t, 60, 'console.log("stuck"); for (;;);');
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  const again = setInterval(() => child.kill('SIGTERM'), 200);
  t.after(() => clearInterval(again));
  assert.deepEqual(await ended, [null, 'SIGTERM']);
});

test('a loop that turns handles the first SIGTERM and the second', { timeout: 60_000 }, async (t) => {
  const { child, ended } = await watched(t, 60, 'setInterval(() => undefined, 1000);');
  child.kill('SIGTERM');
  const [chunk] = await once(child.stdout, 'data');
  assert.equal(String(chunk), 'first\n');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [1, null]);
});
