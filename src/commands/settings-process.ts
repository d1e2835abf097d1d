import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Config } from '../agent/agent.ts';
import { errorText } from '../base/error-text.ts';
import type { Loaded } from '../config/load.ts';
import type { Parsed } from './flags.ts';
import { loadedFrom } from './settings-answer.ts';

/** Paths of the program: in the bundle, relative to it and to its chunks, and in the sources. */
const PROGRAMS = ['check-settings.mjs', '../check-settings.mjs', '../check-settings.ts'];

/**
 * Room for young objects from the start saves a tenth of its CPU, as nothing of its heap is used for long. Other options of
 * V8 would not fit the code cache of the image.
 */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--min-semi-space-size=4'];

/** Reading takes a fifth of a second; on a machine that is low on memory it may take long. */
const PATIENCE_MS = 60_000;

/** The process for reading the configuration failed; nothing is known about the configuration. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/**
 * Loads the configuration given by flags and environment in a short-lived process, so that checking it uses no memory
 * here. Rejects with ConfigError, or with {@link NoAnswer} if no process can be started.
 */
export async function loadInProcess(values: Parsed['values'], env: NodeJS.ProcessEnv): Promise<Loaded<Config>> {
  const program = PROGRAMS.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) =>
    existsSync(path),
  );
  if (program === undefined) throw new NoAnswer('the program that reads the configuration is missing');
  const child = start([...NODE_FLAGS, program, JSON.stringify(values)], env);
  // Then its output may be absent too, as where no descriptors are left (EMFILE, ENFILE).
  if (child.pid === undefined) throw notStarted((await once(child, 'error'))[0]);
  try {
    const [[code, signal], bytes] = await Promise.all([once(child, 'exit'), buffer(child.stdout)]);
    if (code === 0) return loadedFrom(bytes);
    throw new NoAnswer(`the process that reads the configuration ended by ${signal ?? `code ${code}`}`);
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw notStarted(cause);
  }
}

/** Starts Node.js. Throws NoAnswer for the errors that `spawn` throws, such as ENOMEM, E2BIG, and those of Node's permission model. */
function start(args: readonly string[], env: NodeJS.ProcessEnv) {
  try {
    return spawn(process.execPath, args, {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
    });
  } catch (cause) {
    throw notStarted(cause);
  }
}

const notStarted = (cause: unknown): NoAnswer =>
  new NoAnswer(`cannot start a process to read the configuration: ${errorText(cause)}`, { cause });
