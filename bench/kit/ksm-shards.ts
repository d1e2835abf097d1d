import { freePort } from '../../test/kit/free-port.ts';
import { isReady, judged, startKsmScene } from './ksm-scene.ts';
import { cpuMs, type Measured, memoryMib, sleep, startAgent } from './processes.ts';

const INTERVAL_S = 15;
const COMPLETE_WITHIN_MS = 1_200_000;
const PROGRESS_MS = 30_000;
const SETTLE_MS = 30_000;
const STEADY_MS = 60_000;

/** One agent per shard of a cluster, all started simultaneously: the time until each has listed everything, CPU and memory. */
export async function measureShards(pods: number, shards: number, nodeFlags: readonly string[]): Promise<void> {
  const scene = await startKsmScene(pods);
  const agents: Measured[] = [];
  const listing = new Set<string>();
  try {
    const started = performance.now();
    for (let shard = 0; shard < shards; shard++) {
      const settings = [
        'election.enabled=false',
        `collectors.ksm.shard=${shard}`,
        `collectors.ksm.totalShards=${shards}`,
      ];
      const listen = `127.0.0.1:${await freePort()}`;
      listing.add(listen);
      agents.push(await startAgent(scene.url, scene.flags(INTERVAL_S, settings, listen), nodeFlags));
    }
    for (let next = PROGRESS_MS; listing.size > 0; ) {
      const elapsed = performance.now() - started;
      if (elapsed > COMPLETE_WITHIN_MS) throw new Error('not all shards have listed everything');
      if (elapsed > next) {
        console.log(
          `after ${Math.round(elapsed / 1000)} s, ${shards - listing.size} of ${shards} have listed everything`,
        );
        next += PROGRESS_MS;
      }
      if (agents.some(({ hasEnded }) => hasEnded)) throw new Error('an agent has exited');
      await sleep(500);
      for (const listen of listing) if (await isReady(listen)) listing.delete(listen);
    }
    const last = (performance.now() - started) / 1000;
    const cpu = agents.map(({ pid }) => (cpuMs(pid) / 1000).toFixed(1)).join(', ');
    console.log(`\n${pods} pods in ${shards} shards: all listed after ${judged(last, 's')}, seconds of CPU: ${cpu}`);
    await sleep(SETTLE_MS);
    const before = agents.map(({ pid }) => cpuMs(pid));
    const { bytes } = scene.pushes;
    await sleep(STEADY_MS);
    const pushed = ((scene.pushes.bytes - bytes) * INTERVAL_S * 1000) / STEADY_MS / 1e6;
    console.log(`together ${pushed.toFixed(1)} MB in ${INTERVAL_S} s`);
    for (const [shard, { pid }] of agents.entries()) {
      const { rss, peak } = memoryMib(pid);
      const steady = ((cpuMs(pid) - (before[shard] as number)) * INTERVAL_S * 1000) / STEADY_MS;
      console.log(`shard ${shard}: ${steady.toFixed(0)} ms a push; RSS ${rss.toFixed(0)} MiB, peak ${peak.toFixed(0)}`);
    }
  } finally {
    for (const agent of agents) await agent.end();
    scene.close();
  }
}
