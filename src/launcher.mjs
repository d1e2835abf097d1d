#!/usr/bin/env -S node --max-semi-space-size=1
// The entry point. Old versions of Node can parse it, so that they print a message instead of a syntax error.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const OLDEST = 24;

if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  console.error(`firesteel needs Node.js ${OLDEST} or newer; ${process.execPath} is ${process.version}.`);
  process.exit(1);
}
const warn = process.emitWarning;
// The interface to C functions is marked as experimental, which the user cannot change.
process.emitWarning = (warning, type, ...rest) => {
  if (type !== 'ExperimentalWarning') warn.call(process, warning, type, ...rest);
};

/** Set while this process replaces itself. */
const AGAIN = 'FIRESTEEL_STARTED_AGAIN';
const { env } = process;

if (env[AGAIN] !== undefined) {
  // Programs that the agent starts get the environment as the user has set it.
  delete env[AGAIN];
  delete env.MALLOC_ARENA_MAX;
} else if (isAgent(process.argv[2]) && hasManyArenas()) {
  startAgain();
}
// The build writes the name of the bundled file here.
await import(new URL('./main.ts', import.meta.url).href);

/** Commands other than `run` end soon. */
function isAgent(word = 'run') {
  return word === 'run' || (word.startsWith('--') && word !== '--help' && word !== '--version');
}

/** Whether each thread of V8 has a malloc arena: they start before any of our code runs, and glibc reads its settings before. */
function hasManyArenas() {
  if (env.MALLOC_ARENA_MAX !== undefined || env.GLIBC_TUNABLES?.includes('arena_max')) return false;
  try {
    return readFileSync('/proc/self/maps', 'latin1').includes('/libc.so.6\n');
  } catch {
    return false;
  }
}

/** Whether a setting is a file that is open already: Node closes those above 2 when it is replaced. */
function usesDescriptors() {
  const settings = Object.entries(env).flatMap(([name, value]) => (name.startsWith('FIRESTEEL_') ? value : []));
  return [...process.argv.slice(2), ...settings].some((text) =>
    /\/dev\/fd\/|\/proc\/(self|thread-self|\d+)\/(task\/\d+\/)?fd\//.test(text),
  );
}

/** Replaces this process with one that has the image's options for memory (docs/decisions/0017). Where it can’t, it continues. */
function startAgain() {
  // The channel to a parent that is Node would be lost, and so would a file that is open already.
  if (process.execve === undefined || process.channel || usesDescriptors()) return;
  const given = [...process.execArgv, ...(env.NODE_OPTIONS ?? '').split(' ')];
  const own = given.some((option) => /^--max[-_]semi[-_]space[-_]size/.test(option)) ? [] : ['--max-semi-space-size=1'];
  const command = [process.argv0, ...process.execArgv, ...own, ...process.argv.slice(1)];
  try {
    // Where programs can't be started, Node 24 ends the process instead of throwing.
    const { status } = spawnSync(process.execPath, ['--version'], { stdio: 'ignore', timeout: 10_000 });
    if (status === 0) process.execve(process.execPath, command, { ...env, MALLOC_ARENA_MAX: '1', [AGAIN]: '1' });
  } catch {
    // Node's permission model, for example.
  }
}
