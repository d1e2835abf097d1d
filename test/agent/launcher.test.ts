import assert from 'node:assert/strict';
import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BUNDLE, startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';

const LAUNCHER = fileURLToPath(new URL('../../src/launcher.mjs', import.meta.url));

/** Prints how it was started, and its standard input. */
const MAIN = `
import { readFileSync } from 'node:fs';
const { pid, execArgv, argv, env } = process;
const [, arenas] = /\\0MALLOC_ARENA_MAX=(\\d+)/.exec('\\0' + readFileSync('/proc/self/environ', 'latin1')) ?? [];
console.log(JSON.stringify({ pid, execArgv, args: argv.slice(2), env: { ...env }, arenas, input: readFileSync(0, 'latin1') }));
`;

interface Started {
  readonly pid: number;
  readonly execArgv: readonly string[];
  readonly args: readonly string[];
  /** What the programs that the agent starts inherit. */
  readonly env: Readonly<Record<string, string>>;
  /** MALLOC_ARENA_MAX as glibc found it. */
  readonly arenas?: string;
  readonly input: string;
}

const IS_GLIBC = readFileSync('/proc/self/maps', 'latin1').includes('/libc.so.6\n');
const PATH = '/usr/bin:/bin';

/** The program as its main module finds it, and the id of the process that was started. */
async function started(
  t: TestContext,
  args: readonly string[],
  {
    env = {},
    flags = [],
    stdio = ['pipe', 'pipe', 'pipe'],
  }: { env?: object; flags?: string[]; stdio?: SpawnOptions['stdio'] } = {},
): Promise<Started & { readonly started: number | undefined }> {
  const folder = scratchFolder(t);
  copyFileSync(LAUNCHER, join(folder, 'firesteel.mjs'));
  writeFileSync(join(folder, 'main.ts'), MAIN);
  const child = spawn(process.execPath, [...flags, join(folder, 'firesteel.mjs'), ...args], {
    env: { PATH, ...env },
    stdio,
  });
  t.after(() => child.kill('SIGKILL'));
  child.stdin?.end('from the parent');
  assert.ok(child.stdout && child.stderr);
  const [printed, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  assert.equal(errors, '');
  assert.equal(code, 0);
  const found: Started = JSON.parse(printed);
  return { ...found, started: child.pid };
}

for (const args of [[], ['run', '--log.level', 'warn'], ['--log.level', 'warn']]) {
  test(`firesteel ${args.join(' ')}: the same process, with the memory options of the image`, {
    skip: !IS_GLIBC,
  }, async (t) => {
    const agent = await started(t, args, { env: { FOO: 'bar' }, flags: ['--no-deprecation'] });
    assert.equal(agent.pid, agent.started);
    assert.deepEqual(agent.execArgv, ['--no-deprecation', '--max-semi-space-size=1']);
    assert.deepEqual(agent.args, args);
    assert.equal(agent.arenas, '1');
    assert.equal(agent.input, 'from the parent');
    // Programs that the agent starts do not see how it was started.
    assert.deepEqual(agent.env, { FOO: 'bar', PATH });
  });
}

test('sizes of the young generation that the user has set are kept', { skip: !IS_GLIBC }, async (t) => {
  const byFlag = await started(t, [], { flags: ['--max_semi_space_size=4'] });
  assert.deepEqual([byFlag.execArgv, byFlag.arenas], [['--max_semi_space_size=4'], '1']);
  const NODE_OPTIONS = '--no-deprecation --max-semi-space-size=4';
  const byEnvironment = await started(t, [], { env: { NODE_OPTIONS } });
  assert.deepEqual([byEnvironment.execArgv, byEnvironment.env], [[], { NODE_OPTIONS, PATH }]);
  assert.equal(byEnvironment.arenas, '1');
});

interface Start {
  readonly args?: string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: string[];
}

const before = (code: string) => ({ flags: ['--import', `data:text/javascript,${code}`] });

/** Starts that are not repeated. */
const AS_IT_IS: Readonly<Record<string, Start>> = {
  'in the image, whose options it has': { env: { MALLOC_ARENA_MAX: '1' } },
  'with another number of arenas': { env: { MALLOC_ARENA_MAX: '4' } },
  'with tunables of glibc': { env: { GLIBC_TUNABLES: 'glibc.malloc.arena_max=2' } },
  'where Node may start no programs': { flags: ['--permission', '--allow-fs-read=*'] },
  'where programs can’t be started': before('process.execPath="/nowhere"'),
  'on a Node that can’t replace itself': before('process.execve=undefined'),
  'with a file that is open already': { args: ['run', '--config', '/dev/fd/63'] },
  'with one that is set by a variable': { env: { FIRESTEEL_CONFIG: '/proc/self/fd/63' } },
  'with one that names the thread': { args: ['run', '--config', '/proc/thread-self/fd/63'] },
  'with one that names a task': { args: ['run', '--config', '/proc/self/task/1/fd/63'] },
  'with --version': { args: ['--version'] },
  'with another command': { args: ['status'] },
};

for (const [name, { args = ['run'], env = {}, flags = [] }] of Object.entries(AS_IT_IS)) {
  test(`${name} it continues as it was started`, async (t) => {
    const agent = await started(t, args, { env, flags });
    assert.deepEqual([agent.execArgv, agent.args, agent.env], [flags, args, { PATH, ...env }]);
    assert.equal(agent.arenas, env.MALLOC_ARENA_MAX);
  });
}

/** As installed, and as `npm start` and `npm run firesteel` start it. */
const PROGRAMS = [BUNDLE, LAUNCHER].filter((program) => program.endsWith('.mjs'));

for (const program of PROGRAMS) {
  test(`the agent that ${basename(program)} starts has the memory options of the image`, {
    skip: !IS_GLIBC,
  }, async (t) => {
    const args = ['run', '--vmagent.url', 'http://127.0.0.1:9', '--http.listen', '127.0.0.1:0'];
    const { child, printed } = startAgentProcess(t, args, {}, [], [], program);
    await printed(/"msg":"started"/);
    const list = (file: string) => readFileSync(`/proc/${child.pid}/${file}`, 'utf8').split('\0');
    const [node, ...command] = list('cmdline').slice(0, -1);
    assert.equal(node, process.execPath);
    assert.deepEqual(command, ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1', program, ...args]);
    assert.ok(list('environ').includes('MALLOC_ARENA_MAX=1'), String(list('environ')));
  });
}

test('npm scripts start the agent through the launcher', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  for (const name of ['start', 'firesteel']) assert.match(scripts[name], /\bnode src\/launcher\.mjs(?: run |$)/);
});

test('with a channel to its parent it continues as it was started', async (t) => {
  const agent = await started(t, ['run'], { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] });
  assert.equal(agent.arenas, undefined);
});
