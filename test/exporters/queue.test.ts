import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryQueue } from '../../src/exporters/delivery/queue.ts';
import type { Batch } from '../../src/exporters/exporter.ts';
import type { Group } from '../../src/metrics/group.ts';

const batch = (stampMs: number, bytes = 10, group: Group = 'node'): Batch => ({
  group,
  stampMs,
  encoding: 'gzip',
  members: [Buffer.alloc(bytes)],
  textBytes: bytes,
  samples: 1,
});
const stamps = (batches: readonly Batch[]) => batches.map(({ stampMs }) => stampMs);

test('the newest batch of a group is sent first, the oldest is dropped beyond the limit', () => {
  const queue = new MemoryQueue({ cycles: 3, bytes: 1000 });
  for (const stamp of [1, 2, 4]) assert.deepEqual(queue.add(batch(stamp)), []);
  assert.deepEqual(queue.sizes, { bodies: 3, bytes: 30, oldestStampMs: 1 });
  // One that returns after an attempt is ordered by age.
  assert.deepEqual(stamps(queue.add(batch(3))), [1]);
  assert.equal(queue.takeNewest('node')?.stampMs, 4);
  assert.equal(queue.takeNewest('node')?.stampMs, 3);
  assert.equal(queue.takeNewest('agent'), undefined);
  assert.deepEqual(stamps(queue.takeAll()), [2]);
  assert.deepEqual(queue.sizes, { bodies: 0, bytes: 0 });
});

test('the bytes of all groups count together, but the newest batch of each is not dropped', () => {
  const queue = new MemoryQueue({ cycles: 9, bytes: 100 });
  queue.add(batch(1, 30, 'node'));
  queue.add(batch(2, 30, 'agent'));
  queue.add(batch(3, 30, 'node'));
  assert.deepEqual(stamps(queue.add(batch(4, 30, 'agent'))), [1]);
  assert.deepEqual(stamps(queue.add(batch(5, 500, 'node'))), [2, 3]);
  assert.equal(queue.sizes.bytes, 530);
});

test('the parts of a batch that was too large count as one cycle', () => {
  const queue = new MemoryQueue({ cycles: 1, bytes: 1000 });
  assert.deepEqual([queue.add(batch(1)), queue.add(batch(1))], [[], []]);
  assert.deepEqual(stamps(queue.add(batch(2))), [1, 1]);
});
