import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { scratchFolder } from '../kit/host-tree.ts';
import { RealServer, serverAvailable } from '../kit/servers.ts';
import { EXPORTER, Scene, summary } from './scene.ts';

/** Twice the cycles of ten minutes at the default interval. */
const WRONG_CYCLES = 80;

suite('a receiver that responds with 400 to everything for a while', { concurrency: true, timeout: 400_000 }, () => {
  test('a wrong path, until the configuration is corrected: nothing is lost', async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const scene = await Scene.start(t);
    const { url } = scene.proxy;
    await scene.startAgent();
    await scene.cycles(3);
    scene.reconfigure({ [EXPORTER]: { type: 'vmagent', url: `${url}/nowhere` } });
    await scene.cycles(WRONG_CYCLES);
    await waitsForAPerson(scene, 'path');
    scene.reconfigure({ [EXPORTER]: { type: 'vmagent', url } });
    await nothingIsLost(t, scene);
  });

  test('a vmauth without a route, until it gets one: nothing is lost, without a restart of the agent', async (t) => {
    if (!serverAvailable(t, 'victoria-metrics') || !serverAvailable(t, 'vmauth')) return;
    const file = join(scratchFolder(t), 'auth.yml');
    const route = (path: string, to: string) =>
      writeFileSync(file, `unauthorized_user: { url_map: [{ src_paths: ["${path}"], url_prefix: "${to}" }] }\n`);
    route('/select/.*', 'http://127.0.0.1:9');
    const vmauth = await RealServer.create(
      'vmauth',
      (port) => [`-httpListenAddr=127.0.0.1:${port}`, `-auth.config=${file}`],
      '/health',
    );
    t.after(() => vmauth.stop());
    await vmauth.start();
    const scene = await Scene.start(t, { exporters: { [EXPORTER]: { type: 'vmagent', url: vmauth.url } } });
    await scene.startAgent();
    await scene.cycles(WRONG_CYCLES);
    await waitsForAPerson(scene, 'route');
    route('/api/v1/.*', scene.proxy.url);
    process.kill(vmauth.pid, 'SIGHUP');
    await nothingIsLost(t, scene);
  });
});

/** Nothing was dropped, batches beyond memory are on disk, and the log says what to check. */
async function waitsForAPerson(scene: Scene, reason: string): Promise<void> {
  assert.equal(await scene.own('firesteel_export_samples_dropped_total'), 0);
  assert.ok(scene.spooled().length > WRONG_CYCLES, `${scene.spooled().length} files are spooled`);
  assert.match(scene.log, new RegExp(`push failed: ${reason}`));
  assert.doesNotMatch(scene.log, /batch dropped/);
}

async function nothingIsLost(t: TestContext, scene: Scene): Promise<void> {
  await scene.drained();
  await scene.cycles(3);
  assert.equal((await scene.stopAgent()).code, 0);
  const found = await scene.findings();
  t.diagnostic(summary(found));
  assert.deepEqual(found.wrong.slice(0, 10), []);
  assert.equal(found.missingSamples, 0);
  assert.equal(found.duplicates, 0);
  assert.ok(found.cycles >= WRONG_CYCLES, `${found.cycles} cycles`);
}
