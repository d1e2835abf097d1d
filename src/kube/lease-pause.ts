/**
 * Pauses are this fraction of `retryMs`, spread so that candidates do not send requests simultaneously. The leader
 * renews more often than a standby checks. A standby checks often enough that a new leader's first push still arrives
 * within lease duration + retry period after the old leader dies. While it is connected to the leader, so that it sees
 * the end of that process at once, it checks less often: a request costs 2 ms of CPU in a process that is idle otherwise.
 */
const PAUSE = { master: [0.65, 0.85], standby: [0.7, 0.95], watcher: [1.2, 1.5] } as const;

/** The pause between two rounds as a fraction of the retry period; `random` in [0, 1], where 1 gives the longest. */
export function pauseShare(role: keyof typeof PAUSE, random: number): number {
  const [shortest, longest] = PAUSE[role];
  return shortest + (longest - shortest) * random;
}
