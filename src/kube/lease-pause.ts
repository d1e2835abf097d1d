/**
 * Pauses are this fraction of `retryMs`, spread so that candidates do not send requests simultaneously. A standby checks
 * often enough that a new leader's first push still arrives within lease duration + retry period after the old leader
 * dies. While it is connected to the leader, so that it sees the end of that process at once, it checks less often: a
 * request costs 2 ms of CPU in a process that is idle otherwise. The same holds for a leader's renewals, each of which is
 * also an event for all who watch Leases. A leader whose renewal failed tries again soon: of two tries, one may hang.
 */
const PAUSE = { master: [1.4, 1.65], failing: [0.3, 0.5], standby: [0.7, 0.95], watcher: [2.9, 3.3] } as const;

/** What the pause between two rounds depends on. */
interface Situation {
  readonly isMaster: boolean;
  /** Whether the last round failed. */
  readonly isFailing: boolean;
  /** Whether the end of the leader's process would be seen at once. */
  readonly seesHolder: boolean;
  /** How long ago the leader sent its last successful renewal. */
  readonly renewedMsAgo: number;
}

/**
 * The pause between two rounds in milliseconds; `random` in [0, 1], where 1 gives the longest. That of a leader begins
 * when it sends a renewal: begun at the response, it would leave too little time for the next one when each takes
 * seconds.
 */
export function pauseMs(situation: Situation, retryMs: number, random: number): number {
  const { isMaster, isFailing, seesHolder, renewedMsAgo } = situation;
  const leader = isFailing ? 'failing' : 'master';
  const standby = seesHolder && !isFailing ? 'watcher' : 'standby';
  const role = isMaster ? leader : standby;
  const [shortest, longest] = PAUSE[role];
  const pause = retryMs * (shortest + (longest - shortest) * random);
  return role === 'master' ? Math.max(pause - renewedMsAgo, retryMs * PAUSE.failing[0]) : pause;
}
