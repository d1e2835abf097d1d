import { freePort } from '../../test/kit/free-port.ts';
import { judged, startKsmScene } from './ksm-scene.ts';
import { cpuMs, type Measured, memoryMib, sleep, startAgent } from './processes.ts';

/** As in the chart. */
const INTERVAL_S = 15;
/** Program pages are released for the last time 90 s after the start. */
const SETTLE_MS = 100_000;
const FIRST_PUSH_MS = 120_000;

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
    const before = agents.map(({ pid }) => cpuMs(pid));
    const pushes = scene.pushes.count;
    await sleep(seconds * 1000);
    console.log(`\n${pods} pods, idle, ${scene.pushes.count - pushes} pushes of the state in ${seconds} s:`);
    for (const [index, role] of (['leader', 'standby'] as const).entries()) {
      const { pid } = agents[index] as Measured;
      const cpu = ((cpuMs(pid) - (before[index] as number)) * INTERVAL_S) / seconds;
      const { rss, peak, anon } = memoryMib(pid);
      const memory = `RSS ${judged(rss, 'MiB', BUDGETS.rssMib, 1)}, RssAnon ${anon.toFixed(1)}, peak ${peak.toFixed(0)}`;
      console.log(`${role}: ${judged(cpu, `ms CPU in ${INTERVAL_S} s`, BUDGETS[role], 1)}; ${memory}`);
    }
  } finally {
    for (const agent of agents) await agent.end();
    scene.close();
  }
}
