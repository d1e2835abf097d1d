import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import type { Protocol } from '../../src/exporters/delivery/protocol.ts';
import { rewriteBatch } from '../../src/exporters/delivery/rewritten-batch.ts';
import type { Batch } from '../../src/exporters/exporter.ts';
import { compressor } from '../../src/metrics/compression.ts';

const TARGET = { labels: {} };
const GZIP_HEADER_BYTES = 10;

/** As receivers decode it that ignore what follows the first member. */
const firstMember = (body: Buffer): string => inflateRawSync(body.subarray(GZIP_HEADER_BYTES)).toString();

/** A batch of these parts. */
const batchOf = (parts: readonly string[]): Batch => ({
  group: 'node',
  stampMs: 0,
  samples: parts.length,
  encoding: 'gzip',
  textBytes: parts.join('').length,
  members: parts.map((part) => compressor('gzip').packSync(Buffer.from(part))),
});

/** Rewrites parts in upper case; nothing is left of one that starts with `-`. */
const rewrite: Protocol['rewrite'] = (text) => ({
  text: Buffer.from(text[0] === '-'.charCodeAt(0) ? '' : text.toString().toUpperCase()),
  omitted: 0,
});

const rewritten = (
  parts: readonly string[],
  envelope: Protocol['envelope'],
  compression: 'gzip' | 'zstd' | 'none' = 'gzip',
) => rewriteBatch(batchOf(parts), TARGET, { rewrite, envelope }, compression, AbortSignal.timeout(60_000));

const LARGE = Array.from({ length: 6000 }, (_, index) => `series_${index * 7919} ${index}\n`).join('');
const PARTS: readonly (readonly [what: string, parts: readonly string[], left: readonly string[]])[] = [
  ['one part', ['a'], ['A']],
  ['several parts', ['a', 'b', LARGE, 'c'], ['A', 'B', LARGE.toUpperCase(), 'C']],
  ['equal parts', [LARGE, LARGE], [LARGE.toUpperCase(), LARGE.toUpperCase()]],
  ['parts of which nothing is left', ['-', 'a', '-', 'b', '-'], ['A', 'B']],
];
const ENVELOPES = [undefined, { start: '[', between: ',', end: ']' }, { start: '', between: ';', end: '' }];

for (const [what, parts, left] of PARTS) {
  test(`with gzip, ${what} become one member, and with zstd and without compression the same text`, async () => {
    for (const envelope of ENVELOPES) {
      const { start = '', between = '', end = '' } = envelope ?? {};
      const text = start + left.join(between) + end;
      const { members, textBytes } = await rewritten(parts, envelope);
      const body = Buffer.concat(members);
      assert.equal(firstMember(body), text);
      // Checks the checksum and the length.
      assert.equal(gunzipSync(body).toString(), text);
      assert.equal(textBytes, text.length);
      const zstd = await rewritten(parts, envelope, 'zstd');
      assert.equal(zstdDecompressSync(Buffer.concat(zstd.members)).toString(), text);
      const none = await rewritten(parts, envelope, 'none');
      assert.equal(Buffer.concat(none.members).toString(), text);
    }
  });
}

test('of a batch of which nothing is left there is no member, whatever the envelope', async () => {
  for (const compression of ['gzip', 'zstd', 'none'] as const) {
    for (const envelope of ENVELOPES) {
      assert.deepEqual((await rewritten(['-', '-'], envelope, compression)).members, []);
    }
  }
});

test('a piece does not retain a buffer of zlib', async () => {
  const { members } = await rewritten(['a', 'b'], undefined);
  const [, second] = members;
  assert.equal(second?.buffer.byteLength, second?.length);
});
