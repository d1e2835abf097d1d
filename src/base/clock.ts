/**
 * Time, as a parameter of everything that uses it. The name `now` always means wall time; a monotonic clock is always
 * `monotonicMs`.
 */
export interface Clock {
  /** Milliseconds since 1970. Operators and NTP change it: for timestamps, never for durations. */
  wallMs(): number;
  /** Monotonic milliseconds, for durations; the origin does not matter. */
  monotonicMs(): number;
  /** Resolves after that many milliseconds, or when `signal` fires. Never rejects. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Maximum delay of a Node timer. */
const LONGEST_MS = 2 ** 31 - 1;

export const wallMs = (): number => Date.now();

export const monotonicMs = (): number => performance.now();

/** Seconds since a time of {@link monotonicMs}. */
export const secondsSince = (startMs: number): number => (monotonicMs() - startMs) / 1000;

/**
 * Resolves after that many milliseconds, or when `signal` fires; never rejects. With `ref: false` it does not keep the
 * process alive.
 */
export const sleep = (milliseconds: number, signal?: AbortSignal, { ref = true } = {}): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    // Not setTimeout of node:timers/promises, which creates an error with a stack each time a wait is cut short.
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(milliseconds, LONGEST_MS));
    if (!ref) timer.unref();
    signal?.addEventListener('abort', end, { once: true });
  });

/** Time outside of tests; its waits do not keep the process alive. */
export const REAL_CLOCK: Clock = {
  wallMs,
  monotonicMs,
  sleep: (milliseconds, signal) => sleep(milliseconds, signal, { ref: false }),
};
