import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samplesOf } from '../kit/samples.ts';
import { RealServer, serverAvailable } from '../kit/servers.ts';
import { Scene } from './scene.ts';

const NEEDED = ['victoria-metrics', 'prometheus-pushgateway'];
const GATEWAY = 'gateway';
/** Families of ours that another client has pushed with another type. */
const FOREIGN = ['up', 'node_textfile_scrape_error', 'firesteel_collector_success'];
const GROUPS = ['node-exporter', 'firesteel'];

test('foreign types at a Pushgateway: all other families of all groups arrive with the first push', {
  timeout: 120_000,
}, async (t) => {
  if (!NEEDED.every((name) => serverAvailable(t, name))) return;
  const gateway = await RealServer.create(
    'prometheus-pushgateway',
    (port) => [`--web.listen-address=127.0.0.1:${port}`],
    '/-/ready',
  );
  t.after(() => gateway.stop());
  await gateway.start();
  const body = FOREIGN.map((name) => `# TYPE ${name} summary\n${name}_sum 1\n${name}_count 1\n`).join('');
  const foreign = await fetch(`${gateway.url}/metrics/job/backup`, { method: 'PUT', body });
  assert.equal(foreign.status, 200);
  const scene = await Scene.start(t, { exporters: { [GATEWAY]: { type: 'pushgateway', url: gateway.url } } });
  await scene.startAgent();

  const held = async () => samplesOf(await (await fetch(`${gateway.url}/metrics`)).text());
  const pushed = async (job: string) =>
    [...(await held())].find(([key]) => key.startsWith('push_time_seconds{') && key.includes(`job="${job}"`))?.[1] ?? 0;
  for (const job of GROUPS) await scene.until(`the first push of ${job}`, async () => (await pushed(job)) > 0);
  const began = (scene.witness.bodies[0]?.stampMs ?? Number.NaN) / 1000;
  for (const job of GROUPS) t.diagnostic(`${job} after ${((await pushed(job)) - began).toFixed(3)} s`);

  const names = (keys: Iterable<string>) => new Set([...keys].map((key) => key.replace(/\{.*/, '')));
  await scene.cycles(3);
  const there = await held();
  for (const job of GROUPS) {
    const seen = scene.witness.bodies.findLast((one) => one.job === job);
    assert.ok(seen);
    const wanted = names(seen.samples.keys());
    for (const name of FOREIGN) wanted.delete(name);
    const ours = names([...there.keys()].filter((key) => key.includes(`job="${job}"`)));
    const missing = [...wanted].filter((name) => !ours.has(name));
    // The self metrics of this exporter begin with the narrowed push.
    assert.deepEqual(
      missing.filter((name) => !name.startsWith('firesteel_export_')),
      [],
      job,
    );
    for (const name of FOREIGN) assert.ok(!ours.has(name), `${name} of ${job} is left out`);
  }
  assert.equal(await scene.own('firesteel_export_breaker_open', GATEWAY), 0);
  assert.ok((await scene.own('firesteel_export_left_out_samples', GATEWAY)) >= FOREIGN.length);
  const before = await pushed('node-exporter');
  await scene.until('the next push', async () => (await pushed('node-exporter')) > before);
  // On time, by the receiver's own record.
  const gap = (await pushed('node-exporter')) - before;
  assert.ok(gap <= 5, `the next push after ${gap} s`);
  assert.equal((await scene.stopAgent()).code, 0);
});
