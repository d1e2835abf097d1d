import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { packingOf, ZSTD_BLOCK_BYTES } from '../../../src/collectors/ksm/store/packing.ts';
import { TextArena } from '../../../src/collectors/ksm/store/text-arena.ts';

const UNPACK = { gzip: gunzipSync, zstd: zstdDecompressSync };

const lines = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, row) => `kube_pod_info{pod="größe-${row}"} ${row}\n`).join(''));

for (const compression of ['gzip', 'zstd'] as const) {
  describe(compression, () => {
    const packing = packingOf(compression);

    test('text of any size round-trips, in its own memory', () => {
      for (const count of [1, 3, 100, 3000, 3700, 20_000]) {
        const text = lines(count);
        const packed = packing.pack(text);
        assert.deepEqual(packing.unpack(packed, text.length), text);
        assert.equal(packed.buffer.byteLength, packed.length);
      }
    });

    test('concatenated packed texts are one body of the same lines', () => {
      const texts = [lines(3), lines(8000), lines(1)];
      const body = UNPACK[compression](Buffer.concat(texts.map((text) => packing.pack(text)))).toString();
      const samples = body.split(/(?<=\n)/).filter((line) => !line.startsWith('#'));
      assert.equal(samples.join(''), Buffer.concat(texts).toString());
    });

    test('a line longer than a block is not split', () => {
      const text = Buffer.from(`a{x="${'y'.repeat(2 * ZSTD_BLOCK_BYTES)}"} 1\nb 2\n`);
      assert.deepEqual(packing.unpack(packing.pack(text), text.length), text);
    });
  });
}

test('texts in an arena are unchanged until they are released, and its memory is reused', () => {
  const arena = new TextArena();
  const held = new Map(
    Array.from({ length: 500 }, (_, index) => [index, arena.hold(Buffer.from(`${index}ä`.repeat(1000)))]),
  );
  const large = arena.hold(Buffer.from('x'.repeat(1024 * 1024)));
  for (let index = 500; index < 5000; index++) {
    const oldest = held.get(index - 500) ?? assert.fail();
    assert.equal(oldest.text.toString(), `${index - 500}ä`.repeat(1000));
    arena.release(oldest);
    held.delete(index - 500);
    held.set(index, arena.hold(Buffer.from(`${index}ä`.repeat(1000))));
  }
  assert.equal(large.text.length, 1024 * 1024);
  assert.ok(new Set([...held.values()].map(({ chunk }) => chunk)).size <= 18);
});
