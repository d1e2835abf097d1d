import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samplesOf } from '../kit/samples.ts';
import { RealServer, serverAvailable } from '../kit/servers.ts';
import { KNOWN_NAME } from './known-values.ts';
import { Scene, summary } from './scene.ts';
import { seriesKey } from './witness.ts';

const DOWN_CYCLES = 60;
const NEEDED = ['victoria-metrics', 'prometheus-pushgateway'];

test('a receiver that was down for 60 cycles has each of them exactly once, a Pushgateway the last', {
  timeout: 300_000,
}, async (t) => {
  if (!NEEDED.every((name) => serverAvailable(t, name))) return;
  const gateway = await RealServer.create(
    'prometheus-pushgateway',
    (port) => [`--web.listen-address=127.0.0.1:${port}`],
    '/-/ready',
  );
  t.after(() => gateway.stop());
  await gateway.start();
  const scene = await Scene.start(t, { exporters: { gateway: { type: 'pushgateway', url: gateway.url } } });
  await scene.startAgent();
  await scene.cycles(5);
  await Promise.all([scene.receiver.stop(), gateway.stop()]);
  await scene.cycles(DOWN_CYCLES);
  assert.ok(scene.spooled().length > DOWN_CYCLES, `${scene.spooled().length} files are spooled`);
  const back = Date.now();
  await Promise.all([scene.receiver.start(), gateway.start()]);
  await scene.drained();
  const drainedMs = Date.now() - back;
  await scene.cycles(3);
  assert.equal((await scene.stopAgent()).code, 0);

  const found = await scene.findings();
  t.diagnostic(`${summary(found)}; drained ${drainedMs} ms after the return`);
  assert.deepEqual(found.wrong.slice(0, 10), []);
  assert.equal(found.missingSamples, 0);
  assert.equal(found.duplicates, 0);
  assert.equal(found.unwitnessed, 0);
  assert.ok(found.cycles >= DOWN_CYCLES + 8, `${found.cycles} cycles`);

  const labels = { instance: 'worker-1', job: 'node-exporter', series: '7' };
  const last = scene.witness.bodies
    .findLast(({ job }) => job === labels.job)
    ?.samples.get(seriesKey(KNOWN_NAME, labels));
  const pushed = samplesOf(await (await fetch(`${gateway.url}/metrics`)).text());
  assert.equal(pushed.get(seriesKey(KNOWN_NAME, labels)), last, 'the gateway has the last cycle');
});
