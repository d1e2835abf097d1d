import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slots } from '../../src/base/slots.ts';

test('the longest waiter is next, with or without a limit; a waiter times out', async () => {
  const slots = new Slots(1);
  assert.equal(await slots.take(0), true);
  const order: string[] = [];
  const first = slots.take(10_000).then((got) => order.push(`first ${got}`));
  const hasty = slots.take(1).then((got) => order.push(`hasty ${got}`));
  await hasty;
  const third = slots.take().then((got) => order.push(`third ${got}`));
  slots.release();
  await first;
  slots.release();
  await third;
  assert.deepEqual(order, ['hasty false', 'first true', 'third true']);
});
