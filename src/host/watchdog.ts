import { constants } from 'node:os';
import { exitOnVirtualAlarm, handleOnce, virtualAlarm } from './syscalls.ts';

/** CPU seconds that a program of this kind never uses between two turns of its event loop. */
const STUCK_SECONDS = 60;
const TURN_MS = 10_000;

/**
 * Has the kernel end this process when its event loop has stood still through a minute of CPU time, with exit code 26:
 * nothing in the process could do that then. A process that is stopped or a machine that sleeps uses no CPU. Also lets
 * a second SIGTERM or SIGINT end a busy process; not the first one of a container, for which the kernel does not end
 * processes by signals that they do not handle. Throws Unsupported or SyscallError.
 */
export function watchEventLoop(seconds = STUCK_SECONDS, turnMs = TURN_MS): void {
  exitOnVirtualAlarm();
  virtualAlarm(seconds);
  setInterval(() => virtualAlarm(seconds), turnMs).unref();
  if (process.pid === 1) return;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) again.set(signal, handleOnce(constants.signals[signal]));
}

const again = new Map<NodeJS.Signals, () => void>();

/** The loop turns and has seen this signal: the next one is handled in order, too, and only what follows by the kernel. */
export const signalHandled = (signal: NodeJS.Signals): void => again.get(signal)?.();
