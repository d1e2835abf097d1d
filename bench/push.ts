import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startFaultProxy } from '../test/kit/fault-proxy.ts';
import { RealServer } from '../test/kit/servers.ts';
import { nextMessage } from './kit/messages.ts';
import { cpuMs, sleep } from './kit/processes.ts';
import type { FleetReport } from './kit/push-fleet.ts';
import { startScrapeTarget } from './kit/scrape-target.ts';

const WARM_UP_CYCLES = 4;
/** New series are twenty times as expensive for a receiver as known ones. */
const FLEET_WARM_UP_CYCLES = 6;

/**
 * The cost of a push, compared with the real vmagent that scrapes the same series and sends them with remote write: CPU of
 * the sender and of the receiver, bytes counted by a proxy; with `--remote-write` also the exporter of that type. Then many
 * agents that push to one VictoriaMetrics, at their phases and, for comparison, all simultaneously.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      series: { type: 'string', default: '3000,100000' },
      cycles: { type: 'string', default: '12' },
      interval: { type: 'string', default: '5' },
      agents: { type: 'string', default: '500' },
      'agent-series': { type: 'string', default: '1000' },
      'agent-interval': { type: 'string', default: '15' },
      'agent-cycles': { type: 'string', default: '3' },
      relabel: { type: 'boolean', default: false },
      'remote-write': { type: 'boolean', default: false },
    },
  });
  if (values.relabel) return compareRules(Number(values.cycles), Number(values.interval) * 1000);
  const intervalMs = Number(values.interval) * 1000;
  console.log(
    `${values.cycles} cycles, one every ${values.interval} s, after ${WARM_UP_CYCLES} to warm up; per cycle:`,
  );
  console.log(row(['series', 'sender', 'sender CPU', 'receiver CPU', 'bytes sent']));
  for (const series of values.series.split(',').filter(Boolean).map(Number)) {
    const own: StartSender = (url, count, interval) => startFiresteel(url, count, interval);
    for (const sender of values['remote-write'] ? [own, startRemoteWrite, startVmagent] : [own, startVmagent]) {
      console.log(row(await measure(sender, series, intervalMs, Number(values.cycles))));
    }
  }
  const agents = Number(values.agents);
  if (agents === 0) return;
  const agentMs = Number(values['agent-interval']) * 1000;
  console.log(`${agents} agents with ${values['agent-series']} series each, every ${values['agent-interval']} s:`);
  for (const spread of ['phases', 'together']) {
    await fleet(spread, agents, Number(values['agent-series']), agentMs, Number(values['agent-cycles']));
  }
}

/** Ten typical rules, one of which drops series. */
const RULES = [
  { action: 'drop', source_labels: ['__name__'], regex: 'container_(tasks_state|memory_failures_total)' },
  { action: 'drop', source_labels: ['namespace', 'pod'], regex: 'kube-system;debug-.*' },
  { action: 'drop', source_labels: ['__name__', 'container'], regex: 'container_memory_swap;.*-7' },
  { source_labels: ['pod'], regex: '(.*)-[0-9a-f]{5}', target_label: 'workload', replacement: '$1' },
  { source_labels: ['image'], regex: '.*/([^:]+):(.*)', target_label: 'version', replacement: '$2' },
  { action: 'labeldrop', regex: 'id|name' },
  { action: 'labelmap', regex: 'label_(.+)' },
  { action: 'lowercase', source_labels: ['namespace'], target_label: 'namespace' },
  { target_label: 'team', replacement: 'shop' },
  { action: 'dropequal', source_labels: ['container'], target_label: 'pod' },
];

/** The same series with and without rules, alternating: CPU of a cycle after warm-up. */
async function compareRules(cycles: number, intervalMs: number): Promise<void> {
  const series = 100_000;
  console.log(`${series} series, ${cycles} cycles one every ${intervalMs / 1000} s, each twice; CPU per cycle:`);
  // A rule without effect, and one that leaves the size of each series unchanged: the rules above shorten the text.
  const same = RULES.map((rule) => ({
    ...rule,
    action: 'drop',
    regex: 'never',
    target_label: undefined,
    replacement: undefined,
    source_labels: ['pod'],
  }));
  for (const round of [1, 2]) {
    for (const [name, rules] of [
      ['none', []],
      ['ten, no effect', same],
      ['ten', RULES],
    ] as const) {
      const start: StartSender = (url, count, interval) => startFiresteel(url, count, interval, JSON.stringify(rules));
      const [, , own = '', , bytes = ''] = await measure(start, series, intervalMs, cycles);
      console.log(row([`round ${round}`, name.padEnd(16), own, bytes]));
    }
  }
}

const row = (cells: readonly string[]): string =>
  cells.map((cell, index) => (index < 2 ? cell.padEnd(12) : cell.padStart(14))).join('');

