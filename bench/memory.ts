import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type GeneratedNode, generateNode } from './kit/cgroup-tree.ts';
import { servePods } from './kit/pod-server.ts';
import { cpuMs, type Measured, memoryMib, sleep, startAgent, startProgram, startSink } from './kit/processes.ts';

const NODE_EXPORTER = '127.0.0.1:19101';
const PROCESS_EXPORTER = '127.0.0.1:19257';
const VMAGENT = '127.0.0.1:19429';

/**
 * The complete node agent (node, container and process collectors, 110 pods) in parallel with node_exporter,
 * process-exporter and a vmagent that scrapes both and pushes: memory and CPU of each after the same time at the same
 * interval. `--flags` sets options of Node.js for one more agent, `--bundle` names another bundle, such as one built from
 * older sources, which also runs with each of these options; both are repeatable.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pods: { type: 'string', default: '110' },
      seconds: { type: 'string', default: '300' },
      interval: { type: 'string', default: '15' },
      flags: { type: 'string', multiple: true, default: [] },
      bundle: { type: 'string', multiple: true, default: [] },
    },
  });
  const seconds = Number(values.seconds);
  const interval = Number(values.interval);
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'firesteel-bench-'));
  const node = generateNode(root, Number(values.pods));
  const sleeper = spawn('sleep', ['infinity'], { stdio: 'ignore' });
  const running: Record<string, Measured> = {};
  const sink = await startSink();
  const identity = await servePods(node.pods);
  try {
    showRealProcesses(node, `/proc/${sleeper.pid}`);
    const agentFlags = agentOn(node, identity.url, interval);
    for (const flags of ['', ...values.flags]) {
      for (const bundle of [undefined, ...values.bundle]) {
        const name = ['firesteel', flags, bundle && `of ${bundle}`].filter(Boolean).join(' ');
        running[name] = await startAgent(sink.url, agentFlags, flags.split(' ').filter(Boolean), bundle);
      }
    }
    for (const [name, program, flags, url] of peers(root, node.paths.procfs, sink.url, interval)) {
      running[name] = await startProgram(program, flags, url);
    }
    await sleep(Math.max(30, seconds / 5) * 1000);
    const before = new Map(Object.entries(running).map(([name, { pid }]) => [name, cpuMs(pid)]));
    await sleep(seconds * 1000);
    const cycles = seconds / interval;
    console.log(`${values.pods} pods, every ${interval} s, after ${seconds} s`);
    let theirs = { rss: 0, anon: 0, cpu: 0 };
    for (const [name, { pid }] of Object.entries(running)) {
      const { rss, anon, peak } = memoryMib(pid);
      const cpu = (cpuMs(pid) - (before.get(name) as number)) / cycles;
      if (!name.startsWith('firesteel'))
        theirs = { rss: theirs.rss + rss, anon: theirs.anon + anon, cpu: theirs.cpu + cpu };
      console.log(line(name, { rss, anon, cpu }, `peak ${peak.toFixed(0)}`));
    }
    console.log(line('the three together', theirs));
  } finally {
    await Promise.all(Object.values(running).map((program) => program.end()));
    identity.close();
    sink.close();
    sleeper.kill();
    rmSync(root, { recursive: true, force: true });
  }
}

const line = (name: string, { rss, anon, cpu }: Record<'rss' | 'anon' | 'cpu', number>, more = '') =>
  `${name.padEnd(40)} RSS ${rss.toFixed(1).padStart(5)} MiB   RssAnon ${anon.toFixed(1).padStart(5)} MiB   ` +
  `${cpu.toFixed(1).padStart(6)} ms CPU a cycle   ${more}`;

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
