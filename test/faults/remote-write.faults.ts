import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverAvailable } from '../kit/servers.ts';
import { pickFault } from './flaky-network.ts';
import { type ReceiverKind, Scene, summary } from './scene.ts';

/** One and a half times the cycles of ten minutes at the default interval. */
const DOWN_CYCLES = 60;
const FAULTY_CYCLES = 60;
const KILLS = 8;
const LONGEST_LIFE_MS = 6000;
/** Cycles in memory, and the one that is being sent. */
const MEMORY_CYCLES = 5;

const RECEIVERS: readonly ReceiverKind[] = ['prometheus', 'victoria-metrics'];
const exporter = (url: string) => ({ type: 'remotewrite', url: `${url}/api/v1/write`, queue: { cycles: 4 } });

/** Nothing was dropped for any reason, so nothing was refused as out of order. */
async function nothingIsDropped(scene: Scene): Promise<void> {
  assert.equal(await scene.own('firesteel_export_samples_dropped_total'), 0, scene.log.slice(-3000));
}

async function nothingIsLost(t: TestContext, scene: Scene, cycles: number): Promise<void> {
  await scene.drained();
  await nothingIsDropped(scene);
  assert.equal((await scene.stopAgent()).code, 0);
  const found = await scene.findings();
  t.diagnostic(summary(found));
  assert.deepEqual(found.wrong.slice(0, 10), []);
  assert.equal(found.missingSamples, 0);
  assert.equal(found.unwitnessed, 0);
  assert.ok(found.cycles >= cycles, `${found.cycles} cycles`);
}

for (const receiver of RECEIVERS) {
  test(`${receiver}: an outage of ${DOWN_CYCLES} cycles is replayed in order by remote write, nothing is lost or refused`, {
    timeout: 300_000,
  }, async (t) => {
    if (!serverAvailable(t, receiver)) return;
    const scene = await Scene.start(t, { receiver, exporter });
    await scene.startAgent();
    await scene.cycles(5);
    await scene.receiver.stop();
    await scene.cycles(DOWN_CYCLES);
    assert.ok(scene.spooled().length > DOWN_CYCLES, `${scene.spooled().length} files are spooled`);
    await scene.receiver.start();
    await scene.cycles(3);
    await nothingIsLost(t, scene, DOWN_CYCLES + 8);
  });

  test(`${receiver}: a network that cuts, delays, truncates and duplicates requests loses no sample of remote write`, {
    timeout: 400_000,
  }, async (t) => {
    if (!serverAvailable(t, receiver)) return;
    const scene = await Scene.start(t, { receiver, exporter });
    scene.proxy.choose = ({ bytes }) => pickFault(scene.random, bytes);
    await scene.startAgent();
    await scene.cycles(FAULTY_CYCLES);
    const kinds = Map.groupBy(scene.proxy.exchanges, ({ fault }) => fault?.kind ?? 'none');
    t.diagnostic([...kinds].map(([kind, uploads]) => `${kind} ${uploads.length}`).join(', '));
    scene.proxy.choose = () => undefined;
    await nothingIsLost(t, scene, FAULTY_CYCLES);
  });

  test(`${receiver}: ${KILLS} SIGKILLs during an outage lose only the samples of remote write in memory`, {
    timeout: 400_000,
  }, async (t) => {
    if (!serverAvailable(t, receiver)) return;
    const scene = await Scene.start(t, { receiver, exporter });
    const { proxy, random } = scene;
    const killedAt: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      await scene.startAgent();
      if (random.chance(0.7)) await proxy.down();
      await sleep(random.below(LONGEST_LIFE_MS));
      await proxy.up();
      await sleep(random.below(LONGEST_LIFE_MS));
      await scene.killAgent();
      killedAt.push(Date.now());
    }
    await scene.startAgent();
    await scene.cycles(3);
    await scene.drained();
    await nothingIsDropped(scene);
    assert.equal((await scene.stopAgent()).code, 0);
    const found = await scene.findings();
    const lostCycles = [...new Set(found.missing.map(({ stampMs }) => stampMs))];
    const perKill = killedAt.map(
      (at, index) => lostCycles.filter((stampMs) => stampMs <= at && stampMs > (killedAt[index - 1] ?? 0)).length,
    );
    t.diagnostic(`${summary(found)}; lost cycles per kill: ${perKill.join(' ')}`);
    assert.deepEqual(found.wrong.slice(0, 10), []);
    assert.ok(
      perKill.every((lost) => lost <= MEMORY_CYCLES),
      `more than the cycles in memory: ${perKill}`,
    );
    assert.equal(
      perKill.reduce((sum, lost) => sum + lost, 0),
      lostCycles.length,
      'only kills lose data',
    );
  });
}