interface Sending {
  readonly name: string;
  readonly pid: number;
  end(): Promise<void>;
}

type StartSender = (url: string, series: number, intervalMs: number, folder: string) => Promise<Sending>;

async function measure(start: StartSender, series: number, intervalMs: number, cycles: number): Promise<string[]> {
  const { receiver, folder, end } = await startReceiver();
  const proxy = await startFaultProxy(receiver.port);
  const sender = await start(proxy.url, series, intervalMs, folder);
  try {
    await sleep(intervalMs * WARM_UP_CYCLES);
    const before = [cpuMs(sender.pid), cpuMs(receiver.pid), proxy.sent.up] as const;
    await sleep(intervalMs * cycles);
    const [own, theirs, bytes] = [cpuMs(sender.pid), cpuMs(receiver.pid), proxy.sent.up].map(
      (value, index) => (value - (before[index] as number)) / cycles,
    );
    return [
      String(series),
      sender.name,
      `${own?.toFixed(1)} ms`,
      `${theirs?.toFixed(1)} ms`,
      `${((bytes ?? 0) / 1024).toFixed(1)} KiB`,
    ];
  } finally {
    await sender.end();
    await proxy.close();
    await end();
  }
}

async function startReceiver(): Promise<{ receiver: RealServer; folder: string; end: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-push-'));
  const storage = `-storageDataPath=${folder}/victoria-metrics`;
  const receiver = await RealServer.create(
    'victoria-metrics',
    (port) => [`-httpListenAddr=127.0.0.1:${port}`, storage],
    '/health',
  );
  await receiver.start();
  const end = async () => {
    await receiver.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  return { receiver, folder, end };
}

const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

const startFiresteel = async (
  url: string,
  series: number,
  intervalMs: number,
  rules = '[]',
  type = 'vmagent',
): Promise<Sending> => {
  const args = [url, String(series), String(intervalMs), rules, type];
  const child = fork(new URL('kit/push-sender.ts', import.meta.url), args, { execArgv: NODE_FLAGS });
  await nextMessage(child);
  return {
    name: type === 'vmagent' ? 'firesteel' : type,
    pid: child.pid as number,
    async end() {
      child.kill();
      await once(child, 'exit');
    },
  };
};

const startRemoteWrite: StartSender = (url, series, intervalMs) =>
  startFiresteel(`${url}/api/v1/write`, series, intervalMs, '[]', 'remotewrite');

const startVmagent: StartSender = async (url, series, intervalMs, folder) => {
  const target = await startScrapeTarget(series);
  const scrape = {
    global: { scrape_interval: `${intervalMs}ms`, scrape_timeout: `${intervalMs}ms` },
    scrape_configs: [
      {
        job_name: 'kubelet',
        static_configs: [
          {
            targets: [target.host],
            labels: { instance: 'worker-1', node: 'worker-1', metrics_path: '/metrics/cadvisor' },
          },
        ],
      },
    ],
  };
  const file = join(folder, 'scrape.yaml');
  writeFileSync(file, JSON.stringify(scrape));
  const vmagent = await RealServer.create(
    'vmagent',
    (port) => [
      `-httpListenAddr=127.0.0.1:${port}`,
      `-promscrape.config=${file}`,
      '-promscrape.maxScrapeSize=256MB',
      `-remoteWrite.url=${url}/api/v1/write`,
      `-remoteWrite.tmpDataPath=${folder}/vmagent`,
    ],
    '/health',
  );
  await vmagent.start();
  return {
    name: 'vmagent',
    pid: vmagent.pid,
    async end() {
      await vmagent.stop('SIGKILL');
      target.close();
    },
  };
};

async function fleet(spread: string, agents: number, series: number, intervalMs: number, cycles: number) {
  const { receiver, end } = await startReceiver();
  const numbers = [agents, series, intervalMs, FLEET_WARM_UP_CYCLES, cycles].map(String);
  const driver = fork(new URL('kit/push-fleet.ts', import.meta.url), [receiver.url, ...numbers, spread], {
    execArgv: NODE_FLAGS,
  });
  try {
    const report = await nextMessage<FleetReport>(driver);
    const quantile = (part: number) =>
      report.latenciesMs.toSorted((one, other) => one - other)[Math.floor(report.latenciesMs.length * part)] ??
      Number.NaN;
    const [p50, p99, most] = [0.5, 0.99, 0.9999].map((part) => quantile(part).toFixed(1));
    console.log(
      `${spread.padEnd(9)} ${report.uploads} uploads, ${report.failed} failed, ${report.retries} retries, ` +
        `${report.dropped} samples dropped; response time p50 ${p50} ms, p99 ${p99} ms, at most ${most} ms`,
    );
    console.log(`          uploads in each tenth of the interval: ${report.perTenth.join(' ')}`);
  } finally {
    driver.kill();
    await end();
  }
}
