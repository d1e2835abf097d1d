import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Gauge, Histogram } from 'prom-client';
import { family, gauge } from '../../src/metrics/family.ts';
import { NoData } from '../../src/metrics/outcome.ts';
import { PushedLabels } from '../../src/metrics/pushed-labels.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import type { Producer } from '../../src/metrics/scope.ts';
import { randomFrom } from '../kit/random.ts';
import { samplesOf } from '../kit/samples.ts';

const heat = gauge('heat_celsius', 'Heat.', ['zone']);

const producer = (name: string, collect: Producer['collect']): Producer => ({ group: 'node', name, collect });

function registryOf(...producers: Producer[]): AgentRegistry {
  const registry = new AgentRegistry();
  for (const one of producers) registry.addProducer(one);
  return registry;
}

test('a collector ends in one of four ways, each a series', async () => {
  const registry = registryOf(
    producer('fine', (out) => out.add(heat, 1, 'a')),
    producer('absent', () => {
      throw new NoData('no such hardware');
    }),
    producer('half', async (out) => {
      out.add(gauge('half', 'Half.'), 1);
      out.attempt('sdb', () => {
        throw new Error('gone');
      });
    }),
    producer('broken', (out) => {
      out.add(gauge('broken', 'Broken.'), 1);
      throw new Error('bad file');
    }),
  );
  const { results } = await registry.gather(1000);
  assert.deepEqual(
    results.map(({ collector, outcome, reason, samples }) => [collector, outcome, reason, samples]),
    [
      ['fine', 'ok', undefined, 1],
      ['absent', 'nodata', 'no such hardware', 0],
      ['half', 'partial', undefined, 1],
      ['broken', 'fault', 'bad file', 0],
    ],
  );
  const samples = samplesOf(await registry.metrics());
  assert.equal(samples.get('firesteel_collector_success{collector="absent",group="node"}'), 1);
  assert.equal(samples.get('firesteel_collector_success{collector="broken",group="node"}'), 0);
  assert.equal(samples.get('firesteel_collector_lost_units{collector="half",group="node"}'), 1);
  assert.equal(
    samples.get('firesteel_collector_no_data{collector="absent",group="node",reason="no such hardware"}'),
    1,
  );
  assert.ok(!samples.has('broken{}'));
});

test('a late collector loses only its own series, and is not started again before it has returned', async () => {
  let runs = 0;
  const answer = Promise.withResolvers<void>();
  const registry = registryOf(
    producer('stuck', (out) => {
      runs++;
      return answer.promise.then(() => out.add(gauge('late', 'Late.'), 1));
    }),
    producer('fine', (out) => out.add(heat, 1, 'a')),
  );
  const first = await registry.gather(20);
  assert.match(first.results[0]?.reason ?? '', /not finished within 20 ms/);
  assert.equal(first.results[1]?.outcome, 'ok');
  assert.match((await registry.gather(20)).results[0]?.reason ?? '', /still in progress/);
  assert.equal(runs, 1);
  answer.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await registry.gather(1000)).results[0]?.outcome, 'ok');
  assert.equal(runs, 2);
});

test('no samples are not a success: no data if that is declared, else a failure, as when all units are lost', async () => {
  const registry = registryOf(
    { ...producer('idle', () => {}), whenEmpty: 'no device' },
    producer('deaf', () => {}),
    {
      ...producer('lost', (out) => {
        for (const disk of ['sd1', 'sd2']) out.lose(disk, 'gone');
      }),
      whenEmpty: 'no device',
    },
  );
  const { results } = await registry.gather(1000);
  assert.deepEqual(
    results.map(({ outcome, reason, isEmpty, errors }) => [outcome, reason, isEmpty, errors.length]),
    [
      ['nodata', 'no device', true, 0],
      ['fault', 'no samples, although its files are readable: they have an unexpected format', undefined, 1],
      ['fault', 'sd1: gone (and 1 more)', undefined, 2],
    ],
  );
});

test('collectors run concurrently', async () => {
  const other = Promise.withResolvers<void>();
  const registry = registryOf(
    producer('waits', (out) => other.promise.then(() => out.add(gauge('waited', 'Waited.'), 1))),
    producer('frees', async (out) => {
      out.add(gauge('freed', 'Freed.'), 1);
      other.resolve();
    }),
  );
  const { results } = await registry.gather(1000);
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ['ok', 'ok'],
  );
});

