import { judged, type KsmScene, startKsmScene, WRITE_PATH } from './ksm-scene.ts';
import { cpuMs, type Measured, memoryMib, sleep, startAgent } from './processes.ts';

/** As in the chart. */
const INTERVAL_S = 15;
/** By then the garbage of the lists and of the first push is collected. */
const SETTLE_MS = 70_000;
const FIRST_PUSH_MS = 300_000;

/** Maximum CPU in percent of one core, and MiB more than with text import. */
const BUDGETS = { percent: 5, moreMib: 20 };

/**
 * Agents that push the same unchanged cluster at the usual interval, in parallel: with text import and with both versions of
 * remote write. CPU averaged over `seconds`, and memory.
 */
export async function measureRemoteWrite(pods: number, seconds: number, nodeFlags: readonly string[]): Promise<void> {
  const scene = await startKsmScene(pods);
  const agents: { readonly way: string; readonly agent: Measured }[] = [];
  try {
    for (const way of ['text import', 'remote write 1.0', 'remote write 2.0'] as const) {
      agents.push({ way, agent: await startOne(scene, way, nodeFlags) });
    }
    const deadline = performance.now() + FIRST_PUSH_MS;
    while (!isComplete(scene, pods) && performance.now() < deadline) await sleep(100);
    await sleep(SETTLE_MS);
    const before = agents.map(({ agent }) => cpuMs(agent.pid));
    await sleep(seconds * 1000);
    console.log(`\n${pods} pods, no events, a push every ${INTERVAL_S} s for ${seconds} s:`);
    const text = memoryMib(agents[0]?.agent.pid ?? 0);
    for (const [index, { way, agent }] of agents.entries()) {
      const percent = (cpuMs(agent.pid) - (before[index] ?? 0)) / seconds / 10;
      const { rss, peak, anon } = memoryMib(agent.pid);
      const isText = index === 0;
      const more = judged(rss - text.rss, 'MiB more', isText ? undefined : BUDGETS.moreMib, 1);
      const cpu = judged(percent, '% of a core', isText ? undefined : BUDGETS.percent, 2);
      console.log(
        `${way}: ${cpu}; RSS ${rss.toFixed(1)} MiB, ${more}; RssAnon ${anon.toFixed(1)}, peak ${peak.toFixed(0)}`,
      );
    }
  } finally {
    for (const { agent } of agents) await agent.end();
    scene.close();
  }
}

/** Bytes of a pod over remote write are more than this, and those of the agents' own series less than for 100 pods. */
const POD_BYTES = 500;

const isComplete = ({ pushes, writes }: KsmScene, pods: number): boolean =>
  pushes.count > 0 && writes.size === 2 && [...writes.values()].every((bytes) => bytes > pods * POD_BYTES);

function startOne(scene: KsmScene, way: string, nodeFlags: readonly string[]): Promise<Measured> {
  const alone = ['election.enabled=false'];
  if (way === 'text import') return startAgent(scene.url, scene.flags(INTERVAL_S, alone), nodeFlags);
  const version = way.slice(-3);
  const exporter = ['type=remotewrite', `url=${scene.url}${WRITE_PATH}/${version}`, `version="${version}"`];
  const settings = exporter.map((setting) => `exporters.bench.${setting}`);
  return startAgent(undefined, scene.flags(INTERVAL_S, [...alone, ...settings]), nodeFlags);
}
