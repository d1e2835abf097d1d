import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Config } from '../agent/agent.ts';
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
  const child = spawn(process.execPath, [...NODE_FLAGS, program, JSON.stringify(values)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  try {
    const [[code, signal], bytes] = await Promise.all([once(child, 'exit'), buffer(child.stdout)]);
    if (code === 0) return loadedFrom(bytes);
    throw new NoAnswer(`the process that reads the configuration ended by ${signal ?? `code ${code}`}`);
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new NoAnswer(`cannot start a process to read the configuration: ${cause.message}`, { cause });
  }
}
