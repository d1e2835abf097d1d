import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { serverAvailable } from '../kit/servers.ts';
import { Scene, summary } from './scene.ts';

const DOWN_CYCLES = 10;
const LONGEST_END_MS = 6000;

suite('an agent that shuts down leaves all undelivered data to the next one', {
  concurrency: true,
  timeout: 240_000,
}, () => {
  test('while the receiver refuses', (t) => endAndReturn(t, (scene) => scene.proxy.down()));

  test('while the receiver hangs', (t) =>
    endAndReturn(t, async ({ proxy }) => {
      proxy.choose = () => ({ kind: 'stall', ms: 20_000 });
    }));
});

async function endAndReturn(t: TestContext, fail: (scene: Scene) => Promise<void>): Promise<void> {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const scene = await Scene.start(t);
  await scene.startAgent();
  await scene.cycles(3);
  await scene.drained();
  const before = scene.witness.bodies.length;
  await fail(scene);
  await scene.cycles(DOWN_CYCLES);
  const { code, ms } = await scene.stopAgent();
  const waiting = scene.witness.bodies.length - before;
  const spooled = scene.spooled().length;
  t.diagnostic(`ended with ${code} after ${Math.round(ms)} ms; ${spooled} files for the ${waiting} waiting batches`);
  assert.equal(code, 0);
  assert.ok(ms <= LONGEST_END_MS, `it took ${ms} ms`);
  assert.ok(spooled >= waiting, 'a file for each batch');

  scene.proxy.choose = () => undefined;
  await scene.proxy.up();
  await scene.startAgent();
  await scene.drained();
  assert.equal((await scene.stopAgent()).code, 0);
  const found = await scene.findings();
  t.diagnostic(summary(found));
  assert.deepEqual(found.wrong.slice(0, 10), []);
  assert.equal(found.missingSamples, 0);
  assert.equal(found.unwitnessed, 0);
  assert.deepEqual(scene.spooled(), [], 'nothing stays behind');
}
