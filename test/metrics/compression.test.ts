import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type Compression, compressEach, compressor, transcode, transcodeKept } from '../../src/metrics/compression.ts';

const SHORT = 'boots{slot="q7"} 123456789\n';
const LONG = Array.from({ length: 800 }, (_, index) => `reads_total{device="disk-${index}"} ${index * 7919}\n`).join(
  '',
);

for (const compression of ['zstd', 'gzip'] satisfies Compression[]) {
  test(`${compression} members are decompressed to the original, also several in a row`, async () => {
    const { pack, packSync, unpack, unpackSync } = compressor(compression);
    for (const text of [SHORT, LONG]) {
      const member = await pack(Buffer.from(text));
      assert.equal(unpackSync(member, text.length).toString(), text);
      assert.equal(unpackSync(packSync(Buffer.from(text)), text.length).toString(), text);
    }
    const two = Buffer.concat([await pack(Buffer.from(LONG)), await pack(Buffer.from(SHORT))]);
    assert.ok((await unpack(two)).toString().startsWith(LONG + SHORT));
  });
}

test('memory of compressed text needs no full collection', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: object) => void;
  const text = Buffer.from(LONG);
  for (const compression of ['zstd', 'gzip'] satisfies Compression[]) {
    collect();
    const before = process.memoryUsage().arrayBuffers;
    let bytes = 0;
    for (let count = 0; count < 200; count++) bytes += compressor(compression).packSync(text).length;
    // Objects move to the old generation when they survive the second collection.
    for (let count = 0; count < 2; count++) collect({ type: 'minor' });
    const { arrayBuffers } = process.memoryUsage();
    assert.ok(arrayBuffers - before <= bytes, `${compression}: ${arrayBuffers - before} bytes for ${bytes}`);
  }
});

test('a zstd member truncated anywhere yields complete lines or nothing, as soon as its decoder has them', async () => {
  const { pack } = compressor('zstd');
  for (const text of ['a 1\n', SHORT, LONG]) {
    const member = await pack(Buffer.from(text));
    for (let cut = 0; cut < member.length; cut++) {
      const whole = decodedOf(member.subarray(0, cut));
      assert.ok(whole === '' || whole.endsWith('\n'), `${cut} of ${member.length} bytes: ${whole.slice(-40)}`);
    }
  }
});

/** The output of a streaming decoder for the first part of a frame. */
function decodedOf(part: Buffer): string {
  try {
    return zstdDecompressSync(part, { finishFlush: constants.ZSTD_e_flush }).toString();
  } catch {
    return '';
  }
}

test('stamped lines end with the time of collection, no prefix of which is a current time', async () => {
  const text = Buffer.from('# HELP m Ünïcode.\n# TYPE m gauge\nm{a="ü"} 1\n\nm{a="b"} 2.5\n');
  const stampMs = 1_795_265_312_769;
  const stamped = (await compressEach([text], ['gzip-stamped'], stampMs)).get('gzip-stamped');
  assert.equal(stamped?.textBytes, text.length);
  const lines = gunzipSync(Buffer.concat(stamped.members)).toString().split('\n');
  assert.deepEqual(lines.slice(0, 2), ['# HELP m Ünïcode.', '# TYPE m gauge']);
  const written = lines[2]?.split(' ').at(-1) ?? '';
  assert.equal(lines[2], `m{a="ü"} 1 ${written}`);
  assert.equal(lines[4], `m{a="b"} 2.5 ${written}`);
  assert.equal(Math.trunc(Number(written)), stampMs);
  for (let length = 1; length < written.length; length++) {
    const beginning = Number(written.slice(0, length));
    assert.ok(Number.isNaN(beginning) || beginning < 1000, `${beginning} seconds`);
  }
});

test('one text is compressed once per encoding, and cached members are transcoded for another one', async () => {
  const chunks = [Buffer.from(LONG), Buffer.from(SHORT)];
  const made = await compressEach(chunks, ['zstd', 'gzip'], 5);
  assert.deepEqual([...made.keys()], ['zstd', 'gzip']);
  const zstd = made.get('zstd')?.members ?? [];
  assert.equal(await transcode(zstd, 'zstd', 'zstd', 5), zstd);
  const again = await transcode(zstd.slice(0, 1), 'zstd', 'gzip', 5);
  assert.equal(gunzipSync(Buffer.concat(again)).toString(), LONG);
  await assert.rejects(transcode(zstd, 'zstd', 'gzip', 5, AbortSignal.abort()), { name: 'AbortError' });
});

test('cached members are transcoded once, and returned unchanged if nothing has changed', async () => {
  const zstd = compressor('zstd');
  const members = [await zstd.pack(Buffer.from('a 1\n')), await zstd.pack(Buffer.from('b 2\n'))];
  const first = await transcodeKept(members, 'zstd', 'gzip');
  assert.equal(
    gunzipSync(Buffer.concat(first))
      .toString()
      .replaceAll(/^#.*\n/gm, ''),
    'a 1\nb 2\n',
  );
  const changed = await transcodeKept([members[0] as Buffer, await zstd.pack(Buffer.from('b 3\n'))], 'zstd', 'gzip');
  assert.equal(changed[0], first[0]);
  assert.notEqual(changed[1], first[1]);
  assert.equal(await transcodeKept(members, 'zstd', 'zstd'), members);
});

test('compressed data has its own memory, however small it is', async () => {
  const text = Buffer.from('a 1\n'.repeat(100));
  for (const compression of ['zstd', 'gzip'] as const) {
    const { pack, packSync } = compressor(compression);
    for (const member of [packSync(text), await pack(text), packSync(Buffer.from('a 1\n'))])
      assert.equal(member.buffer.byteLength, member.length);
  }
});
