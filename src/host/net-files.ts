import type { Host } from './host.ts';

/**
 * Path of `name` below the host's `/proc/net`. That folder is a link to the reader's own network namespace, which in
 * a pod without hostNetwork is the pod's; process 1 of the host is always in the host's. `<procfs>/net` serves where
 * `<procfs>/1` is hidden (hidepid) or not recorded.
 */
export function netPath(host: Host, ...name: readonly string[]): string {
  return host.exists(host.proc('1', 'net')) ? host.proc('1', 'net', ...name) : host.proc('net', ...name);
}
