import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';

/** A command that runs a program as the first process of a PID namespace, like a container runtime. */
export const AS_FIRST: readonly string[] = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** Whether that works on this host; otherwise the test is skipped. */
export function canBeFirst(t: TestContext): boolean {
  const [program = '', ...args] = AS_FIRST;
  if (spawnSync(program, [...args, 'true']).status === 0) return true;
  t.skip('a PID namespace requires root and unshare');
  return false;
}

/** The process that {@link AS_FIRST} has started, the first of its namespace; `unshare` is the process id of unshare. */
export const firstOf = (unshare: number): number =>
  Number(readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').trim().split(' ')[0]);
