import { mustShowFirst } from './first-process.ts';
import type { Host } from './host.ts';

/**
 * Path of `name` below the host's `/proc/net`. That folder is a link to the reader's own network namespace, which in
 * a pod without hostNetwork is the pod's; process 1 of the host is always in the host's. `<procfs>/net` serves outside of
 * a container and for a recorded tree. Throws WrongNamespace where process 1 is hidden.
 */
export function netPath(host: Host, ...name: readonly string[]): string {
  if (host.exists(host.proc('1', 'net'))) return host.proc('1', 'net', ...name);
  mustShowFirst(host, 'its network');
  return host.proc('net', ...name);
}
