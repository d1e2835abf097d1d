import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  cpuMs,
  memoryMib,
  type Probed,
  sleep,
  startProbedAgent,
  startProbedIdler,
  startSink,
} from './kit/processes.ts';

const INTERVAL_S = 2;
/** Pushes whose CPU is measured, and then those during which the event loop is watched. */
const PUSHES = 15;
const WATCHED_PUSHES = 5;
const SETTLE_MS = 10_000;
const COMPLETE_WITHIN_MS = 600_000;

/**
 * The built agent with the ksm collector and nothing else, following a synthetic cluster of two-container pods over HTTP
 * and pushing every 2 s: what it takes until the first complete push, and then what a push costs at some paces of pod
 * events, and what only to send it does. `--node-flags` go to the agent's Node. Beside the longest block of its event loop
 * stands that of a process which does nothing: what the machine adds.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pods: { type: 'string', default: '10000' },
      events: { type: 'string', default: '0,1,100' },
      // The image's.
      'node-flags': { type: 'string', default: '--max-semi-space-size=1' },
    },
  });
  const sizes = values.pods.split(',').map(Number);
  const paces = values.events.split(',').map(Number);
  const nodeFlags = values['node-flags'].split(' ').filter((flag) => flag !== '');
  for (const pods of sizes) await measure(pods, paces, nodeFlags);
}

/** The pushes of the group so far. */
interface Pushes {
  bodies: number;
  bytes: number;
}

async function measure(pods: number, paces: readonly number[], nodeFlags: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-bench-'));
  const api = fork(new URL('./kit/ksm-api.ts', import.meta.url), [String(pods)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const pushes: Pushes = { bodies: 0, bytes: 0 };
  const sink = await startSink((path, bytes) => {
    if (!path.includes('/job/kube-state-metrics/')) return;
    pushes.bodies++;
    pushes.bytes += bytes;
  });
  try {
    const [{ kubeconfig }] = (await once(api, 'message')) as [{ kubeconfig: string }];
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, kubeconfig);
    const idler = await startProbedIdler();
    const started = performance.now();
    const agent = await startProbedAgent(sink.url, agentFlags(file), nodeFlags);
    try {
      const waits = () => performance.now() - started < COMPLETE_WITHIN_MS;
      // Its own series are pushed as soon as it runs.
      while (sink.bodies === 0 && waits()) await sleep(10);
      const loading = await blockText(agent, idler);
      agent.watch();
      idler.watch();
      while (pushes.bodies === 0 && waits()) await sleep(10);
      const seconds = (performance.now() - started) / 1000;
      console.log(`\n${pods} pods; first complete push after ${seconds.toFixed(1)} s, ${cpuMs(agent.pid)} ms CPU;`);
      console.log(`${loading} while it loads its program,`);
      console.log(`${await blockText(agent, idler)} while it lists; ${memoryText(agent)}`);
      await sleep(SETTLE_MS);
      for (const pace of paces) {
        api.send({ eventsPerSecond: pace });
        await measurePace(pace, agent, idler, pushes);
      }
      await measureSending(Math.round(pushes.bytes / pushes.bodies), sink.url);
    } finally {
      await agent.end();
      await idler.end();
    }
  } finally {
    api.kill();
    sink.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function agentFlags(kubeconfig: string): string[] {
  const settings = [
    'election.enabled=false',
    'collectors.node.enabled=false',
    'collectors.container.enabled=false',
    'collectors.process.enabled=false',
    'collectors.ksm.enabled=true',
    `collectors.ksm.kubeconfig=${kubeconfig}`,
  ];
  const flags = ['--push.interval', `${INTERVAL_S}s`, '--http.listen', '127.0.0.1:0', '--log.level', 'error'];
  return [...flags, ...settings.flatMap((setting) => ['--set', setting])];
}

async function measurePace(pace: number, agent: Probed, idler: Probed, pushes: Pushes): Promise<void> {
  await sleep(SETTLE_MS);
  const before = { ...pushes, cpu: cpuMs(agent.pid) };
  await sleep(PUSHES * INTERVAL_S * 1000);
  const bodies = pushes.bodies - before.bodies;
  const cpu = (cpuMs(agent.pid) - before.cpu) / bodies;
  const kilobytes = (pushes.bytes - before.bytes) / bodies / 1000;
  agent.watch();
  idler.watch();
  await sleep(WATCHED_PUSHES * INTERVAL_S * 1000);
  const perPush = `${cpu.toFixed(1)} ms CPU and ${kilobytes.toFixed(0)} kB a push`;
  console.log(`${pace} events a second: ${perPush}, ${await blockText(agent, idler)}; ${memoryText(agent)}`);
}

/** What the mere sending of as many bytes takes, on this machine and now. */
async function measureSending(bytes: number, url: string): Promise<void> {
  const args = [`${url}/bare`, String(bytes), String(INTERVAL_S * 1000)];
  const sender = fork(new URL('./kit/bare-sender.ts', import.meta.url), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  try {
    await once(sender, 'message');
    await sleep(SETTLE_MS);
    const before = cpuMs(sender.pid as number);
    await sleep(PUSHES * INTERVAL_S * 1000);
    const cpu = (cpuMs(sender.pid as number) - before) / PUSHES;
    console.log(
      `a Node.js that sends ${Math.round(bytes / 1000)} kB every ${INTERVAL_S} s, and nothing else: ${cpu.toFixed(1)} ms`,
    );
  } finally {
    sender.kill();
  }
}

async function blockText(agent: Probed, idler: Probed): Promise<string> {
  const [own, machine] = [await agent.longestBlockMs(), await idler.longestBlockMs()];
  const load = (loadavg()[0] ?? 0).toFixed(1);
  return `blocked at most ${own.toFixed(1)} ms (an idle process ${machine.toFixed(1)} ms, load ${load})`;
}

function memoryText({ pid }: Probed): string {
  const { rss, peak, anon } = memoryMib(pid);
  return `RSS ${rss.toFixed(0)} MiB (peak ${peak.toFixed(0)}), RssAnon ${anon.toFixed(0)}`;
}
