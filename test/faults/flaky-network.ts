import type { Fault } from '../kit/fault-proxy.ts';
import type { Random } from '../kit/random.ts';

/** The fault of an upload of this size. About every second one succeeds, so that delivery recovers in between. */
export function pickFault(random: Random, bytes: number): Fault | undefined {
  const at = random.below(bytes);
  return random.pick<() => Fault | undefined>([
    () => ({ kind: 'cut', at, how: 'fin' }),
    () => ({ kind: 'cut', at, how: 'rst' }),
    () => ({ kind: 'truncate', at }),
    () => ({ kind: 'loseAnswer' }),
    () => ({ kind: 'duplicate' }),
    () => ({ kind: 'delay', ms: random.below(2000) }),
    () => ({ kind: 'throttle', bytesPerSecond: 4000 + random.below(50_000) }),
    () => ({ kind: 'stall', ms: random.below(3000) }),
    ...Array<() => undefined>(8).fill(() => undefined),
  ])();
}
