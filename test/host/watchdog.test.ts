import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AS_FIRST, canBeFirst, firstOf } from '../kit/pid-namespace.ts';
import { signalsReceived } from '../kit/signals.ts';

/** The smallest unused signal: SIGUSR2. */
const GRACE = 12;
const LAST_OPERATION = fileURLToPath(new URL('../../src/base/last-operation.ts', import.meta.url));
const WATCHDOG = fileURLToPath(new URL('../../src/host/watchdog.ts', import.meta.url));

interface Start {
  /** The command that starts the process. */
  readonly within?: readonly string[];
  /** Whether its loop stops at the first signal. */
  readonly atFirst?: boolean;
}

/** A process with the watchdog that does `work` when it is ready. */
async function watched(t: TestContext, seconds: number, work: string, { within = [], atFirst = false }: Start = {}) {
  const program = `
    import { begin } from ${JSON.stringify(LAST_OPERATION)};
    import { watchEventLoop } from ${JSON.stringify(WATCHDOG)};
    let signals = 0;
    process.on('SIGTERM', () => { if (++signals === 2) process.exit(1); console.log('first'); if (${atFirst}) for (;;); });
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

test('a loop that never turns again ends with its process', { timeout: 120_000 }, async (t) => {
  const { ended, stderr } = await watched(t, 1, 'begin("node/cpu"); for (;;);');
  assert.deepEqual(await ended, [26, null]);
  assert.match(stderr(), /the event loop is blocked; .*last started: node\/cpu$/m);
});

test('a loop that waits forever in a system call ends with its process', { timeout: 120_000 }, async (t) => {
  const wait = 'begin("encode a %n node"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';
  const { ended, stderr } = await watched(t, 1, wait);
  assert.deepEqual(await ended, [14, null]);
  assert.match(stderr(), /last started: unknown$/m);
});

test('a loop that waits for a reader of its pipe ends with its process', { timeout: 120_000 }, async (t) => {
  const write =
    'const fs = process.getBuiltinModule("fs"); fs.writeSync(1, "full"); for (;;) fs.writeSync(3, Buffer.alloc(65536));';
  // A shell opens the pipe for reading and writing, so that it has a reader that never reads.
  const blocked = ['sh', '-c', 'd=$(mktemp -d) && mkfifo "$d/p" && exec 3<>"$d/p" && rm -r "$d" && exec "$@"', 'sh'];
  const { ended } = await watched(t, 1, write, { within: blocked });
  assert.deepEqual(await ended, [14, null]);
});

test('a process that was stopped for longer continues', { timeout: 120_000 }, async (t) => {
  const { child, ended } = await watched(t, 1, 'setTimeout(() => process.exit(7), 6000);');
  child.kill('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 4000));
  child.kill('SIGCONT');
  assert.deepEqual(await ended, [7, null]);
});

test('a loop that is busy but turns continues, and so does one that waits', { timeout: 120_000 }, async (t) => {
  const busy =
    'const at = Date.now(); (function on() { const until = Date.now() + 50; while (Date.now() < until); if (Date.now() - at < 4000) setTimeout(on); else process.exit(7); })()';
  const { ended } = await watched(t, 2, busy);
  assert.deepEqual(await ended, [7, null]);
});

const FOREVER = 'setInterval(() => undefined, 1000);';

/** Operations that block a loop when the signals arrive. */
const STUCK: Readonly<Record<string, string>> = {
  'that is busy in JavaScript': 'console.log("stuck"); for (;;);',
  'that is busy in a V8 function': 'console.log("stuck"); /^(a+)+$/.test("a".repeat(64) + "b");',
  'that waits for a lock': 'console.log("stuck"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
  'that waits in a system call':
    'console.log("stuck"); process.getBuiltinModule("child_process").spawnSync("sleep", ["60"]);',
};

for (const isFirst of [false, true]) {
  const who = isFirst ? 'the first process of a PID namespace' : 'a process';
  const within = isFirst ? AS_FIRST : [];
  const ending = isFirst ? [1, null] : [null, 'SIGTERM'];
  const start = async (t: TestContext, work: string, atFirst = false) => {
    if (isFirst && !canBeFirst(t)) return undefined;
    const started = await watched(t, 60, work, { within, atFirst });
    const { pid = 0 } = started.child;
    return { ...started, pid: isFirst ? firstOf(pid) : pid };
  };

  for (const [where, work] of Object.entries(STUCK)) {
    test(`the second SIGTERM ends ${who} ${where}`, { timeout: 120_000 }, async (t) => {
      const started = await start(t, work);
      if (!started) return;
      const { child, pid, ended } = started;
      await once(child.stdout, 'data');
      process.kill(pid, 'SIGTERM');
      await signalsReceived(pid);
      assert.equal(child.exitCode ?? child.signalCode, null);
      process.kill(pid, 'SIGTERM');
      assert.deepEqual(await ended, ending);
    });
  }

  for (const [what, atFirst] of [
    ['turns', false],
    ['stops at the first SIGTERM', true],
  ] as const) {
    test(`the second SIGTERM ends ${who} whose loop ${what}`, { timeout: 120_000 }, async (t) => {
      const started = await start(t, FOREVER, atFirst);
      if (!started) return;
      const { child, pid, ended } = started;
      process.kill(pid, 'SIGTERM');
      const [chunk] = await once(child.stdout, 'data');
      assert.equal(String(chunk), 'first\n');
      process.kill(pid, 'SIGTERM');
      assert.deepEqual(await ended, ending);
    });
  }
}

test('the first process of a PID namespace whose loop never turns again ends', { timeout: 120_000 }, async (t) => {
  if (!canBeFirst(t)) return;
  const stuck = await watched(t, 1, 'for (;;);', { within: AS_FIRST });
  // By CPU time, or by wall time if it hardly gets any CPU.
  const [code] = await stuck.ended;
  assert.ok(code === 26 || code === 14, `ended with ${code}`);
});
