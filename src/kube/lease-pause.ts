/**
 * Pauses are this fraction of `retryMs`, spread so that candidates do not send requests simultaneously. The leader
 * renews more often than a standby checks, which costs a millisecond of CPU each time. A standby checks often enough
 * that a new leader's first push still arrives within lease duration + retry period after the old leader dies.
 */
const PAUSE = { master: [0.4, 0.8], standby: [0.7, 0.95] } as const;

/** The pause between two rounds as a fraction of the retry period; `random` in [0, 1], where 1 gives the longest. */
export function pauseShare(role: keyof typeof PAUSE, random: number): number {
  const [shortest, longest] = PAUSE[role];
  return shortest + (longest - shortest) * random;
}
