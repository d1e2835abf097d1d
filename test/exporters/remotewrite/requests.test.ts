import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { snappy, snappyElements, withPreamble } from '../../../src/exporters/prompb/snappy.ts';
import { sortedLabels } from '../../../src/exporters/remotewrite/labels.ts';
import type { Version } from '../../../src/exporters/remotewrite/request.ts';
import { RequestWriter } from '../../../src/exporters/remotewrite/requests.ts';
import { readSample, type SampleBatch, toText } from '../../../src/exporters/remotewrite/sample-batch.ts';
import { snappyTemplate } from '../../../src/exporters/remotewrite/snappy-template.ts';
import { counter, family, gauge } from '../../../src/metrics/family.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { parseLine } from '../../../src/metrics/text/parse.ts';
import { unpackSnappy } from '../../../src/receiver/remote-write.ts';
import { randomFrom } from '../../kit/random.ts';
import { decodeRequest, type ReceivedSeries } from '../../kit/remote-write-receiver.ts';

const TARGET = { job: 'kubelet', instance: 'n1', labels: { cluster: 'c', empty: '' } };
const pods = counter('pod_restarts_total', 'Restarts of\na "pod" \\.', ['pod', 'Zone']);
const up = gauge('up', 'Up.');
const latency = family('histogram', 'latency_seconds', 'Latency.', ['le']);

const batch = (snapshots: readonly Snapshot[], stampMs: number, more: Partial<SampleBatch> = {}): SampleBatch => ({
  ...{ group: 'container', stampMs, target: TARGET, snapshots, texts: [], ended: [], zeros: new Map() },
  samples: snapshots.reduce((sum, { size }) => sum + size, 0),
  bytes: 0,
  ...more,
});

function snapshotOf(values: readonly number[], previous?: Snapshot): Snapshot {
  const out = new Snapshot(previous);
  for (const [index, value] of values.entries()) out.add(pods, value, `p"${index}\\\n`, index % 2 === 0 ? 'ü' : '');
  out.addSeries(latency, 'latency_seconds_bucket{le="+Inf"}', 3);
  out.close();
  return out;
}

const plainUp = new Snapshot();
plainUp.add(up, 1);
plainUp.close();

/** All series of the requests for a batch, and the metadata. */
async function written(writer: RequestWriter, one: SampleBatch, version: Version, maxSamples = 2000) {
  const series: ReceivedSeries[] = [];
  const metadata: object[] = [];
  const sizes: number[] = [];
  for await (const { members, rawBytes, samples } of writer.write(one, { version, maxSamples })) {
    const raw = unpackSnappy(Buffer.concat(members), 1e8);
    assert.equal(raw.length, rawBytes);
    const decoded = decodeRequest(raw, version);
    series.push(...decoded.series);
    metadata.push(...decoded.metadata);
    sizes.push(samples);
  }
  return { series, metadata, sizes };
}

const keyOf = ({ labels }: ReceivedSeries) => labels.map(([name, value]) => `${name}=${value}`).join();

