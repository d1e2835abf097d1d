import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, ThrottledLog } from '../../src/base/log.ts';
import type { Batch, Exporter } from '../../src/exporters/exporter.ts';
import { type BudgetSettings, SeriesBudget } from '../../src/metrics/budget.ts';
import { compressor } from '../../src/metrics/compression.ts';
import { gauge } from '../../src/metrics/family.ts';
import type { Prepared } from '../../src/metrics/prepared.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import { PushCycle } from '../../src/push/cycle.ts';

const zstd = compressor('zstd');

/** Prepared text of the ksm group with `lines`, each a separate member, in the form of the cluster state. */
async function preparedOf(lines: Readonly<Record<string, number>>): Promise<Prepared> {
  const families = Object.keys(lines).map((name) => ({ family: gauge(name, name), series: lines[name] as number }));
  const texts = families.map(({ family: { name }, series }) => {
    const samples = Array.from({ length: series }, (_, index) => `${name}{pod="p${index}"} ${index}\n`);
    return Buffer.from(`# HELP ${name} ${name}\n# TYPE ${name} gauge\n${samples.join('')}`);
  });
  const members = await Promise.all(texts.map((text) => zstd.pack(text)));
  return {
    group: 'ksm',
    collector: 'kube-state-metrics',
    text: async () => ({
      encoding: 'zstd',
      members,
      textBytes: texts.reduce((sum, { length }) => sum + length, 0),
      samples: families.reduce((sum, { series }) => sum + series, 0),
    }),
    takeEnded: () => ({ keys: [], lost: 0 }),
    families: () => families,
    async *byFamily() {},
    async *lines() {},
  };
}

/** A cycle of `registry` to one exporter that does what `own` says. */
function cycleTo(
  registry: AgentRegistry,
  own: Partial<Exporter>,
  { budget = new SeriesBudget(() => ({ groups: {}, families: {} })), lines = [] as string[] } = {},
): PushCycle {
  const exporter: Exporter = {
    name: 'it',
    encoding: 'zstd',
    accepts: () => true,
    start: () => undefined,
    deliver: () => undefined,
    status: () => assert.fail('not requested'),
    close: async () => undefined,
    ...own,
  };
  return new PushCycle({
    registry,
    exporters: () => [exporter],
    budget,
    intervalMs: () => 1000,
    now: Date.now,
    log: new ThrottledLog(createLog('info', { write: (line) => lines.push(line) })),
  });
}

test('a prepared family over its budget is dropped completely, and returns when there is room', async () => {
  const registry = new AgentRegistry();
  registry.addProducer({
    group: 'ksm',
    name: 'kube-state-metrics',
    collect: (out) => out.add(gauge('own', 'Own.'), 1),
  });
  registry.addPrepared(await preparedOf({ kube_small: 2, kube_large: 50 }));
  const batches: Batch[] = [];
  let groups: BudgetSettings['groups'] = { ksm: 10 };
  const budget = new SeriesBudget(() => ({ groups, families: {} }));
  const cycle = cycleTo(registry, { deliver: (batch) => void batches.push(batch) }, { budget });
  const pushed = async (group: string) => {
    batches.length = 0;
    await cycle.run(1000);
    const batch = batches.find((one) => one.group === group);
    assert.ok(batch);
    return { samples: batch.samples, text: (await zstd.unpack(Buffer.concat(batch.members))).toString() };
  };
  const over = await pushed('ksm');
  assert.equal(over.samples, 4);
  assert.ok(!over.text.includes('kube_large'), over.text);
  assert.match(over.text, /^# TYPE kube_small gauge\nkube_small\{pod="p0"\} 0\n/m);
  assert.match(
    (await pushed('agent')).text,
    /^firesteel_budget_dropped_series\{group="ksm",family="kube_large"\} 50$/m,
  );
  groups = { ksm: 100 };
  const within = await pushed('ksm');
  assert.equal(within.samples, 54);
  assert.ok(within.text.includes('kube_large{pod="p49"} 49'));
});

test('ended series reach the exporters that end them, with the number of those that were lost', async () => {
  const registry = new AgentRegistry();
  registry.addProducer({ group: 'ksm', name: 'ksm', collect: (out) => out.add(gauge('own', 'Own.'), 1) });
  const results = [
    { keys: ['kube_small{pod="p0"}'], lost: 3 },
    { keys: [], lost: 2 },
    { keys: [], lost: 0 },
  ];
  const takeEnded = () => results.shift() ?? assert.fail('taken too often');
  registry.addPrepared({ ...(await preparedOf({ kube_small: 1 })), takeEnded });
  const ended: (readonly [keys: string, lost: number])[] = [];
  const cycle = cycleTo(registry, {
    accepts: (group) => group === 'ksm',
    endSeries: (_, { keys, lost }) => void ended.push([keys.join(), lost]),
  });
  for (let run = 0; run < 3; run++) await cycle.run(1000);
  assert.deepEqual(ended, [
    ['kube_small{pod="p0"}', 3],
    ['', 2],
  ]);
});

test('a prepared part that is late is missing from this push, with one log line without a stack', async () => {
  const registry = new AgentRegistry();
  registry.addProducer({ group: 'ksm', name: 'ksm', collect: (out) => out.add(gauge('own', 'Own.'), 1) });
  const prepared = await preparedOf({ kube_small: 2 });
  let isStarved: boolean = true;
  const starved = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  registry.addPrepared({ ...prepared, text: (signal) => (isStarved ? starved(signal) : prepared.text(signal)) });
  const groups: string[] = [];
  const lines: string[] = [];
  const cycle = cycleTo(registry, { deliver: ({ group }) => void groups.push(group) }, { lines });
  await cycle.run(20);
  await cycle.run(20);
  assert.deepEqual(groups, ['agent', 'agent']);
  assert.equal(lines.length, 1, lines.join(''));
  assert.match(lines[0] ?? '', /"level":"warn".*"group":"ksm".*"msg":"not encoded before the deadline/);
  assert.doesNotMatch(lines[0] ?? '', /stack/);
  isStarved = false;
  await cycle.run(1000);
  assert.deepEqual(groups.slice(2).sort(), ['agent', 'ksm']);
  registry.addPrepared({ ...prepared, text: () => Promise.reject(new Error('a bug')) });
  await assert.rejects(cycle.run(1000), /a bug/);
});

test('the log distinguishes a collector with partial data from one that failed', async () => {
  const registry = new AgentRegistry();
  const some = gauge('some', 'Some.');
  registry.addProducer({
    group: 'node',
    name: 'partial',
    collect: (out) => {
      out.add(some, 1);
      out.lose('one file', new Error('bad line'));
    },
  });
  registry.addProducer({ group: 'node', name: 'failing', collect: () => assert.fail('no files') });
  const lines: string[] = [];
  const cycle = cycleTo(registry, {}, { lines });
  await cycle.run(1000);
  const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    logged.map(({ level, collector, msg }) => [level, collector, msg]),
    [
      ['info', 'node.partial', 'partial data'],
      ['warn', 'node.failing', 'collection failed'],
    ],
  );
});
