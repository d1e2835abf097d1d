// Loaded into the agent with --import: measures the longest block of its event loop. Controlled over IPC, because monitoring
// at this resolution costs CPU that must not be counted as the agent's. Plain JavaScript, because Node's TypeScript support
// would cost the agent 20 MB.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

/** Longest CPU time of the main thread between two runs of a timer: the length of a turn without waits for the CPU. */
let longestCpuMs = 0;
let ticking;
function tick(before) {
  const { user, system } = process.threadCpuUsage();
  const now = (user + system) / 1000;
  longestCpuMs = Math.max(longestCpuMs, now - before);
  ticking = setTimeout(tick, RESOLUTION_MS, now).unref();
}

process.on('message', (message) => {
  if (message === 'watch') {
    delay.reset();
    delay.enable();
    clearTimeout(ticking);
    longestCpuMs = 0;
    tick(Number.POSITIVE_INFINITY);
    return;
  }
  if (message === 'memory') {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    process.send?.({ usedMib: (heapUsed + external) / 2 ** 20 });
    return;
  }
  delay.disable();
  clearTimeout(ticking);
  if (message === 'rest') return;
  process.send?.({ longestBlockMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS), longestCpuMs });
});
// The probe must not keep the agent alive.
process.channel?.unref();
delay.enable();
