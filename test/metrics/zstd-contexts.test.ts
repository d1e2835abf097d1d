import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ZstdContexts } from '../../src/metrics/zstd-contexts.ts';

const PARAMETERS = { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_windowLog]: 17 };

const opened = (): ZstdContexts => {
  const contexts = ZstdContexts.open(PARAMETERS);
  assert.ok(contexts, 'this Node.js exports zstd');
  return contexts;
};

const linesOf = (bytes: number): Buffer =>
  Buffer.from(
    Array.from({ length: bytes / 20 + 1 }, (_, line) => `reads_total{disk="${line}"} ${line * 7919}\n`).join(''),
  ).subarray(0, bytes);

test('contexts that are used again make the same frames as node:zlib, in any order of sizes', () => {
  const contexts = opened();
  for (const bytes of [20_000, 0, 114_688, 1, 131_072, 77, 114_688]) {
    const text = linesOf(bytes);
    const frame = Buffer.from(contexts.pack(text));
    assert.ok(frame.equals(zstdCompressSync(text, { params: PARAMETERS })), `${bytes} bytes`);
    const room = Buffer.alloc(bytes + 10);
    assert.equal(contexts.unpack(frame, room), bytes);
    assert.ok(room.subarray(0, bytes).equals(text));
  }
});

test('a text longer than a block is packed as well', () => {
  const contexts = opened();
  const text = linesOf(400_000);
  assert.ok(zstdDecompressSync(contexts.pack(text)).equals(text));
});

test('several frames are unpacked as one text', () => {
  const contexts = opened();
  const frames = Buffer.concat(['a 1\n', 'b 2\n'].map((text) => zstdCompressSync(text)));
  const room = Buffer.alloc(100);
  assert.equal(room.toString('utf8', 0, contexts.unpack(frames, room)), 'a 1\nb 2\n');
});

test('damaged frames and texts that do not fit are errors, after which the contexts work', () => {
  const contexts = opened();
  const text = linesOf(50_000);
  const frame = Buffer.from(contexts.pack(text));
  const room = Buffer.alloc(text.length);
  const guard = Buffer.alloc(8, 0xa5);
  const small = Buffer.concat([Buffer.alloc(text.length - 1), guard]);
  assert.throws(() => contexts.unpack(frame, small.subarray(0, text.length - 1)), /zstd failed with its error 70/);
  assert.ok(small.subarray(-guard.length).equals(guard));
  assert.throws(() => contexts.unpack(frame.subarray(0, -1), room), /zstd failed/);
  assert.throws(() => contexts.unpack(Buffer.from('not a frame of zstd'), room), /zstd failed/);
  assert.equal(contexts.unpack(frame, room), text.length);
  assert.ok(zstdDecompressSync(contexts.pack(text)).equals(text));
});

test('parameters that zstd does not know mean node:zlib', () => {
  assert.equal(ZstdContexts.open({ 12345: 1 }), undefined);
});
