import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { sleep } from '../../base/clock.ts';
import { errorCode, errorText } from '../../base/error-text.ts';
import { nextSlice } from '../../base/turns.ts';
import { reapGroup } from '../../host/syscalls.ts';

/** The program to start. */
interface ChildOptions {
  /** The program and its arguments; never a shell. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** Maximum bytes of standard output; the program is killed when it prints more. */
  readonly maxOutput: number;
}

/** How the program ended. */
export interface ProgramEnd {
  /** `limit`: it printed too much; `stopped`: the signal fired; `spawn`: it could not be started. */
  readonly how: 'exit' | 'limit' | 'stopped' | 'spawn';
  /** -1 when it did not start, 128 + n when signal n ended it. */
  readonly code: number;
  readonly stdout: Buffer;
  /** The last 4 KiB. */
  readonly stderr: string;
  /** Why it could not be started. */
  readonly error?: string;
}

const MAX_STDERR = 4096;
/** Between SIGTERM and SIGKILL. */
export const KILL_AFTER_MS = 2000;
/** Wait for pipes that a grandchild keeps open. */
const PIPES_MS = 300;
/** Intervals at which to check whether killed grandchildren have ended. */
const REAP_AT_MS = [0, 20, 100, 500];

/** Runs a program in its own process group; no process of the group remains when this resolves. Never rejects. */
export async function runChild(options: ChildOptions, signal: AbortSignal): Promise<ProgramEnd> {
  // A spawn blocks the event loop for some milliseconds.
  await nextSlice();
  const nothing = { stdout: Buffer.alloc(0), stderr: '' };
  if (signal.aborted) return { how: 'stopped', code: -1, ...nothing };
  let child: ChildProcess;
  try {
    child = start(options);
  } catch (cause) {
    return { how: 'spawn', code: -1, ...nothing, error: spawnError(cause, options) };
  }
  const failed = Promise.withResolvers<{ readonly error: unknown }>();
  child.once('error', (error) => failed.resolve({ error }));
  const output = collect(child, options.maxOutput);
  const exit = new Promise<{ code: number }>((resolve) => {
    child.once('exit', (code, name) => resolve({ code: code ?? 128 + (name ? constants.signals[name] : 0) }));
  });
  const { pid } = child;
  if (pid === undefined)
    return { how: 'spawn', code: -1, ...nothing, error: spawnError((await failed.promise).error, options) };
  const stopped = Promise.withResolvers<'stopped'>();
  const stop = () => stopped.resolve('stopped');
  signal.addEventListener('abort', stop, { once: true });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const how = await Promise.race([exit.then(() => 'exit' as const), output.full, stopped.promise]);
  signal.removeEventListener('abort', stop);
  if (how === 'limit') kill(pid, 'SIGKILL');
  if (how === 'stopped') {
    kill(pid, 'SIGTERM');
    await Promise.race([exit, sleep(KILL_AFTER_MS)]);
    kill(pid, 'SIGKILL');
  }
  const { code } = await exit;
  await Promise.race([closed, sleep(PIPES_MS)]);
  // Remaining processes of the group would run forever.
  kill(pid, 'SIGKILL');
  child.stdout?.destroy();
  child.stderr?.destroy();
  await reap(pid);
  // A program may end before all of its output has been read.
  const isCut = how === 'exit' && output.isFull();
  return { how: isCut ? 'limit' : how, code, stdout: output.stdout(), stderr: output.stderr() };
}

function start({ command: [program = '', ...args], cwd, env, user }: ChildOptions): ChildProcess {
  return spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'], ...user });
}

function spawnError(cause: unknown, { command: [program = ''], cwd }: ChildOptions): string {
  const [code, message] = [errorCode(cause) ?? '', errorText(cause)];
  const why =
    {
      ENOENT: `${program}, its interpreter or the folder ${cwd} does not exist`,
      EACCES: `${program} is not executable`,
    }[code] ?? message;
  return `cannot be started: ${why} (${code})`;
}

/** Collects what the program prints, up to the limit. */
function collect(child: ChildProcess, maxOutput: number) {
  const chunks: Buffer[] = [];
  let size = 0;
  let errors = Buffer.alloc(0);
  const full = Promise.withResolvers<'limit'>();
  child.stdout?.on('data', (chunk: Buffer) => {
    if (size > maxOutput) return;
    chunks.push(chunk.subarray(0, maxOutput - size));
    size += chunk.length;
    if (size <= maxOutput) return;
    child.stdout?.destroy();
    full.resolve('limit');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = Buffer.concat([errors, chunk]).subarray(-MAX_STDERR);
  });
  return {
    full: full.promise,
    isFull: () => size > maxOutput,
    stdout: () => Buffer.concat(chunks),
    stderr: () => errors.toString(),
  };
}

/** Signals a process group; it may have ended. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has no processes left.
  }
}

/** As PID 1 of a container the agent inherits grandchildren: without this they would remain as zombies. */
async function reap(pid: number): Promise<void> {
  if (process.pid !== 1) return;
  for (const wait of REAP_AT_MS) {
    if (wait > 0) await sleep(wait);
    if (!reapGroup(pid)) return;
  }
}
