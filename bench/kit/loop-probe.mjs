// Loaded into the agent with --import: tells how long its event loop was blocked at most. Asked over IPC, since watching
// at this resolution costs CPU that must not be counted as the agent's. Plain JavaScript: to let Node read TypeScript
// would cost the agent 20 MB.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

process.on('message', (message) => {
  if (message === 'watch') {
    delay.reset();
    delay.enable();
    return;
  }
  delay.disable();
  process.send?.({ longestBlockMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS) });
});
// The probe must not keep the agent alive.
process.channel?.unref();
delay.enable();
