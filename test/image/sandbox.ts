import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';

/** A bind mount, or an empty file system, below the root. */
export interface Mount {
  /** Folder of this machine; undefined for an empty in-memory file system that all users may write to. */
  readonly from?: string;
  /** The path inside the sandbox. */
  readonly to: string;
  readonly readOnly: boolean;
}

/** A process as started by a container runtime. */
export interface Sandbox {
  /** The folder that becomes `/`, read-only. */
  readonly root: string;
  readonly mounts: readonly Mount[];
  readonly uid: number;
  readonly gid: number;
  /** Names of capabilities as in Kubernetes, such as SYS_PTRACE; all others are dropped permanently. */
  readonly capabilities: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether it has a separate network with only a loopback device, and cannot reach this machine. */
  readonly ownNetwork?: boolean;
  /** Whether it is in this machine's PID namespace; otherwise it has its own. */
  readonly hostPid?: boolean;
  /** The name of the machine in its own UTS namespace; if not set, that of this machine. */
  readonly hostname?: string;
  /** Folders of its cgroups; it then has its own cgroup namespace. */
  readonly cgroups?: readonly string[];
}

/** Whether this machine lets tests create mounts and drop privileges; skips the test if not, or fails if it must run. */
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

/** A running sandbox: the program that created it, which ends with it and has its exit code. */
export type Sandboxed = ChildProcessByStdio<null, Readable, Readable>;

/** Starts `command` in `sandbox`; it is killed after the test. */
export function startInSandbox(context: TestContext, sandbox: Sandbox, command: readonly string[]): Sandboxed {
  const own = { pid: !sandbox.hostPid, net: sandbox.ownNetwork, uts: sandbox.hostname !== undefined };
  const chosen = Object.entries(own).flatMap(([name, isOwn]) => (isOwn ? [`--${name}`] : []));
  const namespaces = ['--mount', '--ipc', ...chosen, ...(sandbox.cgroups ? ['--cgroup'] : [])];
  const join = (sandbox.cgroups ?? []).map((folder) => `echo 0 > '${folder}/cgroup.procs'`).join('\n');
  // The root of a cgroup namespace is the cgroup of its first process, so the process enters that first.
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

/** The process in the sandbox, by its outer process id. Throws if it has ended. */
export function processIn({ pid }: Sandboxed): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ');
  return Number(children[0]);
}

/** Identity and permissions of the process in the sandbox, as reported by the kernel. */
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

/** Stops the process like Kubernetes; resolves to its exit code. */
export async function endInSandbox(sandboxed: Sandboxed): Promise<number | null> {
  const ended = once(sandboxed, 'exit');
  process.kill(processIn(sandboxed), 'SIGTERM');
  const [code] = (await ended) as [number | null];
  return code;
}

/**
 * Runs as root in new namespaces: builds the tree, enters it, drops all privileges and executes the command. setpriv is not
 * part of the image; it is in a separate folder, which the command sees at most as an empty one under /tmp.
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
