import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { bindCollector, type CollectorSpec } from '../src/collectors/collector.ts';
import { processCollector, processSection } from '../src/collectors/process/index.ts';
import { Host } from '../src/host/host.ts';
import { DEFAULT_PATHS } from '../src/host/paths.ts';
import { AgentRegistry } from '../src/metrics/registry.ts';
import { compareProcess } from './kit/compare-process.ts';
import { startIdleCrowd } from './kit/crowd.ts';
import { cpuMs, type Measured, memoryMib, sleep, startAgent, startProgram, startSink } from './kit/processes.ts';

const PORT = 19_256;
const SCRAPE_URL = `http://127.0.0.1:${PORT}/metrics`;

/**
 * The process collector beside the real process-exporter (on PATH as prometheus-process-exporter) with 1,000 and 5,000
 * processes: CPU per cycle and per scrape, memory, and how long the event loop was blocked at most. `--compare` first
 * compares what the two tell of 300 processes that work, breed and end.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      compare: { type: 'boolean' },
      seconds: { type: 'string', default: '60' },
      sizes: { type: 'string', default: '1000,5000' },
      cycles: { type: 'string', default: '30' },
    },
  });
  if (values.compare) await compareProcess(Number(values.seconds));
  for (const size of values.sizes.split(',').map(Number)) await measureSize(size, Number(values.cycles));
}

async function measureSize(size: number, cycles: number): Promise<void> {
  const crowd = await startIdleCrowd(size);
  const names = join(crowd.folder, 'names.yml');
  writeFileSync(names, 'process_names: [{name: "{{.Comm}}", cmdline: [".+"]}]\n');
  const flags = [`-web.listen-address=127.0.0.1:${PORT}`, `-config.path=${names}`, `-procfs=${crowd.procfs}`];
  console.log(`\n${size} processes; ${cycles} cycles, one a second, a quarter of the processes with the slow reads`);
  try {
    await measureCollector(crowd.procfs, cycles);
    await measureAgent(crowd.procfs, cycles);
    // Without threads and smaps, which it has on by default and Firesteel has off.
    await measureExporter('process-exporter lean', [...flags, '-threads=false', '-gather-smaps=false'], cycles);
    await measureExporter('process-exporter', flags, cycles);
  } finally {
    crowd.end();
  }
}

/** As of 60 s when a cycle is 15 s. */
const SLOW_INTERVAL = '4s';

/** The collector by itself: CPU and blocked event loop, without text, compression and push. */
async function measureCollector(procfs: string, cycles: number): Promise<void> {
  const { enabled: _, ...options } = processSection.parse({ slowInterval: SLOW_INTERVAL });
  const spec = processCollector() as unknown as CollectorSpec;
  const registry = new AgentRegistry();
  const world = { host: new Host({ ...DEFAULT_PATHS, procfs }), now: Date.now };
  registry.addProducer(bindCollector('process', spec, world, options));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const cycle = async () => {
    delay.enable();
    delay.reset();
    const cpu = await cpuOf(() => registry.gather(30_000));
    delay.disable();
    return { cpu, block: delay.max / 1e6 };
  };
  // Making the crowd has blocked the loop, which the first look at it would tell.
  await sleep(1000);
  const first = await cycle();
  for (let warmUp = 0; warmUp < 8; warmUp++) {
    await cycle();
    await sleep(1000);
  }
  const runs: { cpu: number; block: number }[] = [];
  for (let index = 0; index < cycles; index++) {
    runs.push(await cycle());
    await sleep(1000);
  }
  const most = (key: 'cpu' | 'block') => Math.max(...runs.map((run) => run[key])).toFixed(1);
  const mean = runs.reduce((sum, { cpu }) => sum + cpu, 0) / cycles;
  const blocks = runs.map(({ block }) => block).sort((one, other) => one - other);
  console.log(
    `collector             ${mean.toFixed(1)} ms CPU a cycle, at most ${most('cpu')}, the first ${first.cpu.toFixed(1)}\n` +
      `  event loop blocked  ${median(blocks).toFixed(1)} ms in the median cycle, at most ${most('block')}, ` +
      `in the first ${first.block.toFixed(1)}`,
  );
}

const median = (sorted: readonly number[]): number => sorted[sorted.length >> 1] ?? Number.NaN;

/** CPU time of this process, in ms, while `work` runs. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function measureAgent(procfs: string, cycles: number): Promise<void> {
  const sink = await startSink();
  const agent = await startAgent(sink.url, [
    ...['--push.interval', '1s', '--http.listen', '127.0.0.1:0', '--log.level', 'error'],
    ...['--path.procfs', procfs, '--set', 'collectors.node.enabled=false'],
    ...['--set', `collectors.process.slowInterval=${SLOW_INTERVAL}`],
  ]);
  try {
    await sleep(10_000);
    const before = cpuMs(agent.pid);
    await sleep(cycles * 1000);
    report('firesteel, whole', agent, (cpuMs(agent.pid) - before) / cycles);
  } finally {
    await agent.end();
    sink.close();
  }
}

async function measureExporter(title: string, flags: readonly string[], cycles: number): Promise<void> {
  const exporter = await startProgram('prometheus-process-exporter', flags, new URL('/', SCRAPE_URL).href);
  try {
    const scrape = async () => (await fetch(SCRAPE_URL)).text();
    for (let warmUp = 0; warmUp < 5; warmUp++) await scrape();
    const before = cpuMs(exporter.pid);
    for (let cycle = 0; cycle < cycles; cycle++) {
      await scrape();
      await sleep(1000);
    }
    report(title, exporter, (cpuMs(exporter.pid) - before) / cycles);
  } finally {
    await exporter.end();
  }
}

function report(name: string, { pid }: Measured, cpu: number): void {
  const { rss, anon } = memoryMib(pid);
  console.log(
    `${name.padEnd(21)} ${cpu.toFixed(1)} ms CPU a cycle   RSS ${rss.toFixed(1)} MiB   RssAnon ${anon.toFixed(1)} MiB`,
  );
}
