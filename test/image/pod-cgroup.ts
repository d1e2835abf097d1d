import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Mount } from './sandbox.ts';

const CGROUPS = '/sys/fs/cgroup';
const CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio'];
const POD = ['kubepods', 'burstable', 'pod3307863b-88df-4b68-8327-ce4f0045f372', 'c'.repeat(64)];

/**
 * A real container of a real pod in terms of the kernel's cgroups (v1): a sleeping process. It is in a separate tree; the
 * mounts show it where kubelets create theirs. Undefined on machines where such cgroups cannot be created.
 */
export function podCgroup(context: TestContext): Mount[] {
  const trees = CONTROLLERS.map((controller) => join(CGROUPS, controller, `firesteel-image-${process.pid}`));
  const levels = [0, 1, 2, 3, 4].map((depth) => POD.slice(0, depth).join('/'));
  if (!CONTROLLERS.every((controller) => existsSync(join(CGROUPS, controller, 'cgroup.procs')))) return [];
  for (const tree of trees) for (const level of levels) mkdirSync(join(tree, level));
  const sleeper = spawn('sleep', ['infinity'], { stdio: 'ignore' });
  for (const tree of trees) writeFileSync(join(tree, ...POD, 'cgroup.procs'), String(sleeper.pid));
  context.after(async () => {
    const ended = once(sleeper, 'exit');
    sleeper.kill('SIGKILL');
    await ended;
    for (const tree of trees) for (const level of levels.toReversed()) await removeWhenEmpty(join(tree, level));
  });
  return CONTROLLERS.map((controller, index) => ({
    from: trees[index] as string,
    to: `/host/sys/fs/cgroup/${controller}`,
    readOnly: true,
  }));
}

/** The kernel takes a moment until a cgroup counts as empty. */
async function removeWhenEmpty(folder: string): Promise<void> {
  for (let left = 100; ; left--) {
    try {
      rmdirSync(folder);
      return;
    } catch (cause) {
      if (left === 0) throw cause;
      await delay(20);
    }
  }
}
