import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';

/** What the agent exposes about itself as a process; few, since it runs on every node. */
export interface SelfMetrics {
  /** Longest time that the event loop was blocked before the last push. */
  readonly lagSeconds: number;
  /** Ends the watch of the event loop. */
  close(): void;
}

/** From Node.js 26 on each turn of the event loop is measured: every block is seen, and no timer wakes the process for it. */
const MEASURES_TURNS = Number.parseInt(process.versions.node, 10) >= 26;
/** Before, how late a timer comes, and so no shorter blocks. */
const TIMER_MS = 50;
const UNBLOCKED_MS = MEASURES_TURNS ? 0 : TIMER_MS;

/** What client libraries report of every process, by proc_pid(5); undefined where /proc does not say. */
const PROCESS_GAUGES: readonly { name: string; help: string; read: () => number | undefined }[] = [
  { name: 'process_open_fds', help: 'Files that the agent has open.', read: openFiles },
  {
    name: 'process_max_fds',
    help: 'Most files that the agent may have open.',
    read: () => ownLimit('Max open files'),
  },
  {
    name: 'process_virtual_memory_bytes',
    help: 'Address space of the agent.',
    read() {
      const kibibytes = /^VmSize:\s+(\d+) kB$/m.exec(ownFile('status'))?.[1];
      return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
    },
  },
  {
    name: 'process_virtual_memory_max_bytes',
    help: 'Most address space of the agent; 2^64 for no limit.',
    read: () => ownLimit('Max address space'),
  },
];

function openFiles(): number | undefined {
  try {
    // The listing itself is one of them.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}

/** The soft limit of that name in /proc/self/limits; for none RLIM_INFINITY, as Go's client has it. */
function ownLimit(name: string): number | undefined {
  const limit = new RegExp(`^${name}\\s+(\\d+|unlimited)`, 'm').exec(ownFile('limits'))?.[1];
  if (limit === undefined) return undefined;
  return limit === 'unlimited' ? 2 ** 64 : Number(limit);
}

function ownFile(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, 'latin1');
  } catch {
    return '';
  }
}

/** Registers build, process and event-loop metrics in `registry`. */
export function selfMetrics(registry: Registry, version: string): SelfMetrics {
  const registers = [registry];
  new Gauge({
    name: 'firesteel_build_info',
    help: 'Always 1; the version that runs.',
    labelNames: ['version', 'node_version'],
    registers,
  }).set({ version, node_version: process.version }, 1);
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the agent started, in seconds since 1970.',
    registers,
  }).set(Math.round(Date.now() / 1000 - process.uptime()));
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory of the agent that is in RAM.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time that the agent used, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  for (const { name, help, read } of PROCESS_GAUGES) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }
  let lagSeconds = 0;
  const lag = monitorEventLoopDelay({ samplePerIteration: true, resolution: TIMER_MS });
  lag.enable();
  let isFirst = true;
  new Gauge({
    name: 'firesteel_event_loop_lag_max_seconds',
    help: 'Longest time that the event loop was blocked since the last push.',
    registers,
    collect() {
      // The first turn is measured with the time in which the process waited.
      lagSeconds = lag.count === 0 || isFirst ? 0 : Math.max(0, lag.max / 1e6 - UNBLOCKED_MS) / 1000;
      isFirst = false;
      this.set(lagSeconds);
      lag.reset();
    },
  });
  return {
    get lagSeconds() {
      return lagSeconds;
    },
    close: () => lag.disable(),
  };
}
