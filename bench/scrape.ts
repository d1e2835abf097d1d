import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Snapshot } from '../src/metrics/snapshot.ts';
import { encodeByFamily } from '../src/metrics/text/encoder.ts';
import { Batch } from '../src/scrape/batch.ts';
import { PageReader } from '../src/scrape/page-reader.ts';
import { SeriesOrder } from '../src/scrape/series-order.ts';
import { RealServer } from '../test/kit/servers.ts';
import { cpuMs, type Measured, memoryMib, sleep, startProbedAgent, startSink } from './kit/processes.ts';
import { startScrapeTarget } from './kit/scrape-target.ts';
import { SyntheticSeries } from './kit/synthetic-series.ts';

/** As in the image. */
const NODE_FLAGS = ['--max-semi-space-size=1'];

const LIMITS = { samples: 10_000_000, labels: 60, labelBytes: 4096 };

/**
 * What a scrape costs: a line in this process; then the agent and the real vmagent, one after the other, on the same
 * targets; and the longest block of the event loop while a page of 16 MiB is read.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      targets: { type: 'string', default: '20' },
      series: { type: 'string', default: '1000' },
      interval: { type: 'string', default: '5' },
      cycles: { type: 'string', default: '12' },
    },
  });
  lines();
  const [targets, series, interval, cycles] = [values.targets, values.series, values.interval, values.cycles].map(
    Number,
  ) as [number, number, number, number];
  console.log(
    `\n${targets} targets of ${series} series every ${interval} s, ${cycles} times; CPU per round, memory at the end:`,
  );
  for (const start of [startFiresteel, startVmagent]) {
    const { name, cpu, anon, block } = await measure(start, targets, series, interval, cycles);
    console.log(
      `${name.padEnd(12)}${cpu.toFixed(1).padStart(8)} ms  ${anon.toFixed(1).padStart(7)} MiB anonymous${block}`,
    );
  }
  const small = await measure(startFiresteel, 1, 1000, interval, cycles);
  const large = await measure(startFiresteel, 1, 41_000, interval, cycles);
  const growth = (large.anon - small.anon) / 4;
  console.log(
    `\none target of 1,000 series: ${small.anon.toFixed(1)} MiB; of 41,000: ${large.anon.toFixed(1)} MiB: ${growth.toFixed(2)} MiB for 10,000 series`,
  );
  const page = await measure(startFiresteel, 1, 43_000, interval, cycles);
  console.log(`a page of ${(pageBytes(43_000) / 2 ** 20).toFixed(1)} MiB:${page.block}`);
}

const pageOf = (count: number): Buffer => {
  const snapshot = new Snapshot();
  new SyntheticSeries(count).fill(snapshot);
  return Buffer.concat([...encodeByFamily([snapshot])]);
};

const pageBytes = (count: number): number => pageOf(count).length;

/** Time of a line that is passed through, with its compression and without. */
function lines(): void {
  const count = 50_000;
  const page = pageOf(count);
  const order = new SeriesOrder();
  const reader = new PageReader(
    {
      labels: [
        ['job', 'shop/web'],
        ['instance', '10.0.0.17:8080'],
        ['namespace', 'shop'],
        ['pod', 'web-7d9f8b6c5-x2x4z'],
        ['container', 'web'],
      ],
      pushed: new Set(['cluster', 'node']),
      honorLabels: false,
      honorTimestamps: false,
      relabel: [],
      limits: LIMITS,
    },
    order,
  );
  const once = (packs: boolean): number => {
    const batch = new Batch();
    const began = performance.now();
    reader.begin(1_700_000_000_000, false);
    for (let start = 0; start < page.length; start += 65_536) {
      const text = reader.read(page.subarray(start, start + 65_536));
      if (packs) batch.add(text);
    }
    const { text } = reader.finish();
    if (packs) {
      batch.add(text);
      batch.close(count);
    }
    order.end();
    return ((performance.now() - began) * 1000) / count;
  };
  const best = (packs: boolean) => Math.min(...Array.from({ length: 12 }, () => once(packs)));
  console.log(
    `a line of ${Math.round(page.length / count)} bytes: ${best(false).toFixed(2)} µs read and written, ${best(true).toFixed(2)} µs with zstd`,
  );
}

interface Measurement {
  readonly name: string;
  /** Milliseconds a round. */
  readonly cpu: number;
  readonly anon: number;
  /** In words; empty where it is not known. */
  readonly block: string;
}

interface Started extends Pick<Measured, 'pid' | 'end'> {
  readonly name: string;
  watch?(): void;
  longestBlockMs?(): Promise<number>;
}

type Start = (hosts: readonly string[], interval: number, sink: string, folder: string) => Promise<Started>;

async function measure(
  start: Start,
  targets: number,
  series: number,
  interval: number,
  cycles: number,
): Promise<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-scrape-'));
  const sink = await startSink();
  const served = await Promise.all(Array.from({ length: targets }, () => startScrapeTarget(series)));
  const started = await start(
    served.map(({ host }) => host),
    interval,
    sink.url,
    folder,
  );
  try {
    await sleep(interval * 4000);
    const before = cpuMs(started.pid);
    started.watch?.();
    await sleep(interval * cycles * 1000);
    const cpu = (cpuMs(started.pid) - before) / cycles;
    const block = (await started.longestBlockMs?.()) ?? Number.NaN;
    const { anon } = memoryMib(started.pid);
    return {
      name: started.name,
      cpu,
      anon,
      block: Number.isNaN(block) ? '' : `  longest block ${block.toFixed(1)} ms`,
    };
  } finally {
    await started.end();
    for (const one of served) one.close();
    sink.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const startFiresteel: Start = async (hosts, interval, sink, folder) => {
  const file = join(folder, 'firesteel.yaml');
  const config = {
    node: 'worker-1',
    push: { interval: `${interval}s` },
    http: { enabled: false },
    collectors: { node: { enabled: false }, container: { enabled: false }, process: { enabled: false } },
    scrape: {
      interval: `${interval}s`,
      timeout: `${interval}s`,
      limits: { body: '64MiB', samples: 1_000_000 },
      targets: hosts.map((host, index) => ({ job: `app-${index}`, urls: [`http://${host}/metrics`] })),
    },
  };
  writeFileSync(file, JSON.stringify(config));
  return { ...(await startProbedAgent(sink, ['--config', file], NODE_FLAGS)), name: 'firesteel' };
};

const startVmagent: Start = async (hosts, interval, sink, folder) => {
  const file = join(folder, 'scrape.yaml');
  const config = {
    global: { scrape_interval: `${interval}s`, scrape_timeout: `${interval}s` },
    scrape_configs: hosts.map((host, index) => ({ job_name: `app-${index}`, static_configs: [{ targets: [host] }] })),
  };
  writeFileSync(file, JSON.stringify(config));
  const vmagent = await RealServer.create(
    'vmagent',
    (port) => [
      `-httpListenAddr=127.0.0.1:${port}`,
      `-promscrape.config=${file}`,
      `-remoteWrite.url=${sink}/api/v1/write`,
      `-remoteWrite.tmpDataPath=${folder}/vmagent`,
    ],
    '/health',
  );
  await vmagent.start();
  return { name: 'vmagent', pid: vmagent.pid, end: () => vmagent.stop('SIGKILL') };
};