for (const version of [1, 2] as const) {
  test(`${version}.0: labels are sorted with those of the target, empty ones are omitted, values and times are exact`, async () => {
    const values = [0, 1.5, 2 ** 53, Number.POSITIVE_INFINITY, 1e-300];
    const { series, metadata } = await written(
      new RequestWriter(),
      batch([plainUp, snapshotOf(values)], 1_764_000_000_123),
      version,
    );
    assert.equal(keyOf(series[0] as ReceivedSeries), '__name__=up,cluster=c,instance=n1,job=kubelet');
    assert.equal(
      keyOf(series[1] as ReceivedSeries),
      'Zone=ü,__name__=pod_restarts_total,cluster=c,instance=n1,job=kubelet,pod=p"0\\\n',
    );
    assert.equal(
      keyOf(series[2] as ReceivedSeries),
      '__name__=pod_restarts_total,cluster=c,instance=n1,job=kubelet,pod=p"1\\\n',
    );
    assert.deepEqual(
      series.slice(1, 6).map(({ samples }) => samples.map(({ value }) => value)),
      values.map((value) => [value]),
    );
    for (const { samples } of series)
      assert.deepEqual(
        samples.map(({ stampMs }) => stampMs),
        [1_764_000_000_123],
      );
    if (version === 1) {
      assert.deepEqual(metadata, [
        { name: 'up', type: 2, help: 'Up.' },
        { name: 'pod_restarts_total', type: 1, help: 'Restarts of\na "pod" \\.' },
        { name: 'latency_seconds', type: 3, help: 'Latency.' },
      ]);
    } else {
      assert.deepEqual(
        [series[0], series[1], series.at(-1)].map((one) => [one?.type, one?.help]),
        [
          [2, 'Up.'],
          [1, 'Restarts of\na "pod" \\.'],
          [3, 'Latency.'],
        ],
      );
    }
  });

  test(`${version}.0: cycles with the same series write other values into the same request`, async () => {
    const writer = new RequestWriter();
    const first = snapshotOf([1, 2, 3]);
    const second = snapshotOf([4, Number.NaN, 6], first);
    const third = snapshotOf([7, 8], second);
    const keys: string[][] = [];
    const all: number[][] = [];
    for (const [index, snapshot] of [first, second, third].entries()) {
      const { series } = await written(writer, batch([plainUp, snapshot], 1000 + index), version);
      keys.push(series.map(keyOf));
      all.push(series.map(({ samples }) => samples[0]?.value ?? -1));
      assert.ok(series.every(({ samples }) => samples[0]?.stampMs === 1000 + index && !samples[0].isStale));
    }
    assert.deepEqual(keys[0], keys[1]);
    assert.deepEqual(all, [
      [1, 1, 2, 3, 3],
      [1, 4, Number.NaN, 6, 3],
      [1, 7, 8, 3],
    ]);
    assert.equal(keys[2]?.length, 4);
  });

  test(`${version}.0: requests are split by samples and by bytes, without lost or duplicate series`, async () => {
    const many = snapshotOf(Array.from({ length: 4500 }, (_, index) => index));
    const { series, sizes } = await written(new RequestWriter(), batch([plainUp, many], 5), version);
    assert.ok(sizes.every((size) => size <= 2000) && sizes.length === 4, String(sizes));
    assert.equal(new Set(series.map(keyOf)).size, 4502);
    const long = new Snapshot();
    for (let index = 0; index < 600; index++) long.add(pods, 1, `${index}-${'x'.repeat(4000)}`, 'z');
    long.close();
    for await (const { rawBytes } of new RequestWriter().write(batch([long], 5), { version, maxSamples: 2000 })) {
      assert.ok(rawBytes <= 1024 * 1024, String(rawBytes));
    }
    assert.equal((await written(new RequestWriter(), batch([long], 5), version)).series.length, 600);
  });

  test(`${version}.0: a list whose labels take several requests is encoded once, too`, async (t) => {
    const filled = (value: number, previous?: Snapshot) => {
      const out = new Snapshot(previous);
      for (let index = 0; index < 1200; index++) out.add(pods, value, `${index}-${'x'.repeat(1500)}`, 'z');
      out.close();
      return out;
    };
    const writer = new RequestWriter();
    const first = filled(1);
    assert.equal((await written(writer, batch([plainUp, first], 1000), version)).sizes.length, 3);
    const second = filled(2, first);
    const keys = t.mock.method(second.series, 'key');
    const { series } = await written(writer, batch([plainUp, second], 2000), version);
    assert.equal(keys.mock.callCount(), 0);
    assert.equal(series.length, 1201);
    assert.ok(series.slice(1).every(({ samples }) => samples[0]?.value === 2 && samples[0].stampMs === 2000));
  });

  test(`${version}.0: zeros of new counters come first, samples keep their own times, ended series get markers`, async () => {
    const snapshot = new Snapshot();
    snapshot.add(pods, 5, 'new', '');
    snapshot.addSeries(pods, 'pod_restarts_total{pod="own",Zone=""}', 6, 700);
    snapshot.close();
    const zeros = new Map([[snapshot.series.key(0), 500]]);
    const one = batch([snapshot], 1000, { zeros, ended: ['gone{pod="x"}'], samples: 3 });
    const expected = [
      [
        'new',
        [
          [0, 500, false],
          [5, 1000, false],
        ],
      ],
      ['own', [[6, 700, false]]],
      ['x', [['stale', 1000, true]]],
    ];
    const shown = (series: readonly ReceivedSeries[]) =>
      series.map(({ labels, samples }) => [
        new Map(labels).get('pod'),
        samples.map(({ value, stampMs, isStale }) => [isStale ? 'stale' : value, stampMs, isStale]),
      ]);
    const { series } = await written(new RequestWriter(), one, version);
    assert.deepEqual(shown(series), expected);
    if (version === 2) {
      // Before Prometheus 3.8, and since.
      assert.deepEqual(
        series.map(({ createdMs }) => createdMs),
        [500, 0, 0],
      );
      assert.deepEqual(
        series.map(({ samples }) => samples.map(({ startMs }) => startMs)),
        [[undefined, 500], [undefined], [undefined]],
      );
    }
    // The same from disk, where the order of series does not matter.
    const { members } = await toText(one);
    const texts = [{ members, compression: 'zstd' as const }];
    const again = await written(
      new RequestWriter(),
      { ...one, snapshots: [], ended: [], zeros: new Map(), texts },
      version,
    );
    assert.deepEqual(shown(again.series).sort(), expected);
  });
}

