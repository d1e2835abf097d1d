import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { scratchFolder } from '../kit/host-tree.ts';
import type { Mount } from './sandbox.ts';

const CGROUPS = '/sys/fs/cgroup';
const CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio'];

/** Pods on this machine in terms of the kernel: cgroups, processes and networks. */
export interface PodScene {
  /** Folders of the cgroup in which the agent's own container lives. */
  readonly agentCgroups: readonly string[];
  /** The path of the root of the cgroups on this machine. */
  readonly cgroupRoot: string;
  /** Mounts of the agent's pod in addition to those of the chart. */
  readonly mounts: readonly Mount[];
  /** Ids of the cgroups whose values do not change, because their processes sleep. */
  readonly quiet: readonly string[];
  /** Ids of the sandboxes of pods with their own network. */
  readonly networked: readonly string[];
}

const UIDS = ['a0', 'b1', 'c2'].map((digits) => `3307863b-88df-4b68-8327-ce4f0045f3${digits}`);
const idOf = (pod: number, container: number) => `${pod}${container}`.repeat(32);

/**
 * Creates three pods in the cgroup tree of that version: the agent's, another of its class and one of another class, each
 * with a sandbox in a separate network namespace, in which packets have been sent, and a container in the same one.
 * Everything ends with the test. Undefined if this machine has no such tree.
 */
export async function startPods(context: TestContext, version: 1 | 2): Promise<PodScene | undefined> {
  const roots = version === 2 ? [join(CGROUPS, 'unified')] : CONTROLLERS.map((name) => join(CGROUPS, name));
  if (!roots.every((root) => existsSync(join(root, 'cgroup.procs')))) return undefined;
  const top = `/firesteel-pods-${process.pid}-v${version}`;
  const pods = UIDS.map((uid, index) => `${top}/kubepods/${index === 2 ? 'burstable' : 'besteffort'}/pod${uid}`);
  const containers = pods.flatMap((pod, index) => [0, 1].map((number) => `${pod}/${idOf(index + 1, number + 1)}`));
  const made: string[] = [];
  const running: ChildProcess[] = [];
  context.after(async () => {
    for (const child of running) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    for (const folder of made.toReversed()) await removeWhenEmpty(folder);
  });
  for (const root of roots) {
    for (const path of ['', '/kubepods', '/kubepods/besteffort', '/kubepods/burstable']) make(root + top + path);
    for (const path of [...pods, ...containers]) make(root + path);
  }
  function make(folder: string): void {
    mkdirSync(folder);
    made.push(folder);
  }
  if (version === 1) {
    writeFileSync(`${CGROUPS}/memory${containers[3]}/memory.limit_in_bytes`, String(64 * 2 ** 20));
  }

  const folder = scratchFolder(context);
  // This identifies sandboxes.
  const pause = join(folder, 'pause');
  copyFileSync('/bin/sleep', pause);
  const run = (id: string, script: string, env: NodeJS.ProcessEnv = {}): ChildProcess => {
    const enter = roots.map((root) => `echo 0 > '${root}${id}/cgroup.procs'`).join('\n');
    const child = spawn('sh', ['-euc', `${enter}\n${script}`], {
      stdio: 'ignore',
      env: { PATH: process.env.PATH, ...env },
    });
    running.push(child);
    return child;
  };
  for (const [index, pod] of pods.entries()) {
    const ready = join(folder, `ready-${index}`);
    // With a static neighbour, and without IPv6, only these packets are ever sent.
    const send = `const socket = require('node:dgram').createSocket('udp4');
      socket.send('.'.repeat(100), 9, '10.${index + 1}.0.2', () => socket.close());`;
    const network = [
      'sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 || true',
      'ip link add eth0 type veth peer name peer0',
      `ip address add 10.${index + 1}.0.1/24 dev eth0`,
      'ip link set eth0 up',
      'ip link set peer0 up',
      `ip neighbour add 10.${index + 1}.0.2 lladdr 02:00:00:00:00:01 dev eth0`,
      ...Array.from({ length: index + 1 }, () => '"$NODE" -e "$SEND"'),
      'ip link set eth0 down',
      `touch '${ready}'`,
      `exec '${pause}' infinity`,
    ].join('\n');
    const sandbox = run(`${pod}/${idOf(index + 1, 1)}`, 'exec unshare --net sh -euc "$NETWORK"', {
      NETWORK: network,
      NODE: process.execPath,
      SEND: send,
    });
    await until(`the sandbox of pod ${index}`, () => existsSync(ready) && commOf(sandbox) === 'pause');
    if (index === 0) continue;
    const app = run(`${pod}/${idOf(index + 1, 2)}`, `exec nsenter --net=/proc/${sandbox.pid}/ns/net sleep infinity`);
    await until(`the container of pod ${index}`, () => commOf(app) === 'sleep');
  }
  const quietPods = pods.slice(1);
  return {
    agentCgroups: roots.map((root) => root + containers[1]),
    cgroupRoot: version === 2 ? join(CGROUPS, 'unified') : CGROUPS,
    mounts: version === 2 ? [{ from: join(CGROUPS, 'unified'), to: '/host/sys/fs/cgroup', readOnly: true }] : [],
    quiet: containers.slice(2).concat(quietPods),
    networked: pods.map((pod, index) => `${pod}/${idOf(index + 1, 1)}`),
  };
}

const commOf = ({ pid }: ChildProcess): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
};

async function until(what: string, check: () => boolean): Promise<void> {
  for (let left = 600; !check(); left--) {
    if (left === 0) throw new Error(`${what} does not start`);
    await delay(50);
  }
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
