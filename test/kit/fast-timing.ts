import { setTimeout } from 'node:timers/promises';
import type { ReflectorTiming } from '../../src/kube/retry.ts';

/** Timing of reflectors whose pauses take 2 ms each, with the wall clock unless another one is given. */
export const fastTiming = (more: Partial<ReflectorTiming> = {}): ReflectorTiming => ({
  wallMs: Date.now,
  random: () => 0.5,
  sleep: (_, signal) => setTimeout(2, undefined, { signal }).catch(() => {}),
  idleMs: 60_000,
  watchMs: 600_000,
  healthyMs: 60_000,
  ...more,
});
