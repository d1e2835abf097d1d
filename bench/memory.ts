import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type GeneratedNode, generateNode } from './kit/cgroup-tree.ts';
import { type Figures, medians, peakWithChildren } from './kit/memory-figures.ts';
import { servePods } from './kit/pod-server.ts';
import { cpuMs, type Measured, memoryMib, sleep, startAgent, startProgram, startSink } from './kit/processes.ts';

const NODE_EXPORTER = '127.0.0.1:19101';
const PROCESS_EXPORTER = '127.0.0.1:19257';
const VMAGENT = '127.0.0.1:19429';

/**
 * The complete node agent (node, container and process collectors, 110 pods) in parallel with node_exporter,
 * process-exporter and a vmagent that scrapes both and pushes: memory and CPU of each after the same time at the same
 * interval. `--flags` sets options of Node.js for one more agent, `--bundle` names another bundle, such as one built from
 * older sources, which also runs with each of these options; both are repeatable. `--runs` repeats all of it, and prints the
 * medians at the end.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pods: { type: 'string', default: '110' },
      seconds: { type: 'string', default: '300' },
      interval: { type: 'string', default: '15' },
      runs: { type: 'string', default: '1' },
      flags: { type: 'string', multiple: true, default: [] },
      bundle: { type: 'string', multiple: true, default: [] },
    },
  });
  const plan: Plan = {
    pods: Number(values.pods),
    seconds: Number(values.seconds),
    interval: Number(values.interval),
    flags: ['', ...values.flags],
    bundles: [undefined, ...values.bundle],
  };
  const { pods, seconds, interval } = plan;
  const runs: Map<string, Figures>[] = [];
  for (let count = 1; count <= Number(values.runs); count++) {
    const figures = await runOnce(plan);
    runs.push(figures);
    print(`${pods} pods, every ${interval} s, after ${seconds} s, run ${count} of ${values.runs}`, figures);
  }
  if (runs.length === 1) return;
  const names = [...(runs[0]?.keys() ?? [])];
  const middle = names.map((name) => [name, medians(runs.map((run) => run.get(name) as Figures))] as const);
  print(`medians of ${runs.length} runs`, new Map(middle));
}

interface Plan {
  readonly pods: number;
  readonly seconds: number;
  readonly interval: number;
  readonly flags: readonly string[];
  readonly bundles: readonly (string | undefined)[];
}

const START_MS = 120_000;

/** The figures of each program, and of the three that the agent replaces together. */
async function runOnce({ pods, seconds, interval, flags, bundles }: Plan): Promise<Map<string, Figures>> {
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'firesteel-bench-'));
  const node = generateNode(root, pods);
  const sleeper = spawn('sleep', ['infinity'], { stdio: 'ignore' });
  const running: Record<string, Measured> = {};
  const starting: Record<string, Promise<number>> = {};
  const sink = await startSink();
  const identity = await servePods(node.pods);
  try {
    showRealProcesses(node, `/proc/${sleeper.pid}`);
    const agentFlags = agentOn(node, identity.url, interval);
    for (const options of flags) {
      for (const bundle of bundles) {
        const name = ['firesteel', options, bundle && `of ${bundle}`].filter(Boolean).join(' ');
        const agent = await startAgent(sink.url, agentFlags, options.split(' ').filter(Boolean), bundle);
        running[name] = agent;
        starting[name] = peakWithChildren(agent.pid);
      }
    }
    for (const [name, program, options, url] of peers(root, node.paths.procfs, sink.url, interval)) {
      running[name] = await startProgram(program, options, url);
    }
    const warmUpMs = Math.max(30, seconds / 5) * 1000;
    const started = sleep(Math.min(START_MS, warmUpMs + seconds * 1000)).then(() => peaksOf(running, starting));
    await sleep(warmUpMs);
    const before = new Map(Object.entries(running).map(([name, { pid }]) => [name, cpuMs(pid)]));
    await sleep(seconds * 1000);
    const peaks = await started;
    const figures = Object.entries(running).map(([name, { pid }]) => {
      const { rss, anon } = memoryMib(pid);
      const cpu = (cpuMs(pid) - (before.get(name) as number)) / (seconds / interval);
      return [name, { rss, anon, cpu, ...(peaks.get(name) as Peaks) }] as const;
    });
    const theirs = figures.flatMap(([name, one]) => (name.startsWith('firesteel') ? [] : [one]));
    const sum = (key: keyof Figures) => theirs.reduce((total, one) => total + one[key], 0);
    const together = {
      ...{ rss: sum('rss'), anon: sum('anon'), cpu: sum('cpu') },
      ...{ peak: sum('peak'), peakWithChildren: sum('peakWithChildren') },
    };
    return new Map([...figures, ['the three together', together]]);
  } finally {
    await Promise.all(Object.values(running).map((program) => program.end()));
    identity.close();
    sink.close();
    sleeper.kill();
    rmSync(root, { recursive: true, force: true });
  }
}

