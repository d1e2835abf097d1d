import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from './processes.ts';

/** Spawned processes; `end` ends all of them. */
export interface Crowd {
  readonly folder: string;
  end(): void;
}

/** Definition for all bash processes: a pause without a fork, which reads from a pipe without a writer. */
const PAUSE = 'exec 9<>"$FOLDER/fifo"; pause() { read -r -t "$1" -u 9; };';

/** Programs by the name under which they run; each is a copy of bash, so that its comm is that name. */
const ROLES: Readonly<Record<string, string>> = {
  burner: `${PAUSE} while :; do for ((i = 0; i < 1500; i++)); do :; done; pause 0.3; done`,
  writer: `${PAUSE} while :; do printf '%8192s' x > "$FOLDER/out.$$"; pause 0.7; done`,
  idler: `${PAUSE} while :; do pause 5; done`,
  // All processes of its group exit while they are observed.
  leaver: `${PAUSE} until [ -e "$FOLDER/leave" ]; do for ((i = 0; i < 1500; i++)); do :; done; pause 0.5; done`,
  // Its children match no group and follow it.
  carrier: 'tail -f /dev/null & tail -f /dev/null & wait',
  // Fills its group with processes that live for two seconds.
  breeder: `${PAUSE} while :; do "$FOLDER/brief" -c 'for ((i = 0; i < 20000; i++)); do :; done; sleep 2; exit' & pause 0.4; done`,
};

/** How many of each; with children and two programs with threads about 300 processes. */
const COUNTS: Readonly<Record<string, number>> = {
  burner: 50,
  writer: 50,
  idler: 110,
  leaver: 10,
  carrier: 20,
  breeder: 2,
};

/** The groups of {@link startMixedCrowd}, in process-exporter's format. */
export const MIXED_NAMES = `process_names:
  - name: "role:{{.Comm}}"
    comm: [burner, writer, leaver, carrier, breeder]
  - name: "{{.ExeBase}} of {{.Username}}"
    exe: [brief, sleep]
  - name: "threads-{{.Matches.what}}"
    cmdline:
      - --role=(?P<what>\\w+)
      - setInterval
  - name: "{{.ExeFull}}"
    comm: [idler]
`;

/** A crowd in which some processes can be ended. */
export interface MixedCrowd extends Crowd {
  dismissLeavers(): void;
}

/** About 300 processes of all kinds: CPU burners, writers, parents, short-lived ones, programs with threads. */
export async function startMixedCrowd(): Promise<MixedCrowd> {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-crowd-'));
  const children: ChildProcess[] = [];
  const run = (program: string, args: readonly string[]) =>
    children.push(spawn(program, args, { detached: true, stdio: 'ignore', env: { ...process.env, FOLDER: folder } }));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  for (const name of [...Object.keys(ROLES), 'brief']) copyFileSync('/bin/bash', join(folder, name));
  for (const [name, count] of Object.entries(COUNTS)) {
    for (let index = 0; index < count; index++) run(join(folder, name), ['-c', ROLES[name] ?? '']);
  }
  for (let index = 0; index < 3; index++) {
    run(process.execPath, ['-e', 'setInterval(() => JSON.stringify(process.memoryUsage()), 50)', '--', '--role=node']);
  }
  await sleep(3000);
  const dismissLeavers = () => writeFileSync(join(folder, 'leave'), '');
  return { ...crowdOf(children, folder), dismissLeavers };
}

/** Number of names among the processes of {@link startChurn}: twice the maximum number of groups. */
const CHURN_NAMES = 1000;

/** About 50 new processes a second that live for 0.1 to 0.9 s, each under one of many names. */
export function startChurn(): Crowd {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-crowd-'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  copyFileSync('/bin/sleep', join(folder, 'brief'));
  for (let name = 0; name < CHURN_NAMES; name++) linkSync(join(folder, 'brief'), join(folder, `brief${name}`));
  const start = `"$FOLDER/brief$((RANDOM % ${CHURN_NAMES}))" 0.$i &`;
  const script = `${PAUSE} while :; do for i in 1 1 2 3 4 5 6 7 8 9; do ${start} done; pause 0.2; done`;
  const shell = spawn('bash', ['-c', script], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, FOLDER: folder },
  });
  return crowdOf([shell], folder);
}

