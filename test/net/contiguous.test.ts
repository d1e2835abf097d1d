import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contiguous } from '../../src/net/contiguous.ts';
import { randomFrom } from '../kit/random.ts';

test('buffers that follow each other in memory become one, without a copy', () => {
  const memory = Buffer.from('one two three four');
  const [one, two, three] = [memory.subarray(0, 4), memory.subarray(4, 8), memory.subarray(8, 14)];
  const runs = contiguous([one, two, three]);
  assert.deepEqual(runs.map(String), ['one two three ']);
  assert.equal(runs[0]?.buffer, memory.buffer);
  assert.equal(runs[0]?.byteOffset, memory.byteOffset);
});

test('a gap, another order and other memory begin a new one', () => {
  const memory = Buffer.from('one two three four');
  const [one, two, three] = [memory.subarray(0, 4), memory.subarray(4, 8), memory.subarray(8, 14)];
  // Begins at the offset at which another one ends, in other memory.
  const other = Buffer.allocUnsafeSlow(20)
    .fill('x')
    .subarray(one.byteOffset + 4, one.byteOffset + 8);
  assert.deepEqual(contiguous([one, three]).map(String), ['one ', 'three ']);
  assert.deepEqual(contiguous([two, one]).map(String), ['two ', 'one ']);
  assert.deepEqual(contiguous([one, other]).length, 2);
  assert.deepEqual(contiguous([one, one]).map(String), ['one ', 'one ']);
  assert.deepEqual(contiguous([]), []);
});

test('a single buffer stays the same object', () => {
  const alone = Buffer.alloc(10);
  assert.equal(contiguous([alone])[0], alone);
});

test('however the bytes are split, they are the same', () => {
  const random = randomFrom('pieces');
  for (let round = 0; round < 300; round++) {
    const memories = Array.from({ length: 3 }, () => Buffer.from(Array.from({ length: 64 }, () => random.below(256))));
    const pieces: Buffer[] = [];
    let at = 0;
    for (let count = random.below(20); count > 0; count--) {
      const start = random.chance(0.7) ? at : random.below(64);
      at = Math.min(64, start + random.below(10));
      pieces.push(random.pick(memories).subarray(start, at));
    }
    assert.deepEqual(Buffer.concat(contiguous(pieces)), Buffer.concat(pieces));
  }
});
