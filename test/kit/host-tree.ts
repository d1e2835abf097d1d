import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { HostPaths } from '../../src/host/paths.ts';
import { cleanUp } from './clean-up.ts';
import { completeTree } from './fixture-tree.ts';

/** Absolute path of a file or folder of test/fixtures. */
export const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));

/** node_exporter's fixture tree as a host. */
export function fixturePaths(): HostPaths {
  completeTree(fixture('node'));
  return pathsBelow(fixture('node'));
}

/** A host with only these files (path below `proc`, `sys`, ... → content), removed after the test; `path/` is a folder. */
export function hostTree(context: TestContext, files: Readonly<Record<string, string | Buffer>>): HostPaths {
  const root = mkdtempSync(join(tmpdir(), 'firesteel-host-'));
  removeAfter(context, root);
  for (const [path, content] of Object.entries(files)) {
    const isFolder = path.endsWith('/');
    mkdirSync(isFolder ? join(root, path) : dirname(join(root, path)), { recursive: true });
    if (!isFolder) writeFileSync(join(root, path), content);
  }
  return pathsBelow(root);
}

const pathsBelow = (root: string): HostPaths => ({
  procfs: join(root, 'proc'),
  sysfs: join(root, 'sys'),
  rootfs: root,
  udev: join(root, 'udev/data'),
  cgroup: join(root, 'sys/fs/cgroup'),
});

/** Removes a folder after the test; again if something that ends is still writing into it. */
export const removeAfter = (context: TestContext, folder: string): void =>
  cleanUp(context, () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));

/** An empty folder, removed after the test, when the processes that were started with it have ended. */
export function scratchFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-test-'));
  removeAfter(context, folder);
  return folder;
}
