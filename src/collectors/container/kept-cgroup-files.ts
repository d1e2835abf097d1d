import { fstatSync, statfsSync } from 'node:fs';
import { pathOfText } from '../../host/bytes.ts';
import type { Host } from '../../host/host.ts';
import { KeptFiles } from '../../host/kept-files.ts';

/** Read of each cgroup in each cycle. */
const NAMES = ['cpu.stat', 'memory.stat', 'memory.current'];

/** Of linux/magic.h. */
const CGROUP2_SUPER_MAGIC = 0x63677270;

/** Files of cgroups that stay open between cycles, by folder. */
export interface KeptCgroupFiles {
  /** By name of the file. */
  readonly byName: ReadonlyMap<string, KeptFiles<string>>;
  /** The current content of such a file; undefined if it is gone, which may also appear as an error of node:fs. */
  read(fd: number): string | undefined;
}

/**
 * Keeps up to `most` files of a tree of cgroups open. Each costs 10 µs to open and close, 4 to read again. The kernel
 * refuses to read one whose cgroup was removed, even if another has its name; for a copy of a tree, the link count
 * shows this.
 */
export function keptCgroupFiles(host: Host, tree: string, most: number): KeptCgroupFiles {
  const isKernels = isCgroup2(tree);
  return {
    byName: new Map(
      NAMES.map((name) => [name, new KeptFiles<string>(Math.floor(most / NAMES.length), NAMES.length - 1)]),
    ),
    read: (fd) => (isKernels || fstatSync(fd).nlink > 0 ? host.readAgain(fd) : undefined),
  };
}

function isCgroup2(tree: string): boolean {
  try {
    return statfsSync(pathOfText(tree)).type === CGROUP2_SUPER_MAGIC;
  } catch {
    return false;
  }
}
