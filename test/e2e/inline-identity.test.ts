import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createLog, ThrottledLog } from '../../src/base/log.ts';
import type { Exporter } from '../../src/exporters/exporter.ts';
import { SeriesBudget } from '../../src/metrics/budget.ts';
import { counter, type Family, gauge, ownCounter } from '../../src/metrics/family.ts';
import type { Group } from '../../src/metrics/group.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import type { Snapshot } from '../../src/metrics/snapshot.ts';
import { labelBlock } from '../../src/metrics/text/format.ts';
import { PushCycle } from '../../src/push/cycle.ts';
import { exporterTo } from '../kit/exporter.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { samplesOf } from '../kit/samples.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';
import { until } from '../kit/until.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

/** A push cycle with one producer of `group`, whose clock and samples the test sets. */
function cycleOf(exporter: Exporter, group: Group, clock: { ms: number }, collect: (out: Snapshot) => void): PushCycle {
  const registry = new AgentRegistry();
  registry.addProducer({ group, name: 'it', whenEmpty: 'no target', collect });
  return new PushCycle({
    registry,
    exporters: () => [exporter],
    budget: new SeriesBudget(() => ({ groups: {}, families: {} })),
    intervalMs: () => 15_000,
    now: () => clock.ms,
    log: new ThrottledLog(createLog('silent')),
  });
}

const LABELS = ['job', 'instance'];
const up = gauge('up', 'Whether the target answered.', LABELS);
const probe = gauge('probe_duration_seconds', 'How long it took.', LABELS);
const TARGETS = [
  ['web', 'a:80', 1],
  ['web', 'b:80', 0],
  ['d b/"x"', 'c', 1],
] as const;

for (const compression of [undefined, 'gzip'] as const) {
  test(`VictoriaMetrics stores job, instance and timestamps of the lines, in ${compression ?? 'zstd'}`, async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const victoria = await startVictoriaMetrics(t, scratchFolder(t));
    const { exporter, lines } = await exporterTo(victoria.url, {
      groups: ['probe'],
      ...(compression && { compression }),
    });
    const clock = { ms: Date.now() - 60_000 };
    const began = clock.ms;
    const cycle = cycleOf(exporter, 'probe', clock, (out) => {
      for (const [job, instance, value] of TARGETS) {
        out.add(up, value, job, instance);
        out.addSeries(probe, probe.name + labelBlock(LABELS, [job, instance]), 0.5, clock.ms - 7000);
      }
    });
    await cycle.run(5000);
    await until(
      () => exporter.status().sentSamples >= 6,
      () => lines.join('\n'),
    );
    await exporter.close(2000);
    await victoria.visible('{__name__=~"up|probe_duration_seconds"}', 0, 6);
    const stored = await victoria.export('{__name__=~"up|probe_duration_seconds"}');
    const shown = stored.map(({ metric, values, timestamps }) => ({
      ...metric,
      values,
      ago: (timestamps[0] ?? 0) - began,
    }));
    const expected = TARGETS.flatMap(([job, instance, value]) => [
      { __name__: 'up', job, instance, node: 'n1', values: [value], ago: 0 },
      { __name__: 'probe_duration_seconds', job, instance, node: 'n1', values: [0.5], ago: -7000 },
    ]);
    const byName = (one: object, other: object) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);
    assert.deepEqual(
      shown.map((one) => ({ ...one })).sort((a, b) => byName(Object.entries(a).sort(), Object.entries(b).sort())),
      expected.sort((a, b) => byName(Object.entries(a).sort(), Object.entries(b).sort())),
    );
  });
}

