import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const WATCHDOG = fileURLToPath(new URL('../../src/host/watchdog.ts', import.meta.url));

/** A process under the watchdog that does `work` when it is ready. */
async function watched(t: TestContext, seconds: number, work: string) {
  const program = `
    import { signalHandled, watchEventLoop } from ${JSON.stringify(WATCHDOG)};
    let signals = 0;
    process.on('SIGTERM', () => { if (++signals === 2) process.exit(1); signalHandled('SIGTERM'); console.log('first'); });
    watchEventLoop(${seconds}, 100);
    console.log('ready');
    setTimeout(() => { ${work} }, 200);`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  await once(child.stdout, 'data');
  return { child, ended };
}

test('a loop that never turns again ends with its process', { timeout: 60_000 }, async (t) => {
  const { ended } = await watched(t, 1, 'for (;;);');
  assert.deepEqual(await ended, [26, null]);
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
