/** A process killed by the OOM killer. */
interface OomKill {
  readonly process: string;
  readonly constraint: string;
  /** The memory cgroup of the process, if the kernel named it. */
  readonly cgroup: string;
}

const CONSTRAINTS: Readonly<Record<string, string>> = {
  CONSTRAINT_NONE: 'none',
  CONSTRAINT_MEMCG: 'memcg',
  CONSTRAINT_CPUSET: 'cpuset',
  CONSTRAINT_MEMORY_POLICY: 'memory_policy',
};

/** Since Linux 5.0: oom-kill:constraint=…,…,task_memcg=…,task=…,pid=…,uid=… */
const KILL = /^oom-kill:constraint=(\w+),.*?task_memcg=(.*),task=(.*),pid=(\d+),uid=\d+/;
/** mm/oom_kill.c: "%s: Killed process %d (%s) total-vm:…"; before 4.19 without the prefix. */
const KILLED =
  /^(?:(Memory cgroup out of memory|Out of memory[^:]*): )?Killed process (\d+) \((.*)\),? (?:UID |total-vm)/;
/** Before Linux 5.0. */
const TASK_KILLED = /^Task in (\S+) killed as a result of limit of /;

/** Combines the lines of an OOM kill: the one with the reason and cgroup, and the one with the victim. */
export class OomLines {
  #pid = '';
  #constraint: string | undefined;
  #cgroup = '';

  /** Processes a kernel line; returns the kill that it completes. */
  take(text: string): OomKill | undefined {
    const kill = KILL.exec(text);
    if (kill !== null) {
      this.#constraint = CONSTRAINTS[kill[1] ?? ''] ?? 'none';
      this.#cgroup = kill[2] ?? '';
      this.#pid = kill[4] ?? '';
      return undefined;
    }
    const task = TASK_KILLED.exec(text);
    if (task !== null) {
      this.#constraint = 'memcg';
      this.#cgroup = task[1] ?? '';
      this.#pid = '';
      return undefined;
    }
    const killed = KILLED.exec(text);
    if (killed === null) return undefined;
    const [, how = '', pid = '', process = ''] = killed;
    const isSame = this.#pid === '' ? this.#constraint !== undefined : this.#pid === pid;
    // With memory.oom.group the kernel kills several of the same group after one explanation.
    const isOfCgroup = how.startsWith('Memory cgroup');
    const found = {
      process,
      constraint: isSame ? (this.#constraint ?? 'none') : isOfCgroup ? 'memcg' : 'none',
      cgroup: isSame || isOfCgroup ? this.#cgroup : '',
    };
    if (!isOfCgroup) this.#constraint = undefined;
    return found;
  }
}

/** The id of the container that a cgroup belongs to, and the uid of its pod, as far as its path includes them. */
export function containerOf(cgroup: string): { readonly containerId: string; readonly podUid: string } {
  const containerId = /([0-9a-f]{64})(?:\.scope)?(?:\/|$)/.exec(cgroup)?.[1] ?? '';
  const podUid = /pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})/.exec(cgroup)?.[1]?.replaceAll('_', '-') ?? '';
  return { containerId, podUid };
}
