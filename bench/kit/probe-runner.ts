// Runs probes of the type http in a separate process, and measures itself.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { http } from '../../src/tasks/types/http.ts';
import { taskWorld } from '../../test/kit/probe.ts';

/** The parent's request. */
export interface RunRequest {
  readonly url: string;
  readonly caFile: string;
  readonly probes: number;
  readonly atOnce: number;
  /** Spread over this time instead of running as fast as possible. */
  readonly overMs?: number;
}

/** The response. */
export interface RunReport {
  readonly cpuMs: number;
  readonly tookMs: number;
  readonly failures: number;
  readonly longestBlockMs: number;
  /** The same of an idle thread: the baseline of the machine. */
  readonly idleBlockMs: number;
}

const RESOLUTION_MS = 1;

/** Measures the delays of an idle event loop. */
const IDLE = `
const { parentPort } = require('node:worker_threads');
const delays = require('node:perf_hooks').monitorEventLoopDelay({ resolution: 1 });
delays.enable();
parentPort.on('message', () => { delays.disable(); parentPort.postMessage(delays.max / 1e6); parentPort.close(); });
`;

async function run({ url, caFile, probes, atOnce, overMs }: RunRequest): Promise<RunReport> {
  const options = http.options.parse({ targets: [url], http: { tls: { caFile } } });
  const probe = http.create(taskWorld(), options);
  let failures = 0;
  const one = async () => {
    const out = new Snapshot();
    await probe(out, AbortSignal.timeout(10_000));
    if (out.values[0] !== 1) failures++;
  };
  const idle = overMs === undefined ? undefined : new Worker(IDLE, { eval: true });
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  if (overMs !== undefined) delays.enable();
  const before = process.cpuUsage();
  const startMs = performance.now();
  if (overMs === undefined) {
    let left = probes;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (left-- > 0) await one();
      }),
    );
  } else {
    const running: Promise<void>[] = [];
    for (let index = 0; index < probes; index++) {
      const dueMs = startMs + (index * overMs) / probes;
      if (dueMs > performance.now()) await sleep(dueMs - performance.now());
      running.push(one());
    }
    await Promise.all(running);
  }
  const { user, system } = process.cpuUsage(before);
  delays.disable();
  const idleBlockMs = idle ? await blockOf(idle) : 0;
  return {
    cpuMs: (user + system) / 1000,
    tookMs: performance.now() - startMs,
    failures,
    longestBlockMs: overMs === undefined ? 0 : delays.max / 1e6,
    idleBlockMs,
  };
}

const blockOf = (worker: Worker): Promise<number> =>
  new Promise((resolve) => {
    worker.once('message', resolve);
    worker.postMessage('report');
  });

process.on('message', (request: RunRequest) => {
  void run(request).then((report) => process.send?.(report));
});
process.send?.('ready');
