// Which of several agents reports an object, determined as in kube-state-metrics: FNV-1a of the uid, then jump
// consistent hash (https://arxiv.org/abs/1406.2294), so that adding a shard moves as few objects as possible.
import { fnv1a64 } from '../../base/fnv.ts';

/** The shard, from 0, of the object with this uid, or of the custom resource with this name, among `totalShards`. */
export function shardOf(id: string, totalShards: number): number {
  return totalShards <= 1 ? 0 : jumpHash(fnv1a64(id), totalShards);
}

const JUMP_FACTOR = 2862933555777941757n;

/** The bucket, from 0, of `key` among `buckets`. */
export function jumpHash(key: bigint, buckets: number): number {
  let state = key;
  let bucket = -1;
  for (let next = 0; next < buckets; ) {
    bucket = next;
    state = BigInt.asUintN(64, state * JUMP_FACTOR + 1n);
    next = Math.floor((bucket + 1) * (2 ** 31 / (Number(state >> 33n) + 1)));
  }
  return bucket;
}
