import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactQuantity, milliQuantity, wholeQuantity } from '../../src/kube/quantity.ts';

type Row = readonly [text: string, whole: number, milli: number, exact: number];

const rows: readonly Row[] = [
  ['0', 0, 0, 0],
  ['250m', 1, 0.25, 0.25],
  ['4300m', 5, 4.3, 4.3],
  ['0.5', 1, 0.5, 0.5],
  ['.5', 1, 0.5, 0.5],
  ['1.', 1, 1, 1],
  ['1500u', 1, 0.002, 0.0015],
  ['100n', 1, 0.001, 1e-7],
  ['0.1n', 1, 0.001, 1e-9],
  ['1e3', 1000, 1000, 1000],
  ['1E3', 1000, 1000, 1000],
  ['12e-1', 2, 1.2, 1.2],
  ['1k', 1000, 1000, 1000],
  ['2E', 2e18, 2e18, 2e18],
  ['1Ki', 1024, 1024, 1024],
  ['1.5Gi', 1610612736, 1610612736, 1610612736],
  ['128974848000m', 128974848, 128974848, 128974848],
  ['26335914666m', 26335915, 26335914.666, 26335914.666],
  ['+3', 3, 3, 3],
  ['-1500m', -2, -1.5, -1.5],
  ['1Ei', 2 ** 60, 2 ** 60, 2 ** 60],
  ['100Ei', 2 ** 63, 2 ** 63, 2 ** 63],
];

for (const [text, whole, milli, exact] of rows) {
  test(`the quantity ${text} is ${exact}`, () => {
    assert.equal(wholeQuantity(text), whole);
    assert.equal(milliQuantity(text), milli);
    assert.equal(exactQuantity(text), exact);
  });
}

test('beyond 2^53 the nearest double is returned, not the result of arithmetic on doubles', () => {
  assert.equal(wholeQuantity('9007199254740993'), 9007199254740992);
  assert.equal(exactQuantity('9007199254740995'), 9007199254740996);
  assert.equal(wholeQuantity('9007199254740991500m'), 9007199254740992);
});

test('a number is also a quantity, as in custom resources and hand-written YAML', () => {
  assert.equal(milliQuantity(0.25), 0.25);
  assert.equal(wholeQuantity(1e21), 2 ** 63);
});

test('an invalid quantity has no value', () => {
  for (const text of ['', ' 1', '1 ', 'one', '1Kib', '1Zi', '1e', '1e9999', '--1', '0x10', '1,5', '9'.repeat(1000)]) {
    assert.equal(wholeQuantity(text), undefined, text);
  }
  assert.equal(milliQuantity(null), undefined);
  assert.equal(exactQuantity(undefined), undefined);
});
