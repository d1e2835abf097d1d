import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapLabels } from '../../../src/collectors/ksm/label-names.ts';

test('keys become label names in snake case, sorted by key', () => {
  assert.deepEqual(mapLabels('label', { 'app.kubernetes.io/partOf': 'a', App: 'b', 'x-1': 'c' }), [
    ...['label_app', 'b'],
    ...['label_app_kubernetes_io_part_of', 'a'],
    ...['label_x_1', 'c'],
  ]);
});

test('keys that map to the same name are numbered, including the first', () => {
  assert.deepEqual(mapLabels('label', { 'a-b': '1', 'a.b': '2', aB: '3', c: '4' }), [
    ...['label_a_b_conflict1', '1'],
    ...['label_a_b_conflict2', '2'],
    ...['label_a_b_conflict3', '3'],
    ...['label_c', '4'],
  ]);
});

test('a number that another key has in its own name is skipped', () => {
  assert.deepEqual(mapLabels('label', { 'a-b': '1', 'a.b': '2', a_b_conflict1: '3' }), [
    ...['label_a_b_conflict2', '1'],
    ...['label_a_b_conflict3', '2'],
    ...['label_a_b_conflict1', '3'],
  ]);
});

test('a missing map or value is not an error', () => {
  assert.deepEqual(mapLabels('label', null), []);
  assert.deepEqual(mapLabels('label', { a: null }), ['label_a', '']);
  assert.deepEqual(mapLabels('label', JSON.parse('{"__proto__": "x"}')), ['label___proto__', 'x']);
});

test('a hundred thousand keys of one name take linear time', () => {
  const map = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, index) => [`${'-'.repeat(index % 3)}${index}`, '']),
  );
  const start = performance.now();
  assert.equal(mapLabels('label', { ...map, 'a.b': '', 'a-b': '' }).length, 200_004);
  assert.ok(performance.now() - start < 5000);
});
