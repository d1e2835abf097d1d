import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Semaphore } from '../../src/base/semaphore.ts';

test('the longest waiter is next, with or without a limit; a waiter times out', async () => {
  const semaphore = new Semaphore(1);
  assert.equal(await semaphore.take(0), true);
  const order: string[] = [];
  const first = semaphore.take(10_000).then((got) => order.push(`first ${got}`));
  const hasty = semaphore.take(1).then((got) => order.push(`hasty ${got}`));
  await hasty;
  const third = semaphore.take().then((got) => order.push(`third ${got}`));
  semaphore.release();
  await first;
  semaphore.release();
  await third;
  assert.deepEqual(order, ['hasty false', 'first true', 'third true']);
});
