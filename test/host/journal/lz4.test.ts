import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadBlock, decodeLz4 } from '../../../src/host/journal/lz4.ts';
import { randomFrom } from '../../kit/random.ts';

/** Made by `lz4 -9` of `${'firesteel '.repeat(60)}and an end`. */
const BLOCK = Buffer.from('r2ZpcmVzdGVlbCAKAP//PaBhbmQgYW4gZW5k', 'base64');
const TEXT = `${'firesteel '.repeat(60)}and an end`;

test('a block of the lz4 program is decoded', () => {
  assert.equal(decodeLz4(BLOCK, TEXT.length).toString(), TEXT);
});

test('truncated or changed blocks are rejected, or decode to the expected size', () => {
  const random = randomFrom('lz4');
  const attempt = (block: Buffer) => {
    try {
      assert.equal(decodeLz4(block, TEXT.length).length, TEXT.length);
    } catch (cause) {
      assert.ok(cause instanceof BadBlock, String(cause));
    }
  };
  for (let length = 0; length < BLOCK.length; length++) attempt(BLOCK.subarray(0, length));
  for (let round = 0; round < 20_000; round++) {
    const block = Buffer.from(BLOCK);
    for (let change = random.below(4); change >= 0; change--) block[random.below(block.length)] = random.below(256);
    attempt(block);
  }
  assert.throws(() => decodeLz4(BLOCK, TEXT.length - 1), BadBlock);
  assert.throws(() => decodeLz4(BLOCK, TEXT.length + 1), BadBlock);
});
