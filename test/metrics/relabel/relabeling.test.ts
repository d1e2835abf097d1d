import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { relabelRules } from '../../../src/config/relabel-schema.ts';
import { compressor } from '../../../src/metrics/compression.ts';
import { counter, family, gauge } from '../../../src/metrics/family.ts';
import { relabeledPrepared } from '../../../src/metrics/relabel/members.ts';
import { Relabeling } from '../../../src/metrics/relabel/relabeling.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';

const schema = z.strictObject({ rules: relabelRules() });
const owner = {};

function relabeling(rules: readonly object[], lists: { allow?: RegExp[]; deny?: RegExp[]; labels?: object } = {}) {
  return new Relabeling({
    rules: schema.parse({ rules }).rules,
    metricAllowlist: lists.allow ?? [],
    metricDenylist: lists.deny ?? [],
    labels: { ...lists.labels },
  });
}

const bytes = counter('net_bytes_total', 'Bytes.', ['device', 'ns']);
const up = gauge('link_up', 'Up.', ['device']);

function seen(devices: readonly string[], previous?: Snapshot): Snapshot {
  const out = new Snapshot(previous);
  for (const [index, device] of devices.entries()) {
    out.add(bytes, index, device, `n${index}`);
    out.add(up, 1, device);
  }
  out.close();
  return out;
}

test('a snapshot that no rule changes stays the same object', () => {
  const snapshot = seen(['a', 'b']);
  assert.equal(relabeling([{ action: 'drop', source_labels: ['device'], regex: 'c' }]).see(snapshot, owner), snapshot);
});

test('series are dropped, renamed and relabeled, with their values', () => {
  const rules = [
    { action: 'drop', source_labels: ['__name__', 'device'], regex: 'link_up;b' },
    { source_labels: ['__name__'], regex: 'net_(.*)', target_label: '__name__', replacement: 'network_$1' },
    { action: 'labeldrop', regex: 'ns' },
    { source_labels: ['job'], target_label: 'from' },
    { target_label: 'job', replacement: 'changed' },
    { target_label: '__tmp', replacement: 'x' },
  ];
  const now = relabeling(rules, { labels: { job: 'node' } }).see(seen(['a', 'b']), owner);
  assert.deepEqual(
    now.keys.map((key, index) => [key, now.values[index]]),
    [
      ['network_bytes_total{device="a",from="node"}', 0],
      ['link_up{device="a",from="node"}', 1],
      ['network_bytes_total{device="b",from="node"}', 1],
    ],
  );
  assert.deepEqual(
    [...now.families.values()].map(({ name, type, help }) => [name, type, help]),
    [
      ['network_bytes_total', 'counter', 'Bytes.'],
      ['link_up', 'gauge', 'Up.'],
    ],
  );
});

test('a histogram that gets another name remains a histogram', () => {
  const took = family('histogram', 'took_seconds', 'Time.');
  const out = new Snapshot();
  for (const part of ['_bucket{le="1"}', '_bucket{le="+Inf"}', '_sum', '_count'])
    out.addSeries(took, `took_seconds${part}`, 1);
  out.close();
  const rules = [
    { source_labels: ['__name__'], regex: 'took_(.*)', target_label: '__name__', replacement: 'lasted_$1' },
  ];
  const now = relabeling(rules).see(out, owner);
  assert.deepEqual(
    [...now.families.values()].map(({ name, type }) => [name, type]),
    [['lasted_seconds', 'histogram']],
  );
  assert.deepEqual(now.keys.at(0), 'lasted_seconds_bucket{le="1"}');
});

test('two series that become equal are merged, and that is reported', () => {
  const now = relabeling([{ action: 'labeldrop', regex: 'device|ns' }]).see(seen(['a', 'b', 'c']), owner);
  assert.deepEqual(now.keys, ['net_bytes_total', 'link_up']);
  assert.deepEqual(now.values, [0, 1]);
  assert.match(now.errors[0]?.message ?? '', /net_bytes_total equals another series after relabeling: dropped/);
  assert.match(now.errors[1]?.message ?? '', /^3 more series/);
});

test('a series without a name is dropped', () => {
  assert.equal(relabeling([{ action: 'labelkeep', regex: 'device' }]).see(seen(['a']), owner).size, 0);
});

test('lists of names: allowed ones first, then denied ones, by family', () => {
  const now = relabeling([], { allow: [/net/, /link/], deny: [/_total$/] }).see(seen(['a']), owner);
  assert.deepEqual(now.keys, ['link_up{device="a"}']);
});