/** Number of real processes behind a procfs of links, if the host does not allow more. */
const MIRRORED = 800;
/** Memory and number of allowed processes that must stay free. */
const SPARE_BYTES = 1024 ** 3;
const SPARE_PROCESSES = 500;
/** More than a sleeping process needs, including its page tables and kernel stacks. */
const SLEEPER_BYTES = 512 * 1024;

/** A crowd with a procfs. */
export interface IdleCrowd extends Crowd {
  readonly procfs: string;
  /** A description of how it was created, for the output. */
  readonly made: string;
}

/**
 * Starts sleeping processes until the host has `count` processes in total. If it does not allow that many, returns a folder
 * that looks like a procfs: links to the folders of {@link MIRRORED} real ones, each under several pids, so that the kernel
 * does the work of `count` processes, and a tenth more for following links.
 */
export async function startIdleCrowd(count: number): Promise<IdleCrowd> {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-crowd-'));
  const missing = Math.max(0, count - (await settledCount()));
  if (missing <= roomForProcesses()) {
    const { shell } = await startSleepers(missing);
    return { ...crowdOf([shell], folder), procfs: '/proc', made: `${missing} of them spawned for this` };
  }
  const { shell, pids } = await startSleepers(MIRRORED);
  const procfs = join(folder, 'proc');
  mkdirSync(procfs);
  for (const name of ['stat', 'self', 'swaps', 'sys', 'uptime']) symlinkSync(join('/proc', name), join(procfs, name));
  for (let pid = 1; pid <= count; pid++) symlinkSync(`/proc/${pids[pid % pids.length]}`, join(procfs, String(pid)));
  return { ...crowdOf([shell], folder), procfs, made: `links to ${MIRRORED} real ones, as more are not allowed here` };
}

/** The number of processes once those of an earlier crowd have exited. */
async function settledCount(): Promise<number> {
  for (let before = processCount(); ; ) {
    await sleep(1000);
    const now = processCount();
    if (now >= before) return now;
    before = now;
  }
}

/** Sleeping processes, children of a shell. */
async function startSleepers(count: number): Promise<{ readonly shell: ChildProcess; readonly pids: string[] }> {
  const script = `for ((i = 0; i < ${count}; i++)); do sleep 3600 & echo $!; done; echo; wait`;
  const shell = spawn('bash', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  let pids = '';
  for await (const text of shell.stdout.setEncoding('utf8')) {
    pids += text;
    if (pids.endsWith('\n\n')) break;
  }
  return { shell, pids: pids.trim().split('\n') };
}

/** How many more processes this host, our user and our cgroups (v2) allow; at least 0. */
function roomForProcesses(): number {
  const number = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'latin1') : '');
  const cgroup = join('/sys/fs/cgroup', /^0::(.*)$/m.exec(read('/proc/self/cgroup'))?.[1] ?? '');
  const memory = number(read('/proc/meminfo'), /^MemAvailable:\s+(\d+)/m) * 1024 - SPARE_BYTES;
  const allowed = Math.min(
    number(read('/proc/self/limits'), /^Max processes\s+(\d+)/m),
    number(read('/proc/sys/kernel/pid_max'), /^(\d+)/),
    number(read('/proc/sys/kernel/threads-max'), /^(\d+)/),
    number(read(join(cgroup, 'pids.max')), /^(\d+)/),
  );
  return Math.max(0, Math.min(allowed - processCount() - SPARE_PROCESSES, Math.floor(memory / SLEEPER_BYTES)));
}

/** The crowd of these process group leaders; it does not outlive this process. */
function crowdOf(children: readonly ChildProcess[], folder: string): Crowd {
  const endAll = () => end(children, folder);
  process.once('exit', endAll);
  return {
    folder,
    end() {
      process.off('exit', endAll);
      endAll();
    },
  };
}

function end(children: readonly ChildProcess[], folder: string): void {
  // Each child leads a process group, which contains its children.
  for (const { pid, exitCode } of children) {
    if (pid === undefined || exitCode !== null) continue;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just exited.
    }
  }
  rmSync(folder, { recursive: true, force: true });
}

/** How many processes this host has, without zombies. */
export function processCount(): number {
  const isThere = (pid: string) => {
    try {
      return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    } catch {
      return false;
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isThere(name)).length;
}
