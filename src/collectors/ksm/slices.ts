import { setImmediate } from 'node:timers/promises';

const SLICE_MS = 10;

/** Cuts long work into slices: awaited between its steps, it lets the event loop turn when a slice is over. */
export function slices(): () => Promise<void> | undefined {
  let end = performance.now() + SLICE_MS;
  return () => {
    if (performance.now() < end) return undefined;
    return setImmediate().then(() => {
      end = performance.now() + SLICE_MS;
    });
  };
}
