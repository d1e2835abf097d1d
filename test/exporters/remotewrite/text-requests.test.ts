import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { ByteTable } from '../../../src/exporters/remotewrite/byte-table.ts';
import { MAX_LABELS, PlainLine } from '../../../src/exporters/remotewrite/plain-line.ts';
import { RequestWriter } from '../../../src/exporters/remotewrite/requests.ts';
import { readSample, type SampleBatch } from '../../../src/exporters/remotewrite/sample-batch.ts';
import { numberText } from '../../../src/metrics/text/format.ts';
import { parseLine } from '../../../src/metrics/text/parse.ts';
import { unpackSnappy } from '../../../src/receiver/remote-write.ts';
import { exporterTo, SENT } from '../../kit/exporter.ts';
import { type Random, randomFrom } from '../../kit/random.ts';
import { decodeRequest, RemoteWriteReceiver } from '../../kit/remote-write-receiver.ts';
import { until } from '../../kit/until.ts';

const TARGET = { job: 'kube-state-metrics', instance: 'ksm', labels: { cluster: 'c' } };
const MAX_SAMPLES = 500;
/** Values of all kinds that a line may have. */
const VALUES = [0, -0, 1, 1, 1, -1, 1.79e9, 0.1, -2.5e-7, 2 ** 53 - 1, 1e21, Number.NaN, Infinity, -Infinity];

/** Labels of every third series: an escape, two of the target, one without a value, one before the name. */
const ODD_LABELS = ['path="C:\\\\\\n\\""', 'job="theirs"', 'cluster=""', 'empty=""', 'Zone="x,y{z} 1"', '_a="ü = 😀"'];

function seriesOf(random: Random, count: number, prefix = 'p'): { name: string; block: string; value: number }[] {
  const names = Array.from({ length: 1 + random.below(30) }, (_, index) => `kube_pod_status_${index}`);
  return Array.from({ length: count }, (_, index) => {
    const labels = [
      `namespace="team-${random.below(5)}"`,
      `pod="${prefix}-${index}"`,
      `uid="${'x'.repeat(random.below(300))}"`,
    ];
    if (random.below(3) === 0) labels.push(ODD_LABELS[random.below(ODD_LABELS.length)] as string);
    const value = random.below(3) === 0 ? random.below(1e9) : VALUES[random.below(VALUES.length)];
    return { name: names[random.below(names.length)] as string, block: `{${labels}}`, value: value as number };
  });
}

test('a line of bytes is read with the same result as by the parser, or left to it', () => {
  const line = new PlainLine();
  const lines = [
    ...['a 1', 'a{} 1', 'a{b="c"} 1', 'a{b="c",} 1', 'a{b="c",d="e"} -1.5e-7', 'a{b="ü 😀"} +Inf', 'a:b_total{b=""} 0'],
    ...[
      '',
      ' ',
      '{',
      'a',
      'a{',
      'a{b',
      'a{b=',
      'a{b="',
      'a{b="c',
      'a{b="c"',
      'a{b="c"}',
      'a{b="c"} ',
      'a{b="c"}1',
      '{b="c"} 1',
    ],
    ...[
      'a{b="\\""} 1',
      'a{b="c" } 1',
      'a{b="c"} x',
      'a{b="c"} 1 2',
      'a{b="c"} 1_0',
      'a{="c"} 1',
      'a -',
      'a 0x',
      'a 12e',
      'a é',
    ],
    ...[
      'a 123456789012345',
      'a 1234567890123456',
      'a 99999999999999999999',
      'a -0',
      'a 007',
      'a NaN',
      'a -Inf',
      'a stale',
    ],
    `a{${Array.from({ length: MAX_LABELS }, (_, index) => `l${index}="v"`)}} 1`,
    `a{${Array.from({ length: MAX_LABELS + 1 }, (_, index) => `l${index}="v"`)}} 1`,
  ];
  const plain = lines.filter((text) => {
    // Text around a line is not part of it.
    const around = Buffer.from(`z{q="r"} 9${text}5"} 8\n`);
    const [start, end] = [10, 10 + Buffer.byteLength(text)];
    if (!line.read(around, start, end)) return false;
    const sample = readSample(text);
    assert.equal(around.toString('utf8', line.nameStart, line.nameEnd), sample?.name, text);
    assert.ok(Object.is(line.value, sample?.value), text);
    const labels = Array.from({ length: line.labels }, (_, index) => {
      const [from = 0, to, valueFrom, valueTo] = line.labelAt.subarray(4 * index, 4 * index + 4);
      return [around.toString('utf8', from, to), around.toString('utf8', valueFrom, valueTo)];
    });
    const parsed = parseLine(text);
    assert.deepEqual(labels, parsed?.kind === 'sample' ? [...parsed.labels] : [], text);
    return true;
  });
  assert.deepEqual(
    lines.filter((text) => !plain.includes(text) && readSample(text) !== undefined).map((text) => text.slice(0, 12)),
    ['a{b="c",} 1', '{b="c"} 1', 'a{b="\\""} 1', 'a{b="c" } 1', 'a{b="c"} 1 2', 'a{="c"} 1', 'a stale', 'a{l0="v",l1='],
  );
});

