import { fork } from 'node:child_process';
import { freePort } from '../../test/kit/free-port.ts';
import { judged, type KsmScene, startKsmScene } from './ksm-scene.ts';
import { nextMessage } from './messages.ts';
import { cpuMs, type Measured, memoryMib, sleep, startAgent } from './processes.ts';

/** As in the chart. */
const INTERVAL_S = 15;
/** Program pages are released for the last time 90 s after the start. */
const SETTLE_MS = 100_000;
const FIRST_PUSH_MS = 120_000;
/** A Node.js that has just started collects garbage and compiles. */
const BARE_SETTLE_MS = 20_000;

/** Maximum CPU in 15 s, and RSS, of two agents in an idle cluster of 25 pods. */
const BUDGETS = { leader: 60, standby: 30, rssMib: 80 };

/** A leader and its standby, which know each other, in an idle cluster, at the usual interval: CPU in 15 s, and memory. */
export async function measurePair(pods: number, seconds: number, nodeFlags: readonly string[]): Promise<void> {
  const scene = await startKsmScene(pods);
  const agents: Measured[] = [];
  try {
    const peers = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`] as const;
    const startOne = (listen: string) =>
      startAgent(scene.url, scene.flags(INTERVAL_S, [`election.peers=${JSON.stringify(peers)}`], listen), nodeFlags);
    const leader = await startOne(peers[0]);
    agents.push(leader);
    const deadline = performance.now() + FIRST_PUSH_MS;
    while (scene.pushes.count === 0 && performance.now() < deadline) await sleep(50);
    const standby = await startOne(peers[1]);
    agents.push(standby);
    await sleep(SETTLE_MS);
    const bare = await startBare(scene);
    await sleep(BARE_SETTLE_MS);
    const before = agents.map(({ pid }) => cpuMs(pid));
    const bareBefore = cpuMs(bare.pid);
    const pushes = scene.pushes.count;
    await sleep(seconds * 1000);
    const inInterval = (cpu: number) => (cpu * INTERVAL_S) / seconds;
    const bareMs = inInterval(cpuMs(bare.pid) - bareBefore);
    bare.end();
    console.log(`\n${pods} pods, idle, ${scene.pushes.count - pushes} pushes of the state in ${seconds} s:`);
    for (const [index, role] of (['leader', 'standby'] as const).entries()) {
      const { pid } = agents[index] as Measured;
      const cpu = inInterval(cpuMs(pid) - (before[index] as number));
      const { rss, peak, anon } = memoryMib(pid);
      const memory = `RSS ${judged(rss, 'MiB', BUDGETS.rssMib, 1)}, RssAnon ${anon.toFixed(1)}, peak ${peak.toFixed(0)}`;
      console.log(`${role}: ${judged(cpu, `ms CPU in ${INTERVAL_S} s`, BUDGETS[role], 1)}; ${memory}`);
    }
    console.log(
      `a Node.js that follows the same watches, reads a Lease and pushes 4 kB, and nothing else: ${bareMs.toFixed(1)} ms`,
    );
  } finally {
    for (const agent of agents) await agent.end();
    scene.close();
  }
}

/** The minimum that Node.js needs for a standby's requests, on this machine and at this time. */
async function startBare({ apiUrl, url, watched }: KsmScene): Promise<{ pid: number; end(): void }> {
  const child = fork(new URL('bare-standby.ts', import.meta.url), [apiUrl, url, ...(await watched())], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  await nextMessage(child);
  return { pid: child.pid as number, end: () => void child.kill() };
}