test('a persistent series is not matched again, whatever appears and vanishes around it', () => {
  const asked: string[] = [];
  const regex = {
    source: 'x',
    test: (text: string) => {
      asked.push(text);
      return text.startsWith('veth');
    },
    groups: () => undefined,
  };
  const rule = {
    action: 'drop',
    sourceLabels: ['device'],
    separator: ';',
    regex,
    matchesAll: false,
    targetLabel: '',
    replacement: '$1',
    modulus: 1,
  } as const;
  const made = new Relabeling({ rules: [rule], metricAllowlist: [], metricDenylist: [], labels: {} });
  const asking = (devices: readonly string[], previous?: Snapshot) => {
    asked.length = 0;
    const snapshot = seen(devices, previous);
    const keys = made.see(snapshot, owner).keys;
    return { snapshot, keys, asked: [...new Set(asked)] };
  };
  const first = asking(['a', 'b', 'veth1', 'c', 'd']);
  assert.deepEqual(first.asked, ['a', 'b', 'veth1', 'c', 'd']);
  assert.equal(first.keys.length, 8);
  const again = asking(['a', 'b', 'veth1', 'c', 'd'], first.snapshot);
  assert.deepEqual(again.asked, []);
  // n0, n1, … number the devices, so that all behind a new one are new series: only net_bytes_total has them.
  const more = asking(['a', 'b', 'veth1', 'c', 'd', 'veth2', 'e'], again.snapshot);
  assert.deepEqual(more.asked, ['veth2', 'e']);
  assert.equal(more.keys.length, 10);
  const fewer = asking(['a', 'b', 'veth1', 'c', 'd'], more.snapshot);
  assert.deepEqual(fewer.asked, []);
  assert.equal(fewer.keys.length, 8);
});

test('an expression that is too expensive for a text keeps the series unchanged, and this is reported', () => {
  const regex = {
    source: 'x',
    test: () => {
      throw new Error('too much work');
    },
    groups: () => undefined,
  };
  const rule = {
    action: 'drop',
    sourceLabels: [],
    separator: ';',
    regex,
    matchesAll: false,
    targetLabel: '',
    replacement: '',
    modulus: 1,
  } as const;
  const made = new Relabeling({ rules: [rule], metricAllowlist: [], metricDenylist: [], labels: {} });
  const snapshot = seen(['a']);
  const now = made.see(snapshot, owner);
  assert.equal(now.size, 2);
});

test('compressed text is relabeled a member at a time, and each member once', async () => {
  const { pack, unpack } = compressor('zstd');
  const text = '# HELP a A.\n# TYPE a gauge\na{x="}",y="1"} 1\na{x="2",y="2"} 2 1.7e12\nb 3\n';
  const prepared = {
    encoding: 'zstd',
    members: [await pack(Buffer.from(text))],
    textBytes: text.length,
    samples: 3,
  } as const;
  const made = relabeling([
    { action: 'labeldrop', regex: 'y' },
    { action: 'drop', source_labels: ['__name__'], regex: 'b' },
  ]);
  const now = await relabeledPrepared(prepared, made);
  const left = (await unpack(Buffer.concat(now.members))).toString();
  // Padding makes a short text compressible.
  assert.equal(left.replace(/^#-+\n/m, ''), '# HELP a A.\n# TYPE a gauge\na{x="}"} 1\na{x="2"} 2 1.7e12\n');
  assert.equal(now.samples, 2);
  assert.equal((await relabeledPrepared(prepared, made)).members[0], now.members[0]);
});

test('many new series are decided in turns of the event loop, with the same result', async () => {
  const devices = Array.from({ length: 20_000 }, (_, index) => `d${index}`);
  const rules = [
    { action: 'drop', source_labels: ['device'], regex: '.*7' },
    { action: 'labeldrop', regex: 'ns' },
  ];
  const made = relabeling(rules);
  const snapshot = seen(devices);
  let turns = 0;
  const done = new AbortController();
  const count = () => {
    turns++;
    if (!done.signal.aborted) setImmediate(count);
  };
  setImmediate(count);
  await made.prepare(snapshot, owner);
  done.abort();
  assert.ok(turns >= 3, `${turns} turns`);
  assert.equal(made.prepare(snapshot, owner), undefined, 'nothing remains to decide');
  assert.deepEqual(made.see(snapshot, owner).keys, relabeling(rules).see(seen(devices), {}).keys);
  const few = seen([...devices, 'one more'], snapshot);
  assert.equal(made.prepare(few, owner), undefined, 'a few are decided immediately');
  assert.equal(made.see(few, owner).size, made.see(snapshot, owner).size + 2);
});
