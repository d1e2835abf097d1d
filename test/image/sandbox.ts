import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';

/** A bind mount, or an empty file system, below the root. */
export interface Mount {
  /** Folder of this machine; undefined for an empty file system in memory that anyone may write to. */
  readonly from?: string;
  /** Where it is seen inside. */
  readonly to: string;
  readonly readOnly: boolean;
}

/** A process as a container runtime would start it. */
export interface Sandbox {
  /** The folder that becomes `/`, read-only. */
  readonly root: string;
  readonly mounts: readonly Mount[];
  readonly uid: number;
  readonly gid: number;
  /** Names of capabilities as Kubernetes has them, such as SYS_PTRACE; all others are gone for good. */
  readonly capabilities: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether it has a network of its own, with only a loopback device in it, and cannot reach this machine. */
  readonly ownNetwork?: boolean;
  /** Whether it is in this machine's PID namespace; else it has one of its own. */
  readonly hostPid?: boolean;
  /** The name of the machine in its own UTS namespace; without it, it has this machine's. */
  readonly hostname?: string;
  /** Folders of cgroups that it is in; then it has a cgroup namespace of its own. */
  readonly cgroups?: readonly string[];
}

/** Whether this machine lets tests make mounts and drop privileges; skips the test if not, or fails if it must run. */
export function sandboxAvailable(context: TestContext): boolean {
  try {
    execFileSync('unshare', ['--mount', '--pid', '--fork', 'setpriv', '--version'], { stdio: 'ignore' });
    return true;
  } catch {
    const reason = 'mount namespaces need root, unshare and setpriv';
    if (process.env.REQUIRE_SERVERS === '1') throw new Error(`${reason}, and REQUIRE_SERVERS=1`);
    context.skip(reason);
    return false;
  }
}

/** What runs in a sandbox: the program that made it, which ends with it and has its exit code. */
export type Sandboxed = ChildProcessByStdio<null, Readable, Readable>;

/** Starts `command` in `sandbox`; it is killed after the test. */
export function startInSandbox(context: TestContext, sandbox: Sandbox, command: readonly string[]): Sandboxed {
  const own = { pid: !sandbox.hostPid, net: sandbox.ownNetwork, uts: sandbox.hostname !== undefined };
  const chosen = Object.entries(own).flatMap(([name, isOwn]) => (isOwn ? [`--${name}`] : []));
  const namespaces = ['--mount', '--ipc', ...chosen, ...(sandbox.cgroups ? ['--cgroup'] : [])];
  const join = (sandbox.cgroups ?? []).map((folder) => `echo 0 > '${folder}/cgroup.procs'`).join('\n');
  // A cgroup namespace begins where its first process was: it goes there before.
  const enter = `${join}\nexec unshare --fork --kill-child ${namespaces.join(' ')} "$@"`;
  const env = Object.entries(sandbox.env).map(([name, value]) => `${name}=${value}`);
  const child = spawn('sh', ['-euc', enter, 'sh', 'sh', '-euc', script(sandbox), 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, AGENT_ENV: env.join('\n') },
  });
  context.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  return child;
}

/** The process in the sandbox, by its id outside. Throws when it has ended. */
export function processIn({ pid }: Sandboxed): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ');
  return Number(children[0]);
}

/** What the process in the sandbox is and may do, as the kernel tells it. */
export function privilegesOf(sandboxed: Sandboxed) {
  const status = readFileSync(`/proc/${processIn(sandboxed)}/status`, 'latin1');
  const first = (key: string) => new RegExp(`^${key}:\\s+(\\w+)`, 'm').exec(status)?.[1] ?? '';
  return {
    uid: Number(first('Uid')),
    gid: Number(first('Gid')),
    capabilities: BigInt(`0x${first('CapEff')}`) | BigInt(`0x${first('CapBnd')}`),
    noNewPrivileges: first('NoNewPrivs') === '1',
  };
}

/** Ends the process as Kubernetes does; resolves to its exit code. */
export async function endInSandbox(sandboxed: Sandboxed): Promise<number | null> {
  const ended = once(sandboxed, 'exit');
  process.kill(processIn(sandboxed), 'SIGTERM');
  const [code] = (await ended) as [number | null];
  return code;
}

/**
 * Runs as root in new namespaces: builds the tree, enters it, drops everything and becomes the command. setpriv is not
 * part of the image; it waits in a folder of its own, which the command sees as an empty one under /tmp at most.
 */
function script({ root, mounts, uid, gid, capabilities, hostname, ownNetwork }: Sandbox): string {
  const bind = (from: string, to: string, readOnly: boolean) => [
    `mount --rbind '${from}' '${to}'`,
    // A remount touches one mount only, so the host's mounts below a read-only folder are no concern of it, as in a pod.
    ...(readOnly ? [`mount -o remount,bind,ro '${to}'`] : []),
  ];
  const kept = capabilities.map((name) => `,+${name.toLowerCase()}`).join('');
  const drop = [
    `--reuid=${uid} --regid=${gid} --clear-groups --no-new-privs`,
    `--inh-caps=-all --ambient-caps=-all --bounding-set=-all${kept}`,
  ].join(' ');
  const loader = '/lib64/ld-linux-x86-64.so.2';
  return [
    'mount --make-rprivate /',
    ...(hostname === undefined ? [] : [`hostname '${hostname}'`]),
    ...(ownNetwork ? ['ip link set lo up'] : []),
    `mount --bind '${root}' '${root}'`,
    `mount -t proc proc '${root}/proc'`,
    `mount --bind /dev '${root}/dev'`,
    ...mounts.flatMap(({ from, to, readOnly }) =>
      from === undefined ? [`mount -t tmpfs -o mode=1777 tmpfs '${root}${to}'`] : bind(from, root + to, readOnly),
    ),
    `mount -t tmpfs tmpfs '${root}/sys'`,
    `cp "$(command -v setpriv)" $(ldd "$(command -v setpriv)" | grep -o '/[^ ]*') '${root}/sys'`,
    `mount -o remount,bind,ro '${root}'`,
    // Each line of AGENT_ENV is one variable; without any, the environment is empty.
    'IFS="\n"',
    `exec env -i $AGENT_ENV "$(command -v chroot)" '${root}' ${loader} --library-path /sys /sys/setpriv ${drop} "$@"`,
  ].join('\n');
}
