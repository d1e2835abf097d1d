// How cgroups are mounted: cgroups(7). Detected from the folders themselves, not from mountinfo, which in a pod is the
// pod's.
import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { NoData } from '../../metrics/outcome.ts';

/** The cgroup trees of a host. */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** The tree in which cgroups are looked for. */
  readonly tree: string;
  /** v1: the tree of each controller. Empty in v2, where there is only one. */
  readonly controllers: ReadonlyMap<string, string>;
}

/** Kubelet creates each cgroup in the trees of all of these. */
const WALKED = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio'];

/**
 * The hierarchy below the configured path. A hybrid host counts as v1, as for cAdvisor: its unified tree has hardly any
 * controllers. Throws NoData without one.
 */
export function findHierarchy(host: Host): Hierarchy {
  const root = host.paths.cgroup;
  if (host.exists(join(root, 'cgroup.controllers'))) return { version: 2, tree: root, controllers: new Map() };
  const controllers = new Map<string, string>();
  for (const name of host.listIfExists(root)) {
    // cpu and cpuacct are often one mount, called cpu,cpuacct, with a link for each.
    for (const controller of name.split(',')) controllers.set(controller, join(root, name));
  }
  for (const controller of WALKED) {
    const tree = controllers.get(controller);
    if (tree !== undefined) return { version: 1, tree, controllers };
  }
  throw new NoData(`no cgroup hierarchy at ${root}: neither cgroup.controllers (v2) nor a folder cpu or memory (v1)`);
}
