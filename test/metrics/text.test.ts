import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { compressEach } from '../../src/metrics/compression.ts';
import { counter, type Family, gauge } from '../../src/metrics/family.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { encodeByFamily, encodeByObject } from '../../src/metrics/text/encoder.ts';
import { escapeLabelValue, numberText } from '../../src/metrics/text/format.ts';
import { samplesOf } from '../kit/samples.ts';

const reads = counter('disk_reads_total', 'Reads\nof a \\ disk.', ['device']);
const size = gauge('disk_size_bytes', 'Size.', ['device']);

function twoDisks(): Snapshot {
  const out = new Snapshot();
  for (const device of ['sda', 'sdb']) {
    out.add(reads, 1, device);
    out.add(size, 2.5, device);
  }
  return out;
}

const textOf = (chunks: Iterable<Buffer>) => Array.from(chunks, String).join('');

test('text has all headers first, each once, and the samples of an object together', () => {
  assert.equal(
    textOf(encodeByObject([twoDisks()])),
    `# HELP disk_reads_total Reads\\nof a \\\\ disk.
# TYPE disk_reads_total counter
# HELP disk_size_bytes Size.
# TYPE disk_size_bytes gauge
disk_reads_total{device="sda"} 1
disk_size_bytes{device="sda"} 2.5
disk_reads_total{device="sdb"} 1
disk_size_bytes{device="sdb"} 2.5
`,
  );
});

test('texts written concurrently, or after an aborted one, do not mix', () => {
  const many = (name: string) => {
    const out = new Snapshot();
    const family = gauge(name, 'Many.', ['device']);
    for (let index = 0; index < 3000; index++) {
      out.addParts(family, name, `{device="${name} ${index}é"`, index % 2 === 0 ? '}' : ',more="ü"}', index);
    }
    return out;
  };
  const [one, other] = [many('ones'), many('others')];
  const alone = [one, other].map((out) => textOf(encodeByObject([out])));
  for (const _ of encodeByObject([other])) break;
  const both = [encodeByObject([one]), encodeByObject([other])];
  const texts = ['', ''];
  for (let open = 2; open > 0; ) {
    open = 0;
    for (const [index, chunks] of both.entries()) {
      const next = chunks.next();
      if (next.done === true) continue;
      open++;
      texts[index] += String(next.value);
    }
  }
  assert.deepEqual(texts, alone);
});

test('/metrics has the samples of a family together', () => {
  assert.equal(
    textOf(encodeByFamily([twoDisks()])),
    `# HELP disk_reads_total Reads\\nof a \\\\ disk.
# TYPE disk_reads_total counter
disk_reads_total{device="sda"} 1
disk_reads_total{device="sdb"} 1
# HELP disk_size_bytes Size.
# TYPE disk_size_bytes gauge
disk_size_bytes{device="sda"} 2.5
disk_size_bytes{device="sdb"} 2.5
`,
  );
});

test('numbers read back as the same double, without an exponent where a cut could raise them', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [-0, '0'],
    [1e6, '1000000'],
    [1795224820131, '1795224820131'],
    [2 ** 64, '18446744073709552000'],
    [0.000015, '0.000015'],
    [1.5e-7, '1.5e-7'],
    [0.1 + 0.2, '0.30000000000000004'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [Number.NaN, 'NaN'],
  ];
  for (const [value, text] of cases) {
    assert.equal(numberText(value), text);
    assert.equal([...samplesOf(`m ${text}\n`).values()][0], value === 0 ? 0 : value);
  }
});

test('the encoder writes numbers like numberText, whatever their size, and text of any length as UTF-8', () => {
  const values = [0, -0, 7, 10, 99, 100, 2 ** 31, 2 ** 32 - 1, 1e15, 1e16, 2 ** 53 - 1, 2 ** 53, 1e21, -1, -12.5, 0.1];
  for (let power = 0; power < 53; power++) values.push(2 ** power - 1, 2 ** power + 1);
  for (let power = 0; power < 16; power++) values.push(10 ** power - 1, 10 ** power, 10 ** power + 1);
  const out = new Snapshot();
  for (const [index, value] of values.entries()) out.addSeries(size, `m{i="${index}"}`, value);
  out.addSeries(size, `m{i="${'ü🔥'.repeat(100_000)}"}`, 1);
  const lines = textOf(encodeByObject([out]))
    .split('\n')
    .slice(2, -1);
  assert.deepEqual(
    lines,
    out.keys.map((key, index) => `${key} ${numberText(out.values[index] as number)}`),
  );
});

