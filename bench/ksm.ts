import { fork } from 'node:child_process';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { freePort } from '../test/kit/free-port.ts';
import { measurePair } from './kit/ksm-pair.ts';
import { measureRemoteWrite } from './kit/ksm-remote-write.ts';
import { isReady, judged, type KsmScene, startKsmScene } from './kit/ksm-scene.ts';
import { measureShards } from './kit/ksm-shards.ts';
import { nextMessage } from './kit/messages.ts';
import {
  cpuMs,
  memoryMib,
  type Probed,
  sleep,
  startProbedAgent,
  startProbedIdler,
  threadsMs,
} from './kit/processes.ts';

const INTERVAL_S = 2;
/** Pushes whose CPU is measured, and pushes during which the event loop is monitored. */
const PUSHES = 15;
const WATCHED_PUSHES = 5;
const SETTLE_MS = 10_000;
/** After a list, V8 compiles what is new for about a minute. */
const STEADY_MS = 60_000;
/** In one of them V8 reduces its heap, once, one and a half to three minutes after a list. */
const WINDOWS = 5;
const COMPLETE_WITHIN_MS = 600_000;
/** Up to this size of a cluster, the cost of an idle agent matters. */
const SMALL = 100;

/** Budgets by number of pods; other figures have none. */
interface Budget {
  readonly firstSeconds?: number;
  readonly firstCpuMs?: number;
  readonly peakMib?: number;
  /** CPU of an unchanged push, as a multiple of the cost of only sending the same requests. */
  readonly timesBare?: number;
  /** CPU of a push by events a second. */
  readonly pushMs?: Readonly<Record<number, number>>;
}
const BUDGETS: Readonly<Record<number, Budget>> = {
  10000: { firstSeconds: 5, firstCpuMs: 4000, peakMib: 140, timesBare: 3, pushMs: { 100: 100 } },
  100000: { firstSeconds: 45 },
};
/** By how much the event loop may be blocked longer than that of an idle process. */
const BLOCK_BUDGET_MS = 10;

/**
 * The built agent with only the ksm collector, following a synthetic cluster of two-container pods over HTTP and pushing
 * every 2 s: the cost until the first complete push, then that of a push at several rates of pod events, and that of only
 * sending it. In small clusters a leader and its standby are measured at the usual interval, beside a Node.js that does only a standby's requests; with `--shards N`, one agent
 * for each of N shards; with `--remote-write`, agents that push an unchanged cluster with text import and with remote
 * write. `--node-flags` are passed to the agent's Node. The longest block of its event loop is printed with that of an idle
 * process, the baseline of the machine.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pods: { type: 'string', default: '25,10000' },
      events: { type: 'string', default: '0,1,100' },
      'remote-write': { type: 'boolean', default: false },
      shards: { type: 'string', default: '1' },
      'idle-seconds': { type: 'string', default: '90' },
      // The chart's.
      'node-flags': { type: 'string', default: '--max-semi-space-size=4' },
    },
  });
  const paces = values.events.split(',').map(Number);
  const nodeFlags = values['node-flags'].split(' ').filter((flag) => flag !== '');
  const shards = Number(values.shards);
  for (const pods of values.pods.split(',').map(Number)) {
    if (values['remote-write']) await measureRemoteWrite(pods, Number(values['idle-seconds']), nodeFlags);
    else if (shards > 1) await measureShards(pods, shards, nodeFlags);
    else if (pods <= SMALL) await measurePair(pods, Number(values['idle-seconds']), nodeFlags);
    else await measure(pods, paces, nodeFlags);
  }
}

async function measure(pods: number, paces: readonly number[], nodeFlags: readonly string[]): Promise<void> {
  const budget = BUDGETS[pods] ?? {};
  const scene = await startKsmScene(pods);
  const { pushes } = scene;
  try {
    const idler = await startProbedIdler();
    const started = performance.now();
    const listen = `127.0.0.1:${await freePort()}`;
    const flags = scene.flags(INTERVAL_S, ['election.enabled=false'], listen);
    const agent = await startProbedAgent(scene.url, flags, nodeFlags);
    try {
      const waits = () => performance.now() - started < COMPLETE_WITHIN_MS;
      // Its own series are pushed immediately.
      while (scene.bodies === 0 && waits()) await sleep(10);
      const loading = await blockText(agent, idler);
      agent.watch();
      idler.watch();
      while (!(await isReady(listen)) && waits()) await sleep(20);
      // Earlier pushes were partial, which an agent sends after a minute.
      const parts = pushes.count;
      while (pushes.count === parts && waits()) await sleep(10);
      const seconds = judged((performance.now() - started) / 1000, 's', budget.firstSeconds, 1);
      const cpu = judged(cpuMs(agent.pid), 'ms CPU', budget.firstCpuMs);
      const peak = judged(memoryMib(agent.pid).peak, 'MiB', budget.peakMib);
      console.log(`\n${pods} pods; first complete push after ${seconds}, ${cpu}, peak ${peak};`);
      console.log(`${loading} while it loads its program,`);
      console.log(`${await blockText(agent, idler, BLOCK_BUDGET_MS)} while it lists`);
      await sleep(SETTLE_MS);
      for (const pace of paces) {
        scene.pace(pace);
        await measurePace(pace, budget, agent, idler, scene);
        if (pace === 0 && budget.timesBare !== undefined) await compareUnchanged(budget, agent, scene);
      }
    } finally {
      await agent.end();
      await idler.end();
    }
  } finally {
    scene.close();
  }
}

async function measurePace(
  pace: number,
  budget: Budget,
  agent: Probed,
  idler: Probed,
  { pushes }: KsmScene,
): Promise<void> {
  await sleep(SETTLE_MS);
  const before = { ...pushes, cpu: threadsMs(agent.pid) };
  await sleep(PUSHES * INTERVAL_S * 1000);
  const count = pushes.count - before.count;
  const cpu = (threadsMs(agent.pid) - before.cpu) / count;
  const kilobytes = (pushes.bytes - before.bytes) / count / 1000;
  agent.watch();
  idler.watch();
  await sleep(WATCHED_PUSHES * INTERVAL_S * 1000);
  const perPush = `${judged(cpu, 'ms CPU', budget.pushMs?.[pace], 1)} and ${kilobytes.toFixed(0)} kB a push`;
  console.log(
    `${pace} events a second: ${perPush}, ${await blockText(agent, idler, BLOCK_BUDGET_MS)}; ${memoryText(agent)}`,
  );
}

/**
 * The cost of an unchanged push and of only sending the same requests, the state and the agent's own metrics, measured at
 * once: medians of several windows.
 */