test('a family of two collectors is rejected from the later one only', async () => {
  const registry = registryOf(
    producer('first', (out) => out.add(heat, 1, 'a')),
    producer('second', (out) => {
      out.add(gauge(heat.name, 'Another heat.', heat.labels), 2, 'b');
      out.add(gauge('own', 'Own.'), 3);
    }),
  );
  const { results } = await registry.gather(1000);
  assert.equal(results[0]?.outcome, 'ok');
  assert.equal(results[1]?.outcome, 'partial', 'the rest of it arrives');
  const [refusal] = results[1]?.errors ?? [];
  assert.equal(refusal?.message, 'family heat_celsius already comes from node.first; rejected from node.second');
  const samples = samplesOf(await registry.metrics());
  assert.deepEqual([samples.get('heat_celsius{zone="a"}'), samples.has('heat_celsius{zone="b"}')], [1, false]);
  assert.equal(samples.get('own{}'), 3);
});

test('a family that another collector provides later is rejected from then on, and accepted when it no longer does', async () => {
  let isTaken = false;
  const registry = registryOf(
    producer('first', (out) => {
      out.add(gauge('own', 'Own.'), 3);
      if (isTaken) out.add(heat, 1, 'a');
    }),
    producer('second', (out) => out.add(gauge(heat.name, 'Another heat.', heat.labels), 2, 'b')),
  );
  const series = async () => (await registry.gather(1000)).groups.get('node')?.flatMap(({ keys }) => keys);
  for (const taken of [false, false, true, true, false, false]) {
    isTaken = taken;
    assert.deepEqual(await series(), ['own', taken ? 'heat_celsius{zone="a"}' : 'heat_celsius{zone="b"}']);
  }
});

test('groups differ in job: a family of another group is accepted, unless its type differs', async () => {
  const mine = (type: 'gauge' | 'counter', name: string, labels: readonly string[] = []) =>
    family(type, name, 'Of a user.', labels);
  const flag = gauge('files_error', 'Whether a file was lost.');
  const registry = registryOf({
    ...producer('files', (out) => {
      out.add(flag, 0);
      out.add(mine('counter', 'pushes_total', ['app']), 7, 'x');
      out.add(mine('gauge', 'ends_total', ['app']), 8, 'x');
      out.add(mine('gauge', 'up', ['app']), 9, 'x');
    }),
    errorFlag: flag,
  });
  new Counter({ name: 'pushes_total', help: 'Pushes.', registers: [registry] }).inc(2);
  new Counter({ name: 'ends_total', help: 'Ends.', registers: [registry] }).inc(3);
  const { groups, results } = await registry.gather(1000);
  const [files] = groups.get('node') ?? [];
  assert.deepEqual(files?.keys, ['files_error', 'pushes_total{app="x"}']);
  assert.deepEqual(files?.values, [1, 7], 'the flag is set for later rejections');
  assert.deepEqual(
    results[0]?.errors.map(({ message }) => message),
    [
      'family ends_total is a counter of agent (self metrics), but gauge here; rejected from node.files',
      'family up is added by the push itself; rejected from node.files',
    ],
  );
  const text = await registry.metrics();
  assert.equal(text.match(/^# TYPE pushes_total/gm)?.length, 1);
  assert.equal(samplesOf(text).get('pushes_total{app="x"}'), 7);
});

test('/metrics has no job: of two series that differ in it only the first is shown', async () => {
  const registry = registryOf(producer('files', (out) => out.add(family('counter', 'pushes_total', 'Of a user.'), 7)));
  new Counter({ name: 'pushes_total', help: 'Pushes.', registers: [registry] }).inc(2);
  assert.deepEqual((await registry.metrics()).match(/^pushes_total .*$/gm), ['pushes_total 2']);
});

test('labels of the push are renamed and counted before any other part sees the series', async () => {
  const registry = registryOf(producer('files', (out) => out.addSeries(heat, 'heat_celsius{instance="db1"}', 1)));
  registry.pushedLabels = { node: new PushedLabels({ names: new Set(['job', 'instance']) }) };
  for (const cycle of [1, 2]) {
    const samples = samplesOf(await registry.metrics());
    assert.equal(samples.get('heat_celsius{exported_instance="db1"}'), 1, `cycle ${cycle}`);
    assert.equal(samples.get('firesteel_collector_renamed_series{collector="files",group="node"}'), 1);
    assert.equal(samples.get('firesteel_collector_lost_units{collector="files",group="node"}'), 0);
  }
});

test('a collector cannot take the name of a self metric', async () => {
  const registry = registryOf(producer('cuckoo', (out) => out.add(gauge('pushes_total', 'Mine.'), 9)));
  new Counter({ name: 'pushes_total', help: 'Pushes.', registers: [registry] }).inc(2);
  assert.equal((await registry.gather(1000)).results[0]?.outcome, 'fault');
  assert.equal(samplesOf(await registry.metrics()).get('pushes_total{}'), 2);
});

test("prom-client's metrics go through the same encoder", async () => {
  const registry = registryOf();
  const took = new Histogram({ name: 'took', help: 'Took.', labelNames: ['to'], buckets: [1], registers: [registry] });
  took.observe({ to: 'a,b:"c"' }, 0.5);
  const samples = samplesOf(await registry.metrics());
  assert.equal(samples.get('took_bucket{le="1",to="a,b:\\"c\\""}'), 1);
  assert.equal(samples.get('took_sum{to="a,b:\\"c\\""}'), 0.5);
});

test('registering a collector twice is a bug', () => {
  const twice = producer('cpu', () => undefined);
  assert.throws(() => registryOf(twice, twice), /BUG: collector node.cpu is registered twice/);
});

test('a collector disabled by the gate is not run, and only that is reported', async () => {
  let runs = 0;
  const counting = producer('cpu', (out) => {
    runs++;
    out.add(gauge('busy', 'Busy.'), 1);
  });
  const registry = registryOf(
    counting,
    producer('disk', (out) => out.add(gauge('reads', 'Reads.'), 1)),
  );
  registry.gate = (group, name) => (`${group}.${name}` === 'node.cpu' ? 'too "slow"' : undefined);
  const { results } = await registry.gather(1000);
  assert.deepEqual([results[0]?.outcome, results[0]?.reason], ['disabled', 'too "slow"']);
  assert.equal(results[1]?.outcome, 'ok');
  assert.equal(runs, 0);
  const samples = samplesOf(await registry.metrics());
  const exposed = [...samples.keys()].filter((series) => series.includes('collector="cpu"'));
  assert.deepEqual(exposed, ['firesteel_collector_disabled{collector="cpu",group="node",reason="too \\"slow\\""}']);
  registry.gate = () => undefined;
  assert.equal((await registry.gather(1000)).results[0]?.outcome, 'ok');
});

test('one collector is run alone, even if disabled by the gate, but not during a late run', async () => {
  const gate = Promise.withResolvers<void>();
  const registry = registryOf(
    producer('cpu', (out) => out.add(gauge('busy', 'Busy.'), 1)),
    producer('stuck', (out) => gate.promise.then(() => out.add(gauge('free', 'Free.'), 1))),
  );
  registry.gate = () => 'off';
  const alone = await registry.runAlone('node', 'cpu', 1000);
  assert.deepEqual([alone?.outcome, alone?.samples], ['ok', 1]);
  assert.equal((await registry.runAlone('node', 'stuck', 20))?.outcome, 'fault');
  assert.equal(await registry.runAlone('node', 'stuck', 20), undefined);
  gate.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await registry.runAlone('node', 'stuck', 1000))?.outcome, 'ok');
  await assert.rejects(registry.runAlone('node', 'nothing', 20), /BUG/);
});

