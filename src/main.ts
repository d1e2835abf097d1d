import { text } from 'node:stream/consumers';
import { createLog } from './base/log.ts';
import { dispatch } from './commands/dispatch.ts';
import { COMMANDS } from './commands/index.ts';
import { stuckOperations } from './exporters/spool/disk.ts';
import { waitingThreads } from './host/statfs.ts';

const stop = new AbortController();
const events = new EventTarget();

/** Threads that wait for a dead mount or a disk that stalls; they never end. */
const hasStuckThreads = () => waitingThreads() + stuckOperations() > 0;

/** process.exit() waits for all threads; an exec does not. */
function end(code: number): void {
  if (!hasStuckThreads()) process.exit(code);
  process.execve?.(process.execPath, [process.execPath, '--eval', `process.exit(${code})`]);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    // The first signal stops the agent in order; a second one ends it immediately (`host/watchdog.ts`).
    if (stop.signal.aborted) end(1);
    stop.abort();
  });
}

process.on('SIGHUP', () => events.dispatchEvent(new Event('reload')));

const die = (cause: unknown) => {
  createLog('fatal').fatal({ err: cause }, 'unexpected error');
  end(1);
};
process.on('uncaughtException', die);
process.on('unhandledRejection', die);

// A reader that closes the pipe early (`collect | head`) is not an error.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => (cause.code === 'EPIPE' ? end(0) : die(cause)));

const isTerminal = process.stdout.isTTY === true;
const isDumb = process.env.TERM === 'dumb';

try {
  process.exitCode = await dispatch(COMMANDS, process.argv.slice(2), {
    stdout: (chunk) => process.stdout.write(chunk),
    stderr: (chunk) => process.stderr.write(chunk),
    stdin: () => text(process.stdin),
    env: process.env,
    isTerminal: isTerminal && !isDumb,
    // Some terminals, especially in containers, report 0 columns.
    columns: Math.max(process.stdout.columns || 80, 40),
    colours: isTerminal && !isDumb && (process.env.NO_COLOR ?? '') === '',
    stop: stop.signal,
    events,
  });
} catch (cause) {
  die(cause);
}

if (hasStuckThreads()) end(Number(process.exitCode));
// Operations that may still hang (a stuck mount, a peer that does not close) must not keep a finished process alive.
setTimeout(() => end(Number(process.exitCode)), 1000).unref();
