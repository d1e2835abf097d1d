// Loaded into the agent with --import: measures how long its event loop was blocked at most. Asked over IPC, since watching
// at this resolution costs CPU that must not be counted as the agent's. Plain JavaScript: to let Node read TypeScript
// would cost the agent 20 MB.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

/** CPU time of the main thread between two runs of a timer, at most: what a turn takes where other processes want the CPU too. */
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