test('scrapes of one target in one batch are sequential requests', async () => {
  const scrape = (stampMs: number, count: number) =>
    Array.from({ length: count }, (_, index) => `pages_total{n="${index}"} ${index} ${stampMs}\n`).join('');
  const pack = async (text: string) => ({
    compression: 'zstd' as const,
    members: [zstdCompressSync(Buffer.from(text))],
  });
  const texts = [
    await pack(scrape(100, 250)),
    await pack(`${scrape(200, 250)}other{} 1 150\n`),
    await pack(scrape(300, 50)),
  ];
  const requests: { stamps: (number | undefined)[]; isLater: boolean }[] = [];
  for await (const { members, isLater } of new RequestWriter().write(batch([], 400, { texts }), {
    version: 1,
    maxSamples: 100,
  })) {
    const { series } = decodeRequest(unpackSnappy(Buffer.concat(members), 1e8), 1);
    assert.equal(new Set(series.map(keyOf)).size, series.length);
    requests.push({ stamps: [...new Set(series.map(({ samples }) => samples[0]?.stampMs))], isLater });
  }
  assert.deepEqual(
    requests.map(({ stamps, isLater }) => `${isLater ? 'then ' : ''}${stamps.join('+')}`),
    ['100', '100', '100', 'then 200', '200', '200+150', 'then 300'],
  );
});

test('snappy is decompressed to the original', () => {
  let seed = 7;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  const inputs = [Buffer.alloc(0), Buffer.from('a'), Buffer.from('abcd'), Buffer.alloc(200_000, 'ab')];
  for (const size of [3, 59, 60, 61, 255, 256, 257, 65_535, 65_536, 65_537, 300_000]) {
    inputs.push(Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256))));
    inputs.push(Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 3))));
    inputs.push(Buffer.from('pod="a",ns="b",'.repeat(size / 7)));
  }
  for (const input of inputs) assert.ok(unpackSnappy(snappy(input), 1e7).equals(input), `${input.length} bytes`);
  assert.ok(snappy(Buffer.alloc(200_000, 'abcdefgh')).length < 12_000);
});

