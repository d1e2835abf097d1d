import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jumpHash, shardOf } from '../../../src/collectors/ksm/shard-of.ts';

test('jump hash returns the values of the Go package that kube-state-metrics uses', () => {
  const known = [
    [1n, 1, 0],
    [42n, 57, 43],
    [0xdead10ccn, 1, 0],
    [0xdead10ccn, 666, 361],
    [256n, 1024, 520],
  ] as const;
  for (const [key, buckets, bucket] of known) assert.equal(jumpHash(key, buckets), bucket);
});

test('every object has one shard, the shards are balanced, and an added shard takes from each and moves nothing else', () => {
  const uids = Array.from({ length: 3000 }, (_, index) => `5b6d0c1a-8c38-4c58-9a2c-${100_000_000_000 + index}`);
  const counts = [0, 0, 0];
  for (const uid of uids) {
    const shard = shardOf(uid, 3);
    counts[shard] = (counts[shard] ?? 0) + 1;
    const afterwards = shardOf(uid, 4);
    assert.ok(afterwards === shard || afterwards === 3);
  }
  for (const count of counts) assert.ok(count > 900 && count < 1100, String(counts));
});

test('without sharding, and for an object without uid, a shard is assigned', () => {
  assert.equal(shardOf('a', 1), 0);
  assert.ok(shardOf('', 5) < 5);
});
