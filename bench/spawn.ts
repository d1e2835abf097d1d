import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runChild } from '../src/tasks/exec/child.ts';

const RESOLUTION_MS = 1;
/** An idle process, as the baseline of the machine. */
const IDLE = `
const delays = require('node:perf_hooks').monitorEventLoopDelay({ resolution: ${RESOLUTION_MS} });
delays.enable();
process.stdin.on('end', () => console.log(delays.max / 1e6)).resume();`;

/** Spawns of exec tasks: the longest block of the event loop with much memory in use, compared with an idle process. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { runs: { type: 'string', default: '200' }, mib: { type: 'string', default: '150' } },
  });
  const idle = spawn(process.execPath, ['--eval', IDLE], { stdio: ['pipe', 'pipe', 'inherit'] });
  // Pages in use: a fork would copy their page tables.
  const held = Buffer.alloc(Number(values.mib) * 2 ** 20, 1);
  await sleep(1000);
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const began = performance.now();
  for (let left = Number(values.runs); left > 0; left--) {
    const options = { command: ['/bin/true'], cwd: '/', env: {}, user: undefined, maxOutput: 1024 };
    await runChild(options, AbortSignal.timeout(10_000));
  }
  const each = (performance.now() - began) / Number(values.runs);
  delays.disable();
  idle.stdin.end();
  const [text] = (await once(idle.stdout, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
  console.log(
    `${values.runs} runs of /bin/true with ${held.length / 2 ** 20} MiB in use, ${each.toFixed(1)} ms each: longest block of the event ` +
      `loop ${(delays.max / 1e6).toFixed(1)} ms, p99 ${(delays.percentile(99) / 1e6).toFixed(1)} ms ` +
      `(${Number(text.toString()).toFixed(1)} ms in an idle process)`,
  );
}
