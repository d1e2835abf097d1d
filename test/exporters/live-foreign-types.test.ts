import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Batch } from '../../src/exporters/exporter.ts';
import { compressEach } from '../../src/metrics/compression.ts';
import { counter, type Family, family, gauge } from '../../src/metrics/family.ts';
import type { Group } from '../../src/metrics/group.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { encodeByObject } from '../../src/metrics/text/encoder.ts';
import { exporterTo } from '../kit/exporter.ts';
import { samplesOf } from '../kit/samples.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';
import { until } from '../kit/until.ts';

const FAMILIES = 40;
const plain = Array.from({ length: FAMILIES }, (_, index) => gauge(`plain_${index}`, 'One of many.'));
const up = gauge('up', 'Whether the job is pushed.');
const duration = family('histogram', 'took_seconds', 'How long it took.');

/** A real Pushgateway of the version on PATH; some panic while they refuse a push. */
const gateway = (t: TestContext) =>
  startServer(t, 'prometheus-pushgateway', (port) => [`--web.listen-address=127.0.0.1:${port}`], '/-/ready');

/** Pushes text like another client. */
async function foreign(url: string, text: string, job = 'backup'): Promise<void> {
  const { status } = await fetch(`${url}/metrics/job/${job}`, { method: 'PUT', body: text });
  assert.equal(status, 200);
}

async function batchOf(families: readonly Family[], group: Group = 'node', stampMs = 1000): Promise<Batch> {
  const out = new Snapshot();
  for (const one of families) {
    if (one.type !== 'histogram') out.add(one, stampMs);
    else {
      out.addSeries(one, `${one.name}_bucket{le="+Inf"}`, 1);
      out.addSeries(one, `${one.name}_sum`, 1);
      out.addSeries(one, `${one.name}_count`, 1);
    }
  }
  const text = (await compressEach(encodeByObject([out]), ['gzip'], stampMs)).get('gzip');
  assert.ok(text);
  return { group, stampMs, samples: out.size, encoding: 'gzip', ...text };
}

/** The series of one of our jobs at the gateway, by name. */
async function heldOf(url: string, job: string): Promise<Set<string>> {
  const samples = samplesOf(await (await fetch(`${url}/metrics`)).text());
  const ours = [...samples.keys()].filter((key) => key.includes(`job="${job}"`) && !key.startsWith('push_'));
  return new Set(ours.map((key) => key.slice(0, key.indexOf('{'))));
}

const CASES: readonly (readonly [what: string, foreignText: string, ours: readonly Family[], refused: string[]])[] = [
  ['an untyped up', 'up 1\n', [up, ...plain], ['up']],
  ['a counter among gauges', '# TYPE plain_17 counter\nplain_17 1\n', [up, ...plain], ['plain_17']],
  ['the last family of all', '# TYPE plain_39 counter\nplain_39 1\n', [up, ...plain], ['plain_39']],
  [
    'three at once, one of them first',
    '# TYPE up counter\nup 1\n# TYPE plain_3 untyped\nplain_3 1\n# TYPE plain_4 summary\nplain_4_sum 1\nplain_4_count 1\n',
    [up, ...plain],
    ['plain_3', 'plain_4', 'up'],
  ],
  ['a histogram of ours with the name of a foreign gauge', 'took_seconds 1\n', [...plain, duration], ['took_seconds']],
  ['a name of the gateway itself', 'x 1\n', [...plain, counter('go_goroutines', 'Ours.')], ['go_goroutines']],
];

for (const [what, text, ours, refused] of CASES) {
  test(`a Pushgateway that has ${what}: only that family is left out, in the same push`, async (t) => {
    if (!serverAvailable(t, 'prometheus-pushgateway')) return;
    const url = await gateway(t);
    await foreign(url, text);
    const { exporter, counted, lines } = await exporterTo(url, {}, 'pushgateway');
    const batch = await batchOf(ours);
    exporter.deliver(batch);
    await until(
      () => exporter.status().sentSamples > 0,
      () => lines.join('\n'),
    );
    const names = ours.flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    );
    const expected = new Set(
      names.filter((name) => !refused.some((one) => name === one || name.startsWith(`${one}_`))),
    );
    assert.deepEqual(await heldOf(url, 'node-exporter'), expected);
    const { leftOut = [], state, lastFailure } = exporter.status();
    assert.deepEqual(leftOut.map(({ family: name }) => name).sort(), refused);
    assert.deepEqual([state, lastFailure], ['ok', undefined]);
    for (const name of refused) {
      assert.equal(
        await counted(`firesteel_export_left_out_samples{exporter="it",family="${name}",group="node"}`),
        name === duration.name ? 3 : 1,
      );
      assert.ok(
        lines.some((line) => line.includes(`"family":"${name}"`)),
        'named in the log',
      );
    }
    // The next push omits it from the start: one request.
    const before = await requests(counted);
    exporter.deliver(await batchOf(ours, 'node', 2000));
    await until(() => exporter.status().sentSamples >= 2 * expected.size);
    assert.equal((await requests(counted)) - before, 1);
    await exporter.close(1000);
  });
}

/** Attempted uploads, whatever their result. */
async function requests(counted: (series: string) => Promise<number | undefined>): Promise<number> {
  let sum = 0;
  for (const code of ['200', '202', '400', 'error']) {
    sum += (await counted(`firesteel_export_requests_total{code="${code}",exporter="it"}`)) ?? 0;
  }
  return sum;
}

test('an agent configured to do so deletes its own groups at shutdown, and no others', async (t) => {
  if (!serverAvailable(t, 'prometheus-pushgateway')) return;
  const url = await gateway(t);
  await foreign(url, 'theirs 1\n');
  const { exporter } = await exporterTo(url, { janitor: { onStop: true } }, 'pushgateway');
  for (const group of ['node', 'process', 'ksm'] as const) exporter.deliver(await batchOf([plain[0] as Family], group));
  await until(() => exporter.status().sentSamples === 3);
  await exporter.close(1000);
  const jobs = ['node-exporter', 'process-exporter', 'kube-state-metrics', 'backup'];
  const left = await Promise.all(jobs.map(async (job) => (await heldOf(url, job)).size));
  assert.deepEqual(left, [0, 0, 1, 1], 'the state of the cluster remains for the next leader');
});

test('otherwise its groups remain, for a restart', async (t) => {
  if (!serverAvailable(t, 'prometheus-pushgateway')) return;
  const url = await gateway(t);
  const { exporter } = await exporterTo(url, {}, 'pushgateway');
  exporter.deliver(await batchOf([plain[0] as Family]));
  await exporter.close(1000);
  assert.equal((await heldOf(url, 'node-exporter')).size, 1);
});
