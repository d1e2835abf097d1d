import type { Assembly } from './assembly.ts';

/** Groups that only the leader of several agents may push, and whether this agent is it. */
export function mayPush({ state }: Assembly) {
  if (state === undefined) return {};
  const isLeader = () => state.election.isLeader();
  return { ksm: isLeader, probe: isLeader, scrape: isLeader, exec: isLeader, event: isLeader };
}
