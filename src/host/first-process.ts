// Much of what the kernel reports belongs to the namespaces of a process; those of process 1 are the host's.
import { WrongNamespace } from './errors.ts';
import type { Host } from './host.ts';

/**
 * Whether the mounted procfs is that of another PID namespace's host and hides process 1 (`hidepid`): then `net`, `self`
 * and the like are those of the agent's pod. False for a recorded tree, which has no `self/status`, and for an agent
 * outside of a container, whose own namespaces are the host's.
 */
export const isFirstHidden = (host: Host): boolean =>
  host.paths.procfs !== '/proc' && !host.exists(host.proc('1/net')) && host.exists(host.proc('self/status'));

/** Throws WrongNamespace where `what` would be that of the agent's own pod, since process 1 is hidden. */
export function mustShowFirst(host: Host, what: string): void {
  if (!isFirstHidden(host)) return;
  throw new WrongNamespace(
    `${host.proc('1')} is hidden (hidepid), so ${what} would describe the agent's own pod; ` +
      "set tier: extended, or mount /proc with gid= of the agent's group",
  );
}
