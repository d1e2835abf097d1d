import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownFamilies } from '../../src/metrics/known-families.ts';

test('a family is the same object as long as it does not change, and is forgotten when a collection lacks it', () => {
  const known = new KnownFamilies();
  const collect = (help: string, type: 'gauge' | 'counter' = 'gauge') => {
    known.begin();
    return known.of({ name: 'a', type, help });
  };
  const first = collect('One.');
  assert.deepEqual(first, { name: 'a', type: 'gauge', help: 'One.', labels: [] });
  assert.equal(collect('One.'), first);
  const second = collect('Two.');
  assert.equal(second.help, 'Two.');
  assert.equal(collect('Two.', 'counter').type, 'counter');
  const last = collect('Two.', 'counter');
  known.begin();
  assert.notEqual(collect('Two.', 'counter'), last);
});

test('within a collection, the first help text of a family counts', () => {
  const known = new KnownFamilies();
  known.begin();
  const one = known.of({ name: 'a', type: 'gauge', help: 'One.' });
  assert.equal(known.of({ name: 'a', type: 'gauge', help: 'Two.' }), one);
  known.begin();
  assert.equal(known.of({ name: 'a', type: 'gauge', help: 'One.' }), one);
});
