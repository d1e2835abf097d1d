import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exported, findings } from '../test/faults/findings.ts';
import { KnownValues } from '../test/faults/known-values.ts';
import { Witness } from '../test/faults/witness.ts';
import { BUNDLE } from '../test/kit/agent.ts';
import { RealServer } from '../test/kit/servers.ts';
import { sleep } from './kit/processes.ts';
import { ScrapedValues } from './kit/scraped-values.ts';

const SERIES = 200;
const WARM_UP_MS = 8000;
/** Neither sender waits longer than a minute between two attempts. */
const SETTLE_MS = 70_000;

/** What happens to both senders in the middle of the outage. */
const EVENTS: Readonly<Record<string, { readonly signal?: NodeJS.Signals; readonly times: number }>> = {
  nothing: { times: 0 },
  'SIGTERM and restart': { signal: 'SIGTERM', times: 1 },
  'SIGKILL and restart': { signal: 'SIGKILL', times: 1 },
  '5 times SIGKILL and restart': { signal: 'SIGKILL', times: 5 },
};

/**
 * The same outages for Firesteel and for the real vmagent, which scrapes as many series as often and sends them with remote
 * write: one VictoriaMetrics is down for `--seconds`, while both keep running, are stopped or are killed. Prints how many of
 * the cycles that each has collected are missing at the end.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '60' },
      interval: { type: 'string', default: '1' },
      queue: { type: 'string', default: '4' },
    },
  });
  const [seconds, interval, cycles] = [values.seconds, values.interval, values.queue].map(Number) as [
    number,
    number,
    number,
  ];
  console.log(
    `a cycle every ${interval} s, ${SERIES} series, receiver down for ${seconds} s, queue.cycles of firesteel ${cycles}`,
  );
  console.log(row(['event', 'sender', 'collected', 'lost', 'stored twice']));
  for (const [name, { signal, times }] of Object.entries(EVENTS)) {
    for (const cells of await outage(seconds * 1000, times, signal, { interval, cycles }))
      console.log(row([name, ...cells]));
  }
}

const row = (cells: readonly (string | number)[]): string =>
  cells.map((cell, index) => String(cell).padEnd([28, 20, 11, 6, 0][index] ?? 0)).join('');

/** Parameters of both senders. */
interface Settings {
  /** Seconds. */
  readonly interval: number;
  /** `queue.cycles` of firesteel. */
  readonly cycles: number;
}

async function outage(
  ms: number,
  times: number,
  signal: NodeJS.Signals | undefined,
  settings: Settings,
): Promise<string[][]> {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-outage-'));
  const storage = `-storageDataPath=${folder}/victoria-metrics`;
  const receiver = await RealServer.create(
    'victoria-metrics',
    (port) => [`-httpListenAddr=127.0.0.1:${port}`, storage],
    '/health',
  );
  await receiver.start();
  const witness = await Witness.start();
  const scraped = await ScrapedValues.start(SERIES);
  mkdirSync(join(folder, 'textfiles'));
  const known = new KnownValues(join(folder, 'textfiles'), SERIES);
  const senders = [
    new Sender(process.execPath, firesteelArguments(folder, receiver.url, witness.url, settings)),
    new Sender('vmagent', await vmagentArguments(folder, receiver.url, scraped.url, settings)),
  ];
  try {
    for (const sender of senders) sender.start();
    await sleep(WARM_UP_MS);
    await receiver.stop();
    for (let time = 0; time <= times; time++) {
      await sleep(ms / (times + 1));
      if (time === times || signal === undefined) continue;
      await Promise.all(senders.map((sender) => sender.end(signal)));
      for (const sender of senders) sender.start();
    }
    await receiver.start();
    await sleep(SETTLE_MS);
    await Promise.all(senders.map((sender) => sender.end('SIGTERM')));
    const found = await findings(receiver.url, witness.bodies, known, [0], '{job=~"node-exporter|firesteel"}');
    if (found.wrong.length > 0) throw new Error(`wrong values: ${found.wrong.slice(0, 5)}`);
    const lost = new Set(found.missing.map(({ stampMs }) => stampMs)).size;
    const theirs = scraped.compare(await exported(receiver.url, '{job="scraped"}'));
    return [
      ['firesteel', found.cycles, lost, found.duplicates].map(String),
      ['vmagent', theirs.collected, theirs.lost, theirs.duplicates].map(String),
    ];
  } finally {
    for (const sender of senders) await sender.end('SIGKILL');
    await receiver.stop('SIGKILL');
    for (const server of [witness, scraped, known]) server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function firesteelArguments(folder: string, receiver: string, witness: string, settings: Settings): string[] {
  const config = {
    node: 'worker-1',
    log: { level: 'error' },
    push: { interval: `${settings.interval}s` },
    http: { enabled: false },
    collectors: {
      node: { include: ['textfile'], textfile: { directory: join(folder, 'textfiles') } },
      container: { enabled: false },
      process: { enabled: false },
    },
    spool: { path: join(folder, 'spool') },
    exporters: {
      receiver: { type: 'vmagent', url: receiver, queue: { cycles: settings.cycles } },
      witness: { type: 'vmagent', url: witness },
    },
  };
  const file = join(folder, 'firesteel.yaml');
  writeFileSync(file, JSON.stringify(config));
  return ['--disable-warning=ExperimentalWarning', BUNDLE, 'run', '--config', file];
}

async function vmagentArguments(
  folder: string,
  receiver: string,
  scraped: string,
  { interval }: Settings,
): Promise<string[]> {
  const config = {
    global: { scrape_interval: `${interval}s`, scrape_timeout: `${interval}s` },
    scrape_configs: [{ job_name: 'scraped', static_configs: [{ targets: [new URL(scraped).host] }] }],
  };
  const file = join(folder, 'scrape.yaml');
  writeFileSync(file, JSON.stringify(config));
  const { port } = await RealServer.create('vmagent', () => [], '/health');
  return [
    `-httpListenAddr=127.0.0.1:${port}`,
    `-promscrape.config=${file}`,
    `-remoteWrite.url=${receiver}/api/v1/write`,
    `-remoteWrite.tmpDataPath=${folder}/vmagent`,
  ];
}

/** A program that is restarted repeatedly. */
class Sender {
  readonly #command: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  constructor(command: string, args: readonly string[]) {
    this.#command = command;
    this.#args = args;
  }

  start(): void {
    this.#child = spawn(this.#command, this.#args, { stdio: ['ignore', 'ignore', 'ignore'] });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}
