import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, bytes, count, counted, list, percent, span, took } from '../../../src/http/page/format.js';

/** Each input with its formatted text. */
function same<Input>(make: (input: Input) => string, cases: readonly (readonly [Input, string])[]): void {
  for (const [input, text] of cases) assert.equal(make(input), text);
}

test('numbers have groups of three digits, and sizes binary units', () => {
  same(count, [
    [0, '0'],
    [1234567, '1,234,567'],
  ]);
  same(bytes, [
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [71_000_000, '67.7 MiB'],
    [2 ** 40 * 5000, '5000 TiB'],
  ]);
  same(percent, [
    [0, '0 %'],
    [0.0004, '<1 %'],
    [0.944, '94 %'],
  ]);
});

test('singular and plural', () => {
  assert.equal(counted(1, 'body', 'bodies'), '1 body');
  assert.equal(counted(1200, 'collector'), '1,200 collectors');
  same(list, [
    [[], ''],
    [['a'], 'a'],
    [['a', 'b', 'c'], 'a, b and c'],
  ]);
});

test('durations have two or three digits and a suitable unit', () => {
  same(took, [
    [0, '0 µs'],
    [0.000_042, '42 µs'],
    [0.0012, '1.2 ms'],
    [0.0832, '83.2 ms'],
    [1.234, '1.2 s'],
    [185, '3 min 5 s'],
  ]);
});

test('spans have their two largest units, ages one', () => {
  same(span, [
    [-1, '0 s'],
    [59.9, '59 s'],
    [3600, '1 h'],
    [3720, '1 h 2 min'],
    [270_000, '3 d 3 h'],
  ]);
  same(ago, [
    [-0.4, 'now'],
    [119, '119 s ago'],
    [120, '2 min ago'],
    [7200, '2 h ago'],
    [172_800, '2 d ago'],
  ]);
});