test('cycles with the same results share the lists of their own series', async () => {
  const registry = registryOf(producer('fine', (out) => out.add(heat, 1, 'a')));
  const requests = new Counter({ name: 'requests_total', help: 'R.', labelNames: ['code'], registers: [registry] });
  new Histogram({ name: 'seconds', help: 'S.', labelNames: ['name'], registers: [registry] }).observe({ name: 'x' }, 1);
  requests.inc({ code: '200' });
  const lists = async () => ((await registry.gather(1000)).groups.get('agent') ?? []).map(({ series }) => series);
  const first = await lists();
  requests.inc({ code: '200' });
  const second = await lists();
  assert.equal(first.length, 2);
  assert.ok(second.every((series, index) => series === first[index]));
  requests.inc({ code: '500' });
  const [own, results] = await lists();
  assert.notEqual(own, first[0]);
  assert.equal(results, first[1]);
});

test('keys of self metrics follow their labels, whatever appears, vanishes or moves', async () => {
  const registry = new AgentRegistry();
  const states = new Gauge({ name: 'states', help: 'S.', labelNames: ['name', 'why'], registers: [registry] });
  const seen = async () => [...samplesOf(await registry.metrics())].filter(([key]) => key.startsWith('states'));
  const random = randomFrom('keys of own metrics');
  for (let round = 0; round < 50; round++) {
    states.reset();
    const expected = new Map<string, number>();
    for (let count = random.below(6); count > 0; count--) {
      const name = String(random.below(4));
      const why = random.chance(0.5) ? { why: '"x"' } : undefined;
      states.set({ name, ...why }, round);
      expected.set(`states{name="${name}"${why ? ',why="\\"x\\""' : ''}}`, round);
    }
    assert.deepEqual(new Map(await seen()), expected);
  }
});