test('labels are those of the parser, whatever is in a block', () => {
  const target = [['job', 'own'] as const, ['cluster', ''] as const];
  for (const block of [
    '',
    '{}',
    '{a="b"}',
    '{b="1",a="",job="theirs"}',
    '{a="}",b="x,y=\\"z"}',
    '{a="\\\\",b="="}',
    '{ a = "b" , }',
    '{A="",Z="1",_x="ü{}"}',
  ]) {
    const line = parseLine(`x${block} 0`);
    const own = line?.kind === 'sample' ? line.labels : [];
    const expected = new Map([...own, ...target].filter(([name]) => name !== ''));
    const [before, after] = sortedLabels(block, target);
    assert.deepEqual(
      [...before, ...after],
      [...expected].filter(([, value]) => value !== '').sort(([one], [other]) => (one < other ? -1 : 1)),
      block,
    );
  }
  for (const block of ['{a="b"', '{a="b" b="c"}', '{a="b",a="c"}', '{a="b}', '{1="b"}'])
    assert.throws(() => sortedLabels(block, target), block);
});

test('places of a snappy template can be overwritten, and nothing else changes', () => {
  const random = randomFrom('snappy template');
  for (let round = 0; round < 60; round++) {
    const placeBytes = 15;
    const parts: Buffer[] = [];
    const places: number[] = [];
    let at = 0;
    for (let part = random.below(3000); part > 0; part--) {
      const label = Buffer.from(
        `pod="p-${random.below(50)}",${'x'.repeat(random.below(90))}namespace="n${random.below(9)}"`,
      );
      places.push(at + label.length);
      // Equal numbers can match each other.
      parts.push(label, Buffer.alloc(placeBytes, random.below(2)));
      at += label.length + placeBytes;
    }
    const input = Buffer.concat(parts);
    const template = snappyTemplate(input, places, placeBytes);
    assert.equal(template.places.length, places.length);
    const packed = withPreamble(input.length, template.elements);
    assert.ok(unpackSnappy(packed, 1e7).equals(input));
    for (const [index, place] of template.places.entries()) {
      const numbers = Buffer.from(Array.from({ length: placeBytes }, () => random.below(256)));
      numbers.copy(packed, packed.length - template.elements.length + place);
      numbers.copy(input, places[index] as number);
    }
    assert.ok(unpackSnappy(packed, 1e7).equals(input));
    const more = Buffer.from('and more, and more, and more, and more');
    const both = withPreamble(input.length + more.length, template.elements, snappyElements(more));
    assert.ok(unpackSnappy(both, 1e7).subarray(input.length).equals(more));
  }
});

test('lines of our own text are read whatever their labels contain', () => {
  assert.deepEqual(readSample('a{x="} 1 {",y="\\"}"} 2.5 7'), {
    name: 'a',
    block: '{x="} 1 {",y="\\"}"}',
    value: 2.5,
    stampMs: 7,
  });
  assert.deepEqual(readSample('a 1e-7'), { name: 'a', block: '', value: 1e-7, stampMs: undefined });
  for (const [word, value] of [
    ['+Inf', Infinity],
    ['-Inf', -Infinity],
    ['NaN', Number.NaN],
  ] as const) {
    assert.deepEqual(readSample(`a ${word}`)?.value, value);
  }
  for (const line of ['', 'a', 'a x', 'a{b="c"', '{x="y"}1']) assert.equal(readSample(line), undefined, line);
  // Six bytes for them are enough until 2109; negative ones take ten.
  assert.equal(readSample(`a 1 ${2 ** 42 - 1}`)?.stampMs, 2 ** 42 - 1);
  for (const stamp of ['4398046511104', '1.79e18', '-5', 'Infinity', 'x']) {
    assert.equal(readSample(`a 1 ${stamp}`), undefined, stamp);
  }
});
