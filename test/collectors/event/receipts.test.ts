import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Receipts } from '../../../src/collectors/event/receipts.ts';

/** Receipts of numbered pushes, and those that have been delivered. */
function receipts() {
  const delivered: number[] = [];
  return { delivered, receipts: new Receipts<number>((push) => delivered.push(push)) };
}

test('a push is delivered when all receivers have settled it', () => {
  const { delivered, receipts: of } = receipts();
  const first = of.begin(['a', 'b'], 1);
  first('b');
  assert.deepEqual(delivered, []);
  first('a');
  assert.deepEqual(delivered, [1]);
  first('a');
  assert.deepEqual(delivered, [1], 'a second part of it');
});

test('one receiver that is down holds up the others for one push', () => {
  const { delivered, receipts: of } = receipts();
  for (const name of ['a', 'b']) of.begin(['a', 'b'], 1)(name);
  for (const push of [2, 3, 4]) of.begin(['a', 'b'], push)('a');
  assert.equal(delivered.at(-1), 4);
  const late = of.begin(['a', 'b'], 5);
  late('b');
  assert.equal(delivered.at(-1), 4, 'it is back: both count again');
  late('a');
  assert.equal(delivered.at(-1), 5);
});

test('while all receivers are down nothing is delivered, then the latest push, which includes the others', () => {
  const { delivered, receipts: of } = receipts();
  const pushes = [1, 2, 3].map((push) => of.begin(['a'], push));
  pushes[2]?.('a');
  pushes[0]?.('a');
  assert.deepEqual(delivered, [3]);
});

test('without receivers a push is delivered when it begins, and an added receiver counts from then on', () => {
  const { delivered, receipts: of } = receipts();
  of.begin([], 1);
  assert.deepEqual(delivered, [1]);
  const second = of.begin(['a'], 2);
  assert.deepEqual(delivered, [1]);
  second('a');
  assert.deepEqual(delivered, [1, 2]);
});

test('while no receiver settles anything, only the latest pushes are remembered', () => {
  const delivered: number[] = [];
  const receipts = new Receipts<number>((mark) => delivered.push(mark));
  const settled = Array.from({ length: 1500 }, (_, push) => receipts.begin(['vm'], push));
  settled[100]?.('vm');
  assert.deepEqual(delivered, []);
  settled[1400]?.('vm');
  assert.deepEqual(delivered, [1400]);
});