test('a Pushgateway gets one group for each job and instance, and vanished ones are deleted', async (t) => {
  if (!serverAvailable(t, 'prometheus-pushgateway')) return;
  const url = await startServer(
    t,
    'prometheus-pushgateway',
    (port) => [`--web.listen-address=127.0.0.1:${port}`],
    '/-/ready',
  );
  const { exporter, lines } = await exporterTo(url, { groups: ['probe'] }, 'pushgateway');
  const clock = { ms: Date.now() };
  let targets: readonly (readonly [string, string, number])[] = TARGETS;
  const cycle = cycleOf(exporter, 'probe', clock, (out) => {
    for (const [job, instance, value] of targets) {
      out.add(up, value, job, instance);
      out.addSeries(probe, probe.name + labelBlock(LABELS, [job, instance]), 0.5, clock.ms - 7000);
    }
  });
  const held = async () => {
    const samples = samplesOf(await (await fetch(`${url}/metrics`)).text());
    return [...samples].filter(([key]) => key.startsWith('up{')).map(([key, value]) => `${key} ${value}`);
  };
  const explain = () => lines.join('\n');
  await cycle.run(5000);
  await until(async () => (await held()).length === 3, explain);
  assert.deepEqual((await held()).sort(), [
    'up{instance="a:80",job="web",node="n1"} 1',
    'up{instance="b:80",job="web",node="n1"} 0',
    'up{instance="c",job="d b/\\"x\\"",node="n1"} 1',
  ]);
  const groups = samplesOf(await (await fetch(`${url}/metrics`)).text());
  assert.equal([...groups.keys()].filter((key) => key.startsWith('push_time_seconds{')).length, 3);
  targets = [TARGETS[0]];
  clock.ms += 15_000;
  await cycle.run(5000);
  await until(async () => (await held()).length === 1, explain);
  assert.deepEqual(await held(), ['up{instance="a:80",job="web",node="n1"} 1']);
  targets = [];
  clock.ms += 15_000;
  await cycle.run(5000);
  await until(async () => (await held()).length === 0, explain);
  await exporter.close(2000);
});

/** rate() and increase() of VictoriaMetrics for a counter that appears with 5. */
async function counted(t: TestContext, family: Family, compression?: 'gzip') {
  const victoria = await startVictoriaMetrics(t, scratchFolder(t));
  const { exporter, lines } = await exporterTo(victoria.url, compression ? { compression } : {});
  const clock = { ms: Date.now() - 60_000 };
  let value: number | undefined;
  const cycle = cycleOf(exporter, 'agent', clock, (out) => {
    out.add(gauge('always', 'There in each cycle.'), clock.ms);
    if (value !== undefined) out.add(family, value, 'x');
  });
  for (const now of [undefined, 5, 5]) {
    value = now;
    clock.ms += 15_000;
    const before = exporter.status().sentSamples;
    await cycle.run(5000);
    await until(
      () => exporter.status().sentSamples > before,
      () => lines.join('\n'),
    );
  }
  await exporter.close(2000);
  await victoria.visible(family.name, clock.ms);
  const at = async (query: string) => (await victoria.query(query))[0]?.value ?? 0;
  return {
    rate: await at(`rate(${family.name}[1m])`),
    increase: await at(`increase_prometheus(${family.name}[1m])`),
    first: (await victoria.export(family.name))[0]?.values,
  };
}

const born = ownCounter('events_total', 'Counted by this agent.', ['kind']);
const found = counter('events_total', 'Counted by another program.', ['kind']);

for (const compression of [undefined, 'gzip'] as const) {
  test(`the first count of a counter of this agent is in rate() and increase(), in ${compression ?? 'zstd'}`, async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const { rate, increase, first } = await counted(t, born, compression);
    assert.deepEqual(first, [0, 5, 5]);
    assert.equal(increase, 5);
    assert.ok(rate > 0, `rate ${rate}`);
  });
}

test('the first value of a counter that another program started is not counted', async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const { rate, increase, first } = await counted(t, found);
  assert.deepEqual(first, [5, 5]);
  assert.deepEqual([rate, increase], [0, 0]);
});

test('a Pushgateway gets neither zeros nor timestamps', async (t) => {
  if (!serverAvailable(t, 'prometheus-pushgateway')) return;
  const url = await startServer(
    t,
    'prometheus-pushgateway',
    (port) => [`--web.listen-address=127.0.0.1:${port}`],
    '/-/ready',
  );
  const { exporter, lines } = await exporterTo(url, { groups: ['exec'] }, 'pushgateway');
  const clock = { ms: Date.now() };
  const cycle = cycleOf(exporter, 'exec', clock, (out) => {
    out.add(born, 5, 'x');
    out.addSeries(gauge('result', 'Of a script.'), 'result', 3, clock.ms - 1000);
  });
  await cycle.run(5000);
  await until(
    () => exporter.status().sentSamples > 0,
    () => lines.join('\n'),
  );
  const samples = samplesOf(await (await fetch(`${url}/metrics`)).text());
  assert.equal(samples.get('events_total{instance="n1",job="exec",kind="x",node="n1"}'), 5);
  assert.equal(samples.get('result{instance="n1",job="exec",node="n1"}'), 3);
  await exporter.close(2000);
});
