// /proc/<pid>/stat and /proc/<pid>/task/<tid>/stat: proc_pid_stat(5). Present on every Linux host; mounts with hidepid
// show only some of the processes.
import { Turns } from '../../base/turns.ts';
import { MissingFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { oneLine } from '../../host/lines.ts';
import { Namespaces } from '../../host/namespaces.ts';
import { count } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import { NoData } from '../../metrics/outcome.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const pids = gauge('node_processes_pids', 'Number of processes.');
const byState = gauge('node_processes_state', 'Number of processes, by state.', ['state']);
const threads = gauge('node_processes_threads', 'Number of threads of all processes.');
const threadsByState = gauge('node_processes_threads_state', 'Number of threads, by state.', ['thread_state']);
const maxThreads = gauge('node_processes_max_threads', 'Maximum number of threads (kernel.threads-max).');
const maxProcesses = gauge('node_processes_max_processes', 'Value at which process IDs wrap around (kernel.pid_max).');

/** Processes and threads by state. */
export const processes = defineCollector({
  name: 'processes',
  enabled: false,
  summary:
    'Processes and threads by state, from `/proc/<pid>/stat` and `/proc/<pid>/task/<tid>/stat`, and their limits, from ' +
    '`/proc/sys/kernel`.',
  options: NO_OPTIONS,
  families: [pids, byState, threads, threadsByState, maxThreads, maxProcesses],
  create({ host }) {
    const namespaces = new Namespaces(host);
    return async (out, signal) => {
      const names = host.list(host.proc()).filter(isNumber);
      if (names.length === 0) throw new NoData(`${host.proc()} shows no processes`);
      out.attempt('threads-max', () => out.add(maxThreads, setting(host, 'threads-max')));
      out.attempt('pid_max', () => {
        // From Linux 6.14 on each PID namespace has its own.
        namespaces.mustBeHosts('pid', host.proc('sys/kernel/pid_max'));
        out.add(maxProcesses, setting(host, 'pid_max'));
      });
      const processStates = new StateCounts();
      const threadStates = new StateCounts();
      let threadCount = 0;
      const turns = new Turns(signal);
      for (const pid of names) {
        if (turns.isOver) await turns.next();
        out.attempt(`process ${pid}`, () => {
          const process = readStat(host, host.proc(pid, 'stat'));
          if (process === undefined) return;
          processStates.count(process.state);
          threadCount += process.threads;
          for (const tid of host.listIfExists(host.proc(pid, 'task'))) {
            const thread = tid === pid ? process : readStat(host, host.proc(pid, 'task', tid, 'stat'));
            if (thread) threadStates.count(thread.state);
          }
        });
      }
      out.add(pids, processStates.total);
      for (const [state, count] of processStates.counts) out.add(byState, count, state);
      out.add(threads, threadCount);
      for (const [state, count] of threadStates.counts) out.add(threadsByState, count, state);
    };
  },
});

class StateCounts {
  readonly counts = new Map<string, number>();
  total = 0;

  count(state: string): void {
    this.counts.set(state, (this.counts.get(state) ?? 0) + 1);
    this.total++;
  }
}

const isNumber = (name: string): boolean => /^\d+$/.test(name);

function setting(host: Host, name: string): number {
  const path = host.proc('sys/kernel', name);
  return oneLine(path, host.read(path).trim(), count);
}

/** State letter and number of threads. */
interface StateAndThreads {
  readonly state: string;
  readonly threads: number;
}

/** Undefined for a process that has exited in the meantime. */
function readStat(host: Host, path: string): StateAndThreads | undefined {
  try {
    return oneLine(path, host.read(path), parseStat);
  } catch (cause) {
    if (cause instanceof MissingFile) return undefined;
    throw cause;
  }
}

/**
 * The third and the twentieth field; the second, the name in parentheses, may itself contain blanks and parentheses.
 */
export function parseStat(text: string): StateAndThreads {
  const [state = '', ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ', 18);
  if (!/^[A-Za-z]$/.test(state)) throw new Error('expected a state letter after the name in parentheses');
  return { state, threads: count(fields[16]) };
}
