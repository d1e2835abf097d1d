import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { LineBuffer } from '../../src/scrape/line-buffer.ts';
import { Packer } from '../../src/scrape/packer.ts';
import { randomFrom } from '../kit/random.ts';

/** Blocks of a frame (RFC 8878 §3.1.1) as their types; 0 is raw. */
function blocksOf(frame: Buffer): number[] {
  const descriptor = frame[4] ?? 0;
  const sizeBytes = [(descriptor & 0x20) === 0 ? 0 : 1, 2, 4, 8][descriptor >> 6] ?? 0;
  const types: number[] = [];
  for (let at = 5 + ((descriptor & 0x20) === 0 ? 1 : 0) + sizeBytes; at < frame.length; ) {
    const header = frame.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    types.push(type);
    at += 3 + (type === 1 ? 1 : header >> 3);
    if ((header & 1) === 1) return types;
  }
  throw new Error('the frame has no last block');
}

test('each block of lines becomes one compressed zstd block, whatever its length, also several at once', async () => {
  const random = randomFrom('packer');
  const packer = new Packer();
  const texts = Array.from({ length: 300 }, (_, index) => {
    const lines = 1 + random.below(index % 3 === 0 ? 1500 : 30);
    const line = () => `m_${random.below(20)}{id="${random.below(1e9).toString(16).repeat(6)}"} ${random.below(1e9)}\n`;
    return Buffer.from(Array.from({ length: lines }, line).join(''));
  });
  assert.ok(texts.some(({ length }) => length > 90_000) && texts.every(({ length }) => length < 128 * 1024));
  const many = texts.slice(0, 8);
  const together = await packer.pack(many);
  assert.deepEqual([...new Set(blocksOf(together))], [2]);
  assert.ok(blocksOf(together).length >= many.length);
  assert.ok(zstdDecompressSync(together).equals(Buffer.concat(many)));
  // Too short to be compressed: each gets a frame and a comment.
  const short = [Buffer.from('a 1\n'), Buffer.from('b 2\n')];
  assert.match(zstdDecompressSync(await packer.pack(short)).toString(), /^a 1\n#-+\nb 2\n#-+\n$/);
  const members = await Promise.all(texts.map((text) => packer.pack([text])));
  for (const [index, member] of members.entries()) {
    const text = texts[index] as Buffer;
    const blocks = blocksOf(member);
    assert.equal(blocks.length, 1);
    assert.notEqual(blocks[0], 0);
    const plain = zstdDecompressSync(member);
    assert.ok(plain.subarray(0, text.length).equals(text));
    assert.match(plain.subarray(text.length).toString(), /^(?:#-+\n)?$/);
    // It retains no other memory.
    assert.equal(member.buffer.byteLength, member.length);
  }
});

test('lines stay complete and in order, whatever their lengths', () => {
  const random = randomFrom('lines');
  const buffer = new LineBuffer();
  const expected: string[] = [];
  const taken: Buffer[] = [];
  for (let index = 0; index < 4000; index++) {
    const line = `${index} ${'x'.repeat(random.below(index % 500 === 0 ? 70_000 : 100))}\n`;
    expected.push(line);
    const bytes = Buffer.from(line);
    if (index % 2 === 0) buffer.add(line);
    else {
      buffer.reserve(bytes.length);
      buffer.put(bytes, 0, bytes.length);
    }
    for (const block of buffer.takeFull()) {
      taken.push(Buffer.from(block));
      block.fill(0);
      buffer.giveBack(block);
    }
  }
  taken.push(...buffer.takeAll());
  assert.ok(taken.length > 2);
  for (const block of taken) assert.equal(block.at(-1), 10);
  assert.equal(Buffer.concat(taken).toString(), expected.join(''));
});
