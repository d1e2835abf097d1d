import { constants } from 'node:os';
import { lastOperation } from '../base/last-operation.ts';
import { Unsupported } from './errors.ts';
import { endAtSecond } from './second-signal.ts';
import { alarm, Countdown, handleNatively, handleOnce, SIGALRM, SIGVTALRM, virtualAlarm } from './syscalls.ts';

/** How long the event loop may be blocked. */
interface Patience {
  /** First of CPU time, then of the wall clock, until the process is considered blocked. */
  readonly seconds: number;
  /**
   * Grace period after the limit of the wall clock: the process may only have been stopped, and its loop runs
   * immediately when it continues. Also the number of the signal that starts the grace period.
   */
  readonly graceSeconds: number;
  /** Interval between two heartbeats, milliseconds. */
  readonly turnMs: number;
}

/** 40 is a real-time signal that neither Node nor the C library uses. */
const PATIENCE: Patience = { seconds: 60, graceSeconds: 40, turnMs: 20_000 };

/**
 * Makes the kernel end this process when its event loop is blocked: after a minute of CPU time with exit code 26 (it is
 * busy), after 100 seconds of the wall clock with exit code 14 (it waits forever, for example for a pipe without a
 * reader). No code of the process could do that then. The last started operation is printed first. A process that is
 * stopped and continued, and a suspended machine, are not affected.
 *  Also ends this process at the second SIGTERM or SIGINT, whatever it is doing. The first one is handled as before.
 *  Throws Unsupported or SyscallError.
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
  const { SIGTERM, SIGINT } = constants.signals;
  if (process.pid === 1) endAtSecond([SIGTERM, SIGINT], 1);
  else for (const signal of [SIGTERM, SIGINT]) handleOnce(signal);
}

/** The timers that each turn resets; none if the C library has no timers: CPU time is watched regardless. */
function wallClock(seconds: number, graceSeconds: number): (() => void)[] {
  try {
    const [busy, waiting] = [
      new Countdown('cpu', { text: lastOperation }),
      new Countdown('monotonic', { text: lastOperation }),
    ];
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
