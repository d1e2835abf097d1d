import { judged, startKsmScene } from './ksm-scene.ts';
import { cpuMs, type Measured, memoryMib, sleep, startAgent } from './processes.ts';

const INTERVAL_S = 15;
const COMPLETE_WITHIN_MS = 1_200_000;
const SETTLE_MS = 30_000;
const STEADY_MS = 60_000;

/** One agent for each shard of a cluster, all starting at once: the time until each has pushed, CPU and memory. */
export async function measureShards(pods: number, shards: number, nodeFlags: readonly string[]): Promise<void> {
  const scene = await startKsmScene(pods);
  const agents: Measured[] = [];
  try {
    const started = performance.now();
    for (let shard = 0; shard < shards; shard++) {
      const settings = [
        'election.enabled=false',
        `collectors.ksm.shard=${shard}`,
        `collectors.ksm.totalShards=${shards}`,
      ];
      // Told apart by what they push for.
      const flags = scene.flags(INTERVAL_S, [...settings, `labels.bench_shard=shard-${shard}`]);
      agents.push(await startAgent(scene.url, flags, nodeFlags));
    }
    while (scene.pushes.firstMs.size < shards) {
      if (performance.now() - started > COMPLETE_WITHIN_MS) throw new Error('not all shards have pushed');
      if (agents.some(({ hasEnded }) => hasEnded)) throw new Error('an agent has ended');
      await sleep(100);
    }
    const last = (Math.max(...scene.pushes.firstMs.values()) - started) / 1000;
    console.log(`\n${pods} pods in ${shards} shards: all have pushed after ${judged(last, 's')}`);
    await sleep(SETTLE_MS);
    const before = agents.map(({ pid }) => cpuMs(pid));
    await sleep(STEADY_MS);
    for (const [shard, { pid }] of agents.entries()) {
      const { rss, peak } = memoryMib(pid);
      const steady = ((cpuMs(pid) - (before[shard] as number)) * INTERVAL_S * 1000) / STEADY_MS;
      const start = `${((before[shard] as number) / 1000).toFixed(1)} s CPU for the start`;
      console.log(
        `shard ${shard}: ${start}, ${steady.toFixed(0)} ms a push; RSS ${rss.toFixed(0)} MiB, peak ${peak.toFixed(0)}`,
      );
    }
  } finally {
    for (const agent of agents) await agent.end();
    scene.close();
  }
}
