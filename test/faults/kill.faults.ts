import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverAvailable } from '../kit/servers.ts';
import { acknowledged } from './bodies.ts';
import { EXPORTER, Scene, summary } from './scene.ts';

const KILLS = 20;
const LONGEST_LIFE_MS = 8000;
/** Slow enough to kill the agent during an upload. */
const UPLOAD_BYTES_PER_SECOND = 10_000;
/** Cycles in memory before the oldest is written to disk. */
const MEMORY_CYCLES = 4;
/** Batches of a cycle. */
const GROUPS = 2;

test('20 SIGKILLs while the receiver flaps lose only the batches in memory', {
  timeout: 600_000,
}, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const scene = await Scene.start(t);
  const { proxy, random } = scene;
  proxy.choose = () => (random.chance(0.5) ? { kind: 'throttle', bytesPerSecond: UPLOAD_BYTES_PER_SECOND } : undefined);
  const flapping = new AbortController();
  const flaps = flap(scene, flapping.signal);
  t.after(() => flapping.abort());
  let midUpload = 0;
  const kept = new Set<string>();
  const killedAt: number[] = [];
  /** Cycles waiting for the disk at each kill: a slow disk loses these, too. */
  const forDisk: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    await scene.startAgent();
    await sleep(random.below(LONGEST_LIFE_MS));
    if (kill % 2 === 1 && (await hitUpload(scene))) midUpload++;
    const reportedOnDisk = await scene.own('firesteel_export_queue_bodies', EXPORTER, 'tier="disk"');
    await scene.killAgent();
    forDisk.push(Math.ceil(Math.max(0, reportedOnDisk - scene.spooled().length) / GROUPS));
    // The host is down with the agent, so unsent data of its kernel is lost as well.
    await proxy.down();
    for (const file of scene.spooled()) kept.add(file);
    killedAt.push(Date.now());
    await proxy.up();
  }
  flapping.abort();
  await flaps;
  proxy.choose = () => undefined;
  await proxy.up();
  await scene.startAgent();
  await scene.drained();
  assert.equal((await scene.stopAgent()).code, 0);

  const found = await scene.findings();
  const lostCycles = new Set(found.missing.map(({ stampMs }) => stampMs));
  const perKill = killedAt.map((at, index) => {
    const since = killedAt[index - 1] ?? 0;
    return [...lostCycles].filter((stampMs) => stampMs <= at && stampMs > since).length;
  });
  const taken = acknowledged(proxy.exchanges);
  const lost = found.missing.map(({ stampMs, job }) => `${job} ${stampMs}`);
  const spooled = new Set([...kept].map(bodyIn));
  t.diagnostic(`${KILLS} kills, ${midUpload} in the middle of an upload; ${kept.size} files were seen on disk`);
  t.diagnostic(
    `${summary(found)}; lost cycles per kill: ${perKill.join(' ')}; waiting for the disk: ${forDisk.join(' ')}`,
  );
  assert.deepEqual(found.wrong.slice(0, 10), []);
  assert.deepEqual(
    lost.filter((body) => taken.has(body)),
    [],
    'acknowledged, but not stored',
  );
  assert.deepEqual(
    lost.filter((body) => spooled.has(body)),
    [],
    'spooled, but not stored',
  );
  assert.ok(
    perKill.every((lost, kill) => lost <= MEMORY_CYCLES + 1 + (forDisk[kill] ?? 0)),
    `more than the cycles in memory, those waiting for the disk, and the one being collected: ${perKill}`,
  );
  assert.equal(
    perKill.reduce((sum, lost) => sum + lost, 0),
    lostCycles.size,
    'only kills lose data',
  );
});

const JOB_OF_GROUP: Readonly<Record<string, string>> = { node: 'node-exporter', agent: 'firesteel' };

/** The batch in a file of the spool: job and timestamp. */
function bodyIn(file: string): string {
  const [, stamp = '', group = ''] = /\/(\d+)-([a-z]+)-[^/]*$/.exec(file) ?? [];
  return `${JOB_OF_GROUP[group]} ${Number(stamp)}`;
}

/** Waits for the moment of a kill: resolves when a random part of an upload has passed; to false if none came in time. */
async function hitUpload({ proxy, random }: Scene): Promise<boolean> {
  const share = 0.1 + random.below(80) / 100;
  const hit = new Promise<boolean>((resolve) => {
    proxy.onPassed = ({ passed, bytes }) => {
      if (passed >= share * bytes && passed < bytes) resolve(true);
    };
  });
  const result = await Promise.race([hit, sleep(3000, false, { ref: false })]);
  proxy.onPassed = () => {};
  return result;
}

/** The receiver refuses connections, recovers, and is sometimes restarted cleanly, at random times. */
async function flap({ proxy, random, receiver }: Scene, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(500 + random.below(4000));
    if (signal.aborted) return;
    if (random.chance(0.2)) {
      await receiver.stop();
      await sleep(random.below(2000));
      await receiver.start();
    } else {
      await proxy.down();
      await sleep(random.below(10_000));
      await proxy.up();
    }
  }
}
