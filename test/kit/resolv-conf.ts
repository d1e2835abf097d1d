import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';

/** A command that runs a program with another /etc/resolv.conf, in a separate mount namespace. */
export const within = (resolvConf: string): string[] => [
  'unshare',
  '-m',
  'sh',
  '-c',
  `mount --bind "${resolvConf}" /etc/resolv.conf && exec "$@"`,
  'sh',
];

/** Whether that works on this host, so that `nameServer` is in /etc/resolv.conf; otherwise the test is skipped. */
export function canReplaceFiles(t: TestContext, resolvConf: string, nameServer: string): boolean {
  const [program = '', ...args] = within(resolvConf);
  const tried = spawnSync(program, [...args, 'cat', '/etc/resolv.conf'], { encoding: 'utf8' });
  if (tried.status === 0 && tried.stdout.includes(nameServer)) return true;
  t.skip(`/etc/resolv.conf cannot be replaced here, which requires root: ${tried.stderr ?? tried.error}`);
  return false;
}