test('pieces of text are numbered in their order, however many there are', () => {
  const table = new ByteTable();
  const texts = Array.from({ length: 5000 }, (_, index) =>
    Buffer.from(`piece ${index % 4000} ${'x'.repeat(index % 90)}`),
  );
  texts.push(Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(0));
  for (let round = 0; round < 2; round++) {
    const numbers = new Map<string, number>();
    for (const text of texts) {
      const expected = numbers.get(text.toString()) ?? numbers.size;
      numbers.set(text.toString(), expected);
      assert.equal(
        table.numberOf(Buffer.concat([Buffer.from('a'), text, Buffer.from('b')]), 1, 1 + text.length),
        expected,
      );
    }
    assert.equal(table.size, numbers.size);
    table.clear();
  }
});

for (const version of [1, 2] as const) {
  test(`${version}.0: text without sample times is sent as the same series as any other text`, async () => {
    const random = randomFrom(`blocks ${version}`);
    const block = (series: ReturnType<typeof seriesOf>) =>
      zstdCompressSync(
        Buffer.from(series.map(({ name, block: labels, value }) => `${name}${labels} ${numberText(value)}\n`).join('')),
      );
    const header = Buffer.from(
      Array.from(
        { length: 30 },
        (_, index) =>
          `# HELP kube_pod_status_${index} About ${random.below(1e9)}.\n# TYPE kube_pod_status_${index} gauge\n`,
      ).join(''),
    );
    // Families with many series, with more than fit into a request, and with one.
    const members = [
      zstdCompressSync(header),
      ...[250, 700, 1, 180, 150].map((count) => block(seriesOf(random, count, `p${count}`))),
    ];
    const writer = new RequestWriter();
    const same = members.map((member) => Buffer.from(member));
    for (let time = 0; time < 4; time++) {
      if (time === 2) await begun(writer, [{ compression: 'zstd', members, isKept: true }], version);
      const stampMs = 1.79e12 + time * 60_000;
      const texts = (isKept: boolean) => [{ compression: 'zstd' as const, members: isKept ? members : same, isKept }];
      const kept = await written(writer, stampMs, texts(true), version);
      const fresh = await written(new RequestWriter(), stampMs, texts(false), version);
      assert.deepEqual(
        kept.sizes.filter((size) => size > MAX_SAMPLES),
        [],
      );
      assert.deepEqual(kept.series, fresh.series);
      assert.deepEqual(kept.metadata, fresh.metadata);
      if (time !== 1) continue;
      members[4] = block(seriesOf(random, 160, 'new'));
      same[4] = Buffer.from(members[4]);
    }
  });
}

test('scrapes have their own times, however large they are', async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  const { exporter, counted } = await exporterTo(receiver.url, {}, 'remotewrite');
  exporter.start();
  t.after(() => exporter.close(0));
  const random = randomFrom('scrapes');
  const uids = Array.from({ length: 500 }, () => random.below(1e9));
  const pageAt = (stampMs: number) =>
    zstdCompressSync(Buffer.from(uids.map((uid) => `page_total{uid="${uid}"} ${stampMs} ${stampMs}\n`).join('')));
  const members = [pageAt(1000), pageAt(2000)];
  const prepared = [{ encoding: 'zstd' as const, members, textBytes: 1, samples: 1000 }];
  exporter.deliverSamples?.({ group: 'scrape', stampMs: 3000, snapshots: [], births: [], prepared });
  await until(async () => (await counted(SENT)) === 1000);
  assert.deepEqual(receiver.violations, []);
  const stamps = [...receiver.stored.values()].map((samples) => samples.map(({ stampMs }) => stampMs).join());
  assert.equal(stamps.length, new Set(uids).size);
  assert.ok(stamps.every((own) => own === '1000,2000'));
});

/** A batch that is dropped after its first request. */
async function begun(writer: RequestWriter, texts: SampleBatch['texts'], version: 1 | 2): Promise<void> {
  const requests = writer.write(batchOf(1.79e12, texts), { version, maxSamples: MAX_SAMPLES });
  assert.equal((await requests.next()).done, false);
  await requests.return(undefined);
}

const batchOf = (stampMs: number, texts: SampleBatch['texts']): SampleBatch => ({
  ...{ group: 'ksm', stampMs, target: TARGET, snapshots: [], texts, ended: [], zeros: new Map(), samples: 1, bytes: 0 },
});

/** Series by their labels, and the descriptions of families, once each. */
async function written(writer: RequestWriter, stampMs: number, texts: SampleBatch['texts'], version: 1 | 2) {
  const series = new Map<string, unknown>();
  const metadata = new Map<string, unknown>();
  const sizes: number[] = [];
  for await (const { members, rawBytes, samples } of writer.write(batchOf(stampMs, texts), {
    version,
    maxSamples: MAX_SAMPLES,
  })) {
    const raw = unpackSnappy(Buffer.concat(members), 1e8);
    assert.equal(raw.length, rawBytes);
    const decoded = decodeRequest(raw, version);
    sizes.push(samples);
    assert.equal(decoded.series.length, samples);
    for (const one of decoded.series) {
      const key = JSON.stringify(one.labels);
      assert.ok(!series.has(key), key);
      series.set(key, one);
    }
    for (const one of decoded.metadata) metadata.set((one as { name: string }).name, one);
  }
  const sorted = (map: Map<string, unknown>) => [...map].sort(([one], [other]) => (one < other ? -1 : 1));
  return { series: sorted(series), metadata: sorted(metadata), sizes };
}