async function compareUnchanged(budget: Budget, agent: Probed, { lastBytes, url }: KsmScene): Promise<void> {
  const sizes = [...lastBytes.values()];
  const args = [`${url}/bare`, String(INTERVAL_S * 1000), ...sizes.map(String)];
  const sender = fork(new URL('./kit/bare-sender.ts', import.meta.url), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  try {
    await nextMessage(sender);
    await sleep(STEADY_MS);
    const [own, bare]: [number[], number[]] = [[], []];
    for (let window = 0; window < WINDOWS; window++) {
      const before = [threadsMs(agent.pid), threadsMs(sender.pid as number)] as const;
      await sleep(PUSHES * INTERVAL_S * 1000);
      own.push((threadsMs(agent.pid) - before[0]) / PUSHES);
      bare.push((threadsMs(sender.pid as number) - before[1]) / PUSHES);
    }
    const text = (values: readonly number[]) =>
      `${median(values).toFixed(1)} ms (${values.map((value) => value.toFixed(1)).join(', ')})`;
    console.log(
      `without events for longer: ${text(own)} CPU a push; a Node.js that only sends ${sizes.map((bytes) => Math.round(bytes / 1000)).join(' and ')} kB: ${text(bare)};`,
    );
    const ratio = judged(median(own) / median(bare), 'times as much', budget.timesBare, 1);
    console.log(`an unchanged push takes ${ratio}`);
  } finally {
    sender.kill();
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;

async function blockText(agent: Probed, idler: Probed, budgetMs?: number): Promise<string> {
  const [own, machine] = [await agent.longestBlockMs(), await idler.longestBlockMs()];
  const load = (loadavg()[0] ?? 0).toFixed(1);
  const more = judged(own - machine, 'ms longer', budgetMs, 1);
  return `blocked at most ${own.toFixed(1)} ms, ${more} than an idle process (load ${load})`;
}

function memoryText({ pid }: Probed): string {
  const { rss, peak, anon } = memoryMib(pid);
  return `RSS ${rss.toFixed(0)} MiB (peak ${peak.toFixed(0)}), RssAnon ${anon.toFixed(0)}`;
}