test('a cycle with the same series shares the list of the last one, and one with others has its own', () => {
  const first = twoDisks();
  first.close();
  const same = new Snapshot(first);
  for (const [index, key] of first.keys.entries()) same.addSeries(first.series.owners[index] as Family, key, index);
  same.close();
  assert.equal(same.series, first.series);
  assert.deepEqual([...same.values], [0, 1, 2, 3]);
  const fewer = new Snapshot(same);
  fewer.add(reads, 5, 'sda');
  fewer.close();
  assert.deepEqual(fewer.keys, ['disk_reads_total{device="sda"}']);
  assert.deepEqual([...fewer.families.keys()], ['disk_reads_total']);
  const other = new Snapshot(same);
  other.add(reads, 5, 'sda');
  other.add(reads, 6, 'sdc');
  other.add(reads, 7, 'sda');
  assert.deepEqual(other.keys, ['disk_reads_total{device="sda"}', 'disk_reads_total{device="sdc"}']);
  assert.match(String(other.errors[0]), /duplicate series/);
  const more = new Snapshot(same);
  for (const [index, key] of first.keys.entries()) more.addSeries(first.series.owners[index] as Family, key, index);
  more.add(reads, 5, 'sda');
  more.add(size, 5, 'sdc');
  assert.deepEqual([more.size, more.errors.length], [5, 1]);
  // None of them changed the list of the others.
  assert.deepEqual([first.size, first.series.owners.length, same.keys.length], [4, 4, 4]);
});

test('keys in parts are concatenated, and remain distinct', () => {
  const out = new Snapshot();
  for (const tail of ['}', ',cpu="0"}', '}']) out.addParts(reads, 'disk_reads_total', '{device="ä"', tail, 1);
  assert.deepEqual(out.keys, ['disk_reads_total{device="ä"}', 'disk_reads_total{device="ä",cpu="0"}']);
  assert.match(String(out.errors[0]), /duplicate series disk_reads_total\{device="ä"\}/);
  assert.match(textOf(encodeByFamily([out])), /^disk_reads_total\{device="ä",cpu="0"\} 1$/m);
  assert.deepEqual(out.without(new Set(['disk_reads_total'])).keys, []);
  assert.deepEqual(out.without(new Set()).keys, out.keys);
});

test('label values are escaped and always UTF-8', () => {
  assert.equal(escapeLabelValue('C:\\a "b"\nc'), 'C:\\\\a \\"b\\"\\nc');
  assert.equal(escapeLabelValue('Grüße 🔥'), 'Grüße 🔥');
  assert.equal(escapeLabelValue('half \ud83d'), 'half \ufffd');
});

test('large texts become gzip members of about 112 KiB that end at a line', async () => {
  const out = new Snapshot();
  for (let index = 0; index < 10_000; index++) out.add(reads, index, `disk-${index}`);
  const chunks = Array.from(encodeByObject([out]), (chunk) => Buffer.from(chunk));
  assert.ok(chunks.length > 3);
  for (const chunk of chunks) {
    assert.ok(chunk.length < 128 * 1024);
    assert.equal(chunk.at(-1), 10);
  }
  const { members, textBytes } = (await compressEach(chunks, ['gzip'], 0)).get('gzip') ?? { members: [] };
  const text = gunzipSync(Buffer.concat(members));
  assert.equal(text.length, textBytes);
  assert.deepEqual(text, Buffer.concat(chunks));
});

test('a duplicate sample is dropped and reported, because receivers reject the whole batch for it', () => {
  const out = twoDisks();
  out.add(reads, 7, 'sda');
  assert.equal(out.size, 4);
  assert.match(String(out.errors[0]), /duplicate series disk_reads_total\{device="sda"\}/);
});
