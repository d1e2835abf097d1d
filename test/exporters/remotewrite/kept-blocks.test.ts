import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import type { Batch } from '../../../src/exporters/remotewrite/batch.ts';
import { isLarge } from '../../../src/exporters/remotewrite/block-requests.ts';
import { requestBuilder } from '../../../src/exporters/remotewrite/builder.ts';
import { STAMP_AT, stampBytes } from '../../../src/exporters/remotewrite/bytes.ts';
import { targetLabels } from '../../../src/exporters/remotewrite/labels.ts';
import { RequestWriter } from '../../../src/exporters/remotewrite/requests.ts';
import { withPreamble } from '../../../src/exporters/remotewrite/snappy.ts';
import { restamp, snappyStamped } from '../../../src/exporters/remotewrite/snappy-template.ts';
import { numberText } from '../../../src/metrics/text/format.ts';
import { unpackSnappy } from '../../../src/receiver/remote-write.ts';
import { exporterTo, SENT, until } from '../../kit/exporter.ts';
import { type Random, randomFrom } from '../../kit/random.ts';
import { decodeRequest, RemoteWriteReceiver } from '../../kit/remote-write-receiver.ts';

const TARGET = { job: 'kube-state-metrics', instance: 'ksm', labels: { cluster: 'c' } };
const MAX_SAMPLES = 500;
const LATEST_MS = 2 ** 42 - 1;

/** Values whose bytes are those of a timestamp, and others. */
const bytesLikeStamp = Buffer.from('8080808080008080', 'hex').readDoubleLE();
const sampleValue = (random: Random): number =>
  [0, 1, 1, 1, -1, 1.79e9, 0.1, bytesLikeStamp, Number.NaN, Infinity, random.below(1e9)][random.below(11)] as number;

function seriesOf(random: Random, count: number, prefix = 'p'): { name: string; block: string; value: number }[] {
  const names = Array.from({ length: 1 + random.below(30) }, (_, index) => `kube_pod_status_${index}`);
  return Array.from({ length: count }, (_, index) => {
    const labels = [
      `namespace="team-${random.below(5)}"`,
      `pod="${prefix}\\"-${index}"`,
      `uid="${'\u0080'.repeat(random.below(12))}"`,
    ];
    if (random.below(3) === 0) labels.push(`Zone="${'x'.repeat(random.below(300))}"`, 'empty=""');
    return { name: names[random.below(names.length)] as string, block: `{${labels}}`, value: sampleValue(random) };
  });
}

const timeOf = (random: Random): number =>
  [0, LATEST_MS, 1.79e12 + random.below(1e9), random.below(2 ** 31)][random.below(4)] as number;

for (const version of [1, 2] as const) {
  test(`${version}.0: compressed samples with another time are what encoding at that time gives`, () => {
    const random = randomFrom(`stamps ${version}`);
    for (let round = 0; round < 12; round++) {
      const series = seriesOf(random, 1 + random.below(700));
      const encodedAt = (stampMs: number) => {
        const builder = requestBuilder(version, targetLabels(TARGET));
        for (const one of series) builder.add({ ...one, facts: undefined, stampMs });
        return builder.take();
      };
      const { content, sampleAt } = encodedAt(timeOf(random));
      const kept = snappyStamped(
        content,
        sampleAt.map((at) => at + STAMP_AT),
      );
      assert.ok(kept.elements.length < content.length);
      for (let times = 0; times < 3; times++) {
        const stampMs = timeOf(random);
        restamp(kept, stampBytes(stampMs));
        const raw = unpackSnappy(withPreamble(kept.inputBytes, kept.elements), 1e8);
        assert.ok(raw.equals(encodedAt(stampMs).content), `round ${round}, ${series.length} series at ${stampMs}`);
      }
    }
  });

  test(`${version}.0: blocks that are sent again have the same series and values, and the time of their batch`, async () => {
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
    // Of many series, of more than a request takes, and of one.
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
      // What is kept is not read again.
      for (const index of [1, 2, 5]) members[index]?.fill(0);
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
  assert.ok(members.every(isLarge));
  const prepared = [{ encoding: 'zstd' as const, members, textBytes: 1, samples: 1000 }];
  exporter.deliverSamples?.({ group: 'scrape', stampMs: 3000, snapshots: [], births: [], prepared });
  await until(async () => (await counted(SENT)) === 1000);
  assert.deepEqual(receiver.violations, []);
  const stamps = [...receiver.stored.values()].map((samples) => samples.map(({ stampMs }) => stampMs).join());
  assert.equal(stamps.length, new Set(uids).size);
  assert.ok(stamps.every((own) => own === '1000,2000'));
});

/** A batch that is given up after its first request. */
async function begun(writer: RequestWriter, texts: Batch['texts'], version: 1 | 2): Promise<void> {
  const requests = writer.write(batchOf(1.79e12, texts), { version, maxSamples: MAX_SAMPLES });
  assert.equal((await requests.next()).done, false);
  await requests.return(undefined);
}

const batchOf = (stampMs: number, texts: Batch['texts']): Batch => ({
  ...{ group: 'ksm', stampMs, target: TARGET, snapshots: [], texts, ended: [], zeros: new Map(), samples: 1, bytes: 0 },
});

/** Series by their labels, and the descriptions of families, once each. */
async function written(writer: RequestWriter, stampMs: number, texts: Batch['texts'], version: 1 | 2) {
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