type Peaks = Pick<Figures, 'peak' | 'peakWithChildren'>;

/** The peaks of each program until now; the child of an agent is the process that checks its configuration. */
async function peaksOf(
  running: Readonly<Record<string, Measured>>,
  starting: Readonly<Record<string, Promise<number>>>,
): Promise<Map<string, Peaks>> {
  const peaks = Object.entries(running).map(([name, { pid }]) => [name, memoryMib(pid).peak] as const);
  const both = peaks.map(async ([name, peak]) => {
    return [name, { peak, peakWithChildren: Math.max(peak, (await starting[name]) ?? 0) }] as const;
  });
  return new Map(await Promise.all(both));
}

function print(title: string, figures: ReadonlyMap<string, Figures>): void {
  console.log(
    `${title}; peak of the first two minutes or of a shorter run, and with the process that checks the configuration`,
  );
  for (const [name, one] of figures) console.log(line(name, one));
}

const line = (name: string, { rss, anon, peak, peakWithChildren, cpu }: Figures) =>
  `${name.padEnd(40)} RSS ${rss.toFixed(1).padStart(5)} MiB   RssAnon ${anon.toFixed(1).padStart(5)} MiB   ` +
  `peak ${peak.toFixed(0).padStart(3)}, ${peakWithChildren.toFixed(0).padStart(3)} MiB   ${cpu.toFixed(1).padStart(6)} ms CPU a cycle`;

/**
 * Replaces the generated processes with links to a real one, so that the kernel does the work of all of them, and adds the
 * files of this host. The host's own processes are excluded, because they depend on other work.
 */
function showRealProcesses({ paths }: GeneratedNode, process: string): void {
  for (const name of readdirSync(paths.procfs)) {
    if (!/^\d+$/.test(name) || name === '1') continue;
    rmSync(join(paths.procfs, name), { recursive: true });
    symlinkSync(process, join(paths.procfs, name));
  }
  for (const name of readdirSync('/proc')) {
    const link = join(paths.procfs, name);
    if (!existsSync(link) && !/^\d+$/.test(name)) symlinkSync(join('/proc', name), link);
  }
  // The agent verifies once, with this list, that netlink shows the host's network.
  symlinkSync('/proc/net/netlink', join(paths.procfs, '1/net/netlink'));
}

function agentOn({ paths }: GeneratedNode, identityUrl: string, interval: number): string[] {
  const set = ['collectors.container.identity.source=state', `collectors.container.identity.url=${identityUrl}`];
  return [
    ...['--push.interval', `${interval}s`, '--http.listen', '127.0.0.1:0', '--log.level', 'error'],
    ...['--path.procfs', paths.procfs, '--path.cgroup', paths.cgroup],
    ...set.flatMap((assignment) => ['--set', assignment]),
  ];
}

type Peer = readonly [name: string, program: string, flags: readonly string[], url: string];

function peers(folder: string, procfs: string, sinkUrl: string, interval: number): Peer[] {
  const names = join(folder, 'names.yml');
  writeFileSync(names, 'process_names: [{name: "{{.Comm}}", cmdline: [".+"]}]\n');
  const scrape = join(folder, 'scrape.yml');
  const job = (name: string, target: string) => `  - {job_name: ${name}, static_configs: [{targets: ["${target}"]}]}\n`;
  const jobs = job('node-exporter', NODE_EXPORTER) + job('process-exporter', PROCESS_EXPORTER);
  writeFileSync(scrape, `global: {scrape_interval: ${interval}s}\nscrape_configs:\n${jobs}`);
  return [
    [
      'node_exporter',
      'prometheus-node-exporter',
      [`--web.listen-address=${NODE_EXPORTER}`, '--no-collector.systemd', '--collector.textfile.directory='],
      `http://${NODE_EXPORTER}/`,
    ],
    [
      'process-exporter',
      'prometheus-process-exporter',
      [`-web.listen-address=${PROCESS_EXPORTER}`, `-config.path=${names}`, `-procfs=${procfs}`],
      `http://${PROCESS_EXPORTER}/`,
    ],
    [
      'vmagent',
      'vmagent',
      [
        `-httpListenAddr=${VMAGENT}`,
        `-promscrape.config=${scrape}`,
        `-remoteWrite.url=${sinkUrl}/api/v1/write`,
        `-remoteWrite.tmpDataPath=${join(folder, 'vmagent')}`,
      ],
      `http://${VMAGENT}/health`,
    ],
  ];
}
