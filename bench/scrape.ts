import { parseArgs } from 'node:util';
import { Snapshot } from '../src/metrics/snapshot.ts';
import { encodeByFamily } from '../src/metrics/text/encoder.ts';
import { LineBuffer } from '../src/scrape/line-buffer.ts';
import { PageReader } from '../src/scrape/page-reader.ts';
import { SeriesOrder } from '../src/scrape/series-order.ts';
import { cpuMs, memoryMib, sleep, startProbedIdler, startSink } from './kit/processes.ts';
import { startScrapeTarget } from './kit/scrape-target.ts';
import { type Scraping, startFiresteel, startVmagent } from './kit/scrapers.ts';
import { SyntheticSeries } from './kit/synthetic-series.ts';

/** Series of cAdvisor in a page of 16 MiB. */
const LARGE = 43_000;

interface Settings {
  readonly interval: number;
  readonly cycles: number;
}

/**
 * The cost of a scrape: CPU time of a line in this process; the agent and the real vmagent in parallel with the same
 * targets; the growth of memory with the number of series; and the longest block of the event loop while a page of 16 MiB
 * is read, compared with that of an idle process.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      targets: { type: 'string', default: '20' },
      series: { type: 'string', default: '1000' },
      interval: { type: 'string', default: '5' },
      cycles: { type: 'string', default: '12' },
      only: { type: 'string', default: 'lines,cpu,memory,block' },
    },
  });
  const settings = { interval: Number(values.interval), cycles: Number(values.cycles) };
  const parts: Readonly<Record<string, () => void | Promise<void>>> = {
    lines,
    cpu: () => compareCpu(Number(values.targets), Number(values.series), settings),
    memory: () => measureGrowth(settings),
    block: () => measureBlock(settings),
  };
  for (const part of values.only.split(',')) await parts[part]?.();
}

/** CPU time of a line that is passed through unchanged. */
function lines(): void {
  const typical = Array.from(
    { length: 20_000 },
    (_, index) => `http_requests_total{code="200",handler="/api/v1/items/${index}",method="get"} ${index * 3}\n`,
  );
  const pages = { typical: Buffer.from(typical.join('')), 'of cAdvisor': cadvisorPage(20_000) };
  for (const [what, page] of Object.entries(pages)) {
    for (const [names, how] of [
      [['zone', 'team', 'app'], ''],
      [['namespace', 'pod', 'container'], ', with the labels of a pod'],
    ] as const) {
      const bytes = Math.round(page.length / 20_000);
      console.log(`a line ${what}, ${bytes} bytes${how}: ${lineMicroseconds(page, names).toFixed(2)} µs of CPU`);
    }
  }
}

function cadvisorPage(count: number): Buffer {
  const snapshot = new Snapshot();
  new SyntheticSeries(count).fill(snapshot);
  return Buffer.concat([...encodeByFamily([snapshot])]);
}

/** The best of a dozen, without compression, which runs in another thread. */
function lineMicroseconds(page: Buffer, names: readonly string[]): number {
  const order = new SeriesOrder();
  const labels = ['job', 'instance', ...names].map((name, index) => [name, `some-value-${index}`] as const);
  const reader = new PageReader(
    {
      labels,
      pushed: new Set(['cluster', 'node']),
      honorLabels: false,
      honorTimestamps: false,
      relabel: [],
      limits: { samples: 10_000_000, labels: 60, labelBytes: 4096 },
    },
    order,
  );
  const once = () => {
    const written = new LineBuffer();
    const before = process.threadCpuUsage();
    reader.begin(1_700_000_000_000, false, written);
    for (let start = 0; start < page.length; start += 4096) {
      reader.read(page.subarray(start, start + 4096));
      for (const block of written.takeFull()) written.giveBack(block);
    }
    const { scraped } = reader.finish();
    order.end();
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / scraped;
  };
  return Math.min(...Array.from({ length: 12 }, once));
}

/** Runs `body` with the given number of targets and series per target, all in this process, and a sink. */
async function withTargets<T>(
  targets: number,
  series: number,
  { interval }: Settings,
  body: (scraping: Scraping) => Promise<T>,
): Promise<T> {
  const sink = await startSink();
  const served = await Promise.all(Array.from({ length: targets }, () => startScrapeTarget(series)));
  try {
    return await body({ hosts: served.map(({ host }) => host), interval, sink: sink.url });
  } finally {
    for (const one of served) one.close();
    sink.close();
  }
}

async function compareCpu(targets: number, series: number, settings: Settings): Promise<void> {
  const { interval, cycles } = settings;
  await withTargets(targets, series, settings, async (scraping) => {
    const [firesteel, vmagent] = await Promise.all([startFiresteel(scraping), startVmagent(scraping)]);
    try {
      firesteel.rest();
      await sleep(interval * 4000);
      const both = [firesteel, vmagent];
      const before = both.map(({ pid }) => cpuMs(pid));
      await sleep(interval * cycles * 1000);
      const [own, its] = both.map(({ pid }, index) => (cpuMs(pid) - (before[index] ?? 0)) / cycles);
      const [ownMib, itsMib] = both.map(({ pid }) => memoryMib(pid).anon.toFixed(1));
      console.log(
        `${targets} targets of ${series} series every ${interval} s, both at the same time, CPU of a round: ` +
          `firesteel ${own?.toFixed(1)} ms (${ownMib} MiB), vmagent ${its?.toFixed(1)} ms (${itsMib} MiB)`,
      );
    } finally {
      await Promise.all([firesteel.end(), vmagent.end()]);
    }
  });
}

/** Ten targets with 100 and with 10,000 long series each. */
async function measureGrowth(settings: Settings): Promise<void> {
  const measure = (series: number) =>
    withTargets(10, series, settings, async (scraping) => {
      const agent = await startFiresteel(scraping);
      try {
        agent.rest();
        await sleep((settings.interval * 4 + settings.interval * settings.cycles) * 1000);
        const { anon } = memoryMib(agent.pid);
        return { anon, used: await agent.usedMib() };
      } finally {
        await agent.end();
      }
    });
  const small = await measure(100);
  const large = await measure(10_000);
  const growth = (key: 'anon' | 'used') => ((large[key] - small[key]) / 9.9).toFixed(2);
  console.log(
    `10 targets, 1,000 series in total: ${small.used.toFixed(1)} MiB in use (${small.anon.toFixed(1)} anonymous); 100,000: ` +
      `${large.used.toFixed(1)} (${large.anon.toFixed(1)}); for 10,000 series ${growth('used')} MiB in use (${growth('anon')})`,
  );
}

async function measureBlock(settings: Settings): Promise<void> {
  await withTargets(1, LARGE, settings, async (scraping) => {
    const [agent, idler] = await Promise.all([startFiresteel(scraping), startProbedIdler()]);
    try {
      await sleep(settings.interval * 4000);
      for (const one of [agent, idler]) one.watch();
      await sleep(settings.interval * settings.cycles * 1000);
      const [own, machine] = await Promise.all([agent.longest(), idler.longest()]);
      const mib = (cadvisorPage(LARGE).length / 2 ** 20).toFixed(1);
      console.log(
        `a page of ${mib} MiB: longest block ${own.blockMs.toFixed(1)} ms, its CPU time ${own.cpuMs.toFixed(1)} ms; ` +
          `an idle process in parallel ${machine.blockMs.toFixed(1)} ms`,
      );
    } finally {
      await Promise.all([agent.end(), idler.end()]);
    }
  });
}
