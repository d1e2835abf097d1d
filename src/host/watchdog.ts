import { constants } from 'node:os';
import { lastGasp } from '../base/whereabouts.ts';
import { Unsupported } from './errors.ts';
import { alarm, Countdown, handleNatively, handleOnce, SIGALRM, SIGVTALRM, virtualAlarm } from './syscalls.ts';

/** How long the event loop may stand still. */
export interface Patience {
  /** First of CPU time, then of the wall clock, until the process is suspected. */
  readonly seconds: number;
  /**
   * How much more a process has that is suspected by the wall clock: it may only have been stopped, and turns at once when
   * it goes on. It is the number of the signal by which that begins as well.
   */
  readonly graceSeconds: number;
  /** Between two turns that show that all is well, milliseconds. */
  readonly turnMs: number;
}

/** 40 is a real-time signal that neither Node nor the C library uses. */
const PATIENCE: Patience = { seconds: 60, graceSeconds: 40, turnMs: 10_000 };

/**
 * Has the kernel end this process when its event loop stands still: after a minute of CPU time with exit code 26 (it is
 * busy), after 100 seconds of the wall clock with exit code 14 (it waits for something that does not come, such as a pipe
 * that nobody reads). Nothing in the process could do that then. What it had begun last is printed before. A process that is
 * stopped and goes on later, and a machine that sleeps, are left alone.
 *
 * Also lets a second SIGTERM or SIGINT end a busy process; not the first one of a PID namespace, for which the kernel does
 * not end processes by signals that they do not handle. Throws Unsupported or SyscallError.
 */
export function watchEventLoop(patience: Partial<Patience> = {}): void {
  const { seconds, graceSeconds, turnMs } = { ...PATIENCE, ...patience };
  handleNatively(SIGVTALRM, '_exit');
  const turns = [() => virtualAlarm(seconds + 1), ...wallClock(seconds, graceSeconds)];
  const turn = () => {
    for (const one of turns) one();
  };
  turn();
  setInterval(turn, turnMs).unref();
  if (process.pid === 1) return;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) again.set(signal, handleOnce(constants.signals[signal]));
}

/** What each turn sets anew; nothing where the C library has no timers at hand: CPU time is watched all the same. */
function wallClock(seconds: number, graceSeconds: number): (() => void)[] {
  try {
    const [busy, waiting] = [new Countdown('cpu', { text: lastGasp }), new Countdown('monotonic', { text: lastGasp })];
    const suspected = new Countdown('monotonic', { signal: graceSeconds });
    handleNatively(SIGALRM, '_exit');
    handleNatively(graceSeconds, 'alarm');
    return [
      () => busy.set(seconds),
      () => waiting.set(seconds + graceSeconds - 1),
      () => suspected.set(seconds),
      () => alarm(0),
    ];
  } catch (cause) {
    if (cause instanceof Unsupported) return [];
    throw cause;
  }
}

const again = new Map<NodeJS.Signals, () => void>();

/** The loop turns and has seen this signal: the next one is handled in order, too, and only what follows by the kernel. */
export const signalHandled = (signal: NodeJS.Signals): void => again.get(signal)?.();
