import { readdirSync, readFileSync, statSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';
import { wallMs } from '../base/clock.ts';
import { softLimit } from '../host/limits.ts';

/** Process metrics of the agent itself. They are few, because it runs on every node. */
export interface SelfMetrics {
  /** CPU time since the start and memory, as last collected; 0 where /proc has no value. */
  readonly use: { readonly cpuSeconds: number; readonly rssBytes: number };
  /** Longest block of the event loop before these metrics were last collected. */
  readonly lagSeconds: number;
  /** Stops monitoring the event loop. */
  close(): void;
}

/**
 * Since Node.js 26, each iteration of the event loop is measured: every block is seen, and no timer wakes the process.
 */
const MEASURES_TURNS = Number.parseInt(process.versions.node, 10) >= 26;
/** Before that, the delay of a timer is measured, so shorter blocks are missed. */
const TIMER_MS = 50;
const UNBLOCKED_MS = MEASURES_TURNS ? 0 : TIMER_MS;

/**
 * What client libraries report for every process, from proc_pid(5). Undefined where /proc has no value. `limits` is the
 * file of that name.
 */
const PROCESS_GAUGES: readonly { name: string; help: string; read: (limits: Buffer) => number | undefined }[] = [
  { name: 'process_open_fds', help: 'Number of open file descriptors.', read: openFiles },
  {
    name: 'process_max_fds',
    help: 'Maximum number of open file descriptors.',
    read: (limits) => ownLimit('openFiles', limits),
  },
  {
    name: 'process_virtual_memory_bytes',
    help: 'Virtual memory size in bytes.',
    read() {
      const kibibytes = /^VmSize:\s+(\d+) kB$/m.exec(ownFile('status').toString('latin1'))?.[1];
      return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
    },
  },
  {
    name: 'process_virtual_memory_max_bytes',
    help: 'Maximum virtual memory size in bytes; 2^64 when unlimited.',
    read: (limits) => ownLimit('addressSpace', limits),
  },
];

/** Memory of this process; undefined where /proc has no value. */
export function residentBytes(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}

function openFiles(): number | undefined {
  try {
    // Since Linux 6.2 the size of the folder is their number; listing 400 of them takes 0.2 ms.
    const { size } = statSync('/proc/self/fd');
    // The listing itself is one of them.
    return size > 0 ? size : readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}

/** A soft limit in `limits`, which is /proc/self/limits. RLIM_INFINITY when unlimited, as in Go's client. */
function ownLimit(name: Parameters<typeof softLimit>[3], limits: Buffer): number | undefined {
  try {
    const limit = softLimit('/proc/self/limits', limits, limits.length, name);
    return limit === Number.POSITIVE_INFINITY ? 2 ** 64 : limit;
  } catch {
    return undefined;
  }
}

function ownFile(name: string): Buffer {
  try {
    return readFileSync(`/proc/self/${name}`);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Registers build, process and event-loop metrics in `registry`. */
export function selfMetrics(registry: Registry, version: string): SelfMetrics {
  const registers = [registry];
  const use = { cpuSeconds: 0, rssBytes: 0 };
  new Gauge({
    name: 'firesteel_build_info',
    help: 'Always 1. The labels show the running version.',
    labelNames: ['version', 'node_version'],
    registers,
  }).set({ version, node_version: process.version }, 1);
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the agent, in seconds since 1970.',
    registers,
  }).set(Math.round(wallMs() / 1000 - process.uptime()));
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
    registers,
    collect() {
      const bytes = residentBytes();
      use.rssBytes = bytes ?? 0;
      if (bytes === undefined) this.remove();
      else this.set(bytes);
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time used by the agent, in seconds.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      use.cpuSeconds = (user + system) / 1e6;
      this.reset();
      this.inc(use.cpuSeconds);
    },
  });
  let limits: Buffer = Buffer.alloc(0);
  for (const [index, { name, help, read }] of PROCESS_GAUGES.entries()) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        // Metrics are collected in the order of their registration.
        if (index === 0) limits = ownFile('limits');
        const value = read(limits);
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
    help: 'Longest block of the event loop since the last collection of these metrics, by a push or from /metrics.',
    registers,
    collect() {
      // The first iteration includes the time that the process spent waiting.
      lagSeconds = lag.count === 0 || isFirst ? 0 : Math.max(0, lag.max / 1e6 - UNBLOCKED_MS) / 1000;
      isFirst = false;
      this.set(lagSeconds);
      lag.reset();
    },
  });
  return {
    use,
    get lagSeconds() {
      return lagSeconds;
    },
    close: () => lag.disable(),
  };
}
