import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compareProcess } from './kit/compare-process.ts';
import { startChurn, startIdleCrowd } from './kit/crowd.ts';
import { cpuMs, type Measured, memoryMib, sleep, startAgent, startProgram, startSink } from './kit/processes.ts';

const PORT = 19_256;
const SCRAPE_URL = `http://127.0.0.1:${PORT}/metrics`;

/** As the Helm chart starts node agents. */
const NODE_FLAGS = ['--max-semi-space-size=1'];

/**
 * The process collector compared with the real process-exporter (on PATH as prometheus-process-exporter) with 1,000 and
 * 5,000 processes: CPU per cycle and per scrape, memory, and the longest block of the event loop. `--compare` first
 * compares what both expose for 300 processes that work, fork and exit; `--churn CYCLES` only measures memory
 * while fifty processes a second start and exit.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      compare: { type: 'boolean' },
      seconds: { type: 'string', default: '60' },
      sizes: { type: 'string', default: '1000,5000' },
      cycles: { type: 'string', default: '30' },
      churn: { type: 'string' },
    },
  });
  if (values.churn !== undefined) return measureChurn(Number(values.churn));
  if (values.compare) await compareProcess(Number(values.seconds));
  for (const size of values.sizes.split(',').map(Number)) await measureSize(size, Number(values.cycles));
}

async function measureSize(size: number, cycles: number): Promise<void> {
  const crowd = await startIdleCrowd(size);
  const names = join(crowd.folder, 'names.yml');
  writeFileSync(names, 'process_names: [{name: "{{.Comm}}", cmdline: [".+"]}]\n');
  const flags = [`-web.listen-address=127.0.0.1:${PORT}`, `-config.path=${names}`, `-procfs=${crowd.procfs}`];
  console.log(
    `\n${size} processes (${crowd.made}); ${cycles} cycles, one a second, a quarter of the processes with the slow reads`,
  );
  try {
    await measureCollector(crowd.procfs, cycles);
    await measureAgent(crowd.procfs, cycles);
    // Without threads and smaps, which are on by default in process-exporter and off in Firesteel.
    await measureExporter('process-exporter lean', [...flags, '-threads=false', '-gather-smaps=false'], cycles);
    await measureExporter('process-exporter', flags, cycles);
  } finally {
    crowd.end();
  }
}

/** Equivalent to 60 s with a cycle of 15 s. */
const SLOW_INTERVAL = '4s';

const OUR_FLAGS = [
  ...['--push.interval', '1s', '--http.listen', '127.0.0.1:0', '--log.level', 'error'],
  ...['--set', 'collectors.node.enabled=false', '--set', 'collectors.container.enabled=false'],
];

/** The collector alone: CPU and blocks of the event loop, without encoding, compression and push. */
async function measureCollector(procfs: string, cycles: number): Promise<void> {
  const program = fileURLToPath(new URL('./kit/process-collector.ts', import.meta.url));
  const args = ['--disable-warning=ExperimentalWarning', program, procfs, String(cycles), SLOW_INTERVAL];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
}

async function measureAgent(procfs: string, cycles: number): Promise<void> {
  const sink = await startSink();
  const agent = await startAgent(
    sink.url,
    [...OUR_FLAGS, '--path.procfs', procfs, '--set', `collectors.process.slowInterval=${SLOW_INTERVAL}`],
    NODE_FLAGS,
  );
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

/** Memory of the agent with this host's processes, after every tenth of `cycles`. */
async function measureChurn(cycles: number): Promise<void> {
  const crowd = startChurn();
  const sink = await startSink();
  const agent = await startAgent(sink.url, OUR_FLAGS, NODE_FLAGS);
  try {
    console.log(`${cycles} cycles, one a second, with 50 new processes in each`);
    for (let part = 1; part <= 10; part++) {
      await sleep((cycles / 10) * 1000);
      const { rss, peak, anon } = memoryMib(agent.pid);
      const [now, most, own] = [rss, peak, anon].map((value) => value.toFixed(1));
      console.log(`after ${(part * cycles) / 10}: RSS ${now}, at most ${most}; RssAnon ${own} MiB`);
    }
  } finally {
    await agent.end();
    sink.close();
    crowd.end();
  }
}

/** With many processes process-exporter takes seconds per response: then fewer responses must suffice. */
const EXPORTER_MS = 60_000;
const FEWEST_SCRAPES = 3;

async function measureExporter(title: string, flags: readonly string[], cycles: number): Promise<void> {
  const exporter = await startProgram('prometheus-process-exporter', flags, new URL('/', SCRAPE_URL).href);
  try {
    const scrape = async () => (await fetch(SCRAPE_URL, { signal: AbortSignal.timeout(EXPORTER_MS) })).text();
    await scrape();
    await scrape();
    const before = cpuMs(exporter.pid);
    const deadline = performance.now() + EXPORTER_MS;
    let scrapes = 0;
    while (scrapes < cycles && (scrapes < FEWEST_SCRAPES || performance.now() < deadline)) {
      await scrape();
      scrapes++;
      await sleep(1000);
    }
    report(title, exporter, (cpuMs(exporter.pid) - before) / scrapes);
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
