import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyMap } from '../../src/base/key-map.ts';

/** Reproducible numbers below `limit`. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

test('is like a Map, whatever is added, changed and removed', () => {
  for (const keys of [3, 40, 5000, 30_000]) {
    const next = numbers(keys);
    const expected = new Map<string, number>();
    const map = new KeyMap<number>();
    for (let step = 0; step < 6 * keys; step++) {
      const key = `namespace-${next(40)}/${next(keys)}`;
      if (next(3) > 0) {
        map.set(key, step);
        expected.set(key, step);
      } else assert.equal(map.delete(key), expected.delete(key));
      assert.equal(map.size, expected.size);
      const other = `namespace-${next(40)}/${next(keys)}`;
      assert.equal(map.get(other), expected.get(other));
      assert.equal(map.has(other), expected.has(other));
    }
    assert.deepEqual([...map.keys()].sort(), [...expected.keys()].sort());
    for (const [key, value] of expected) assert.equal(map.get(key), value);
    for (const key of expected.keys()) map.delete(key);
    assert.equal(map.size, 0);
    assert.deepEqual([...map.keys()], []);
  }
});

test('keys that differ in one character, or only in length, are different', () => {
  const map = new KeyMap<string>();
  const keys = ['', '\0', '\0\0', 'a', 'b', 'ab', 'ba', 'ä', '💡', '💡💡'];
  for (const key of keys) map.set(key, `value of ${key}`);
  for (const key of keys) assert.equal(map.get(key), `value of ${key}`);
  assert.equal(map.get('c'), undefined);
  assert.equal(map.delete('c'), false);
});

test('no entry takes long to add, unlike in a Map, which grows in one go', () => {
  const keys = Array.from({ length: 200_000 }, (_, index) => ['team', index].join('/'));
  const longestMs = () => {
    const map = new KeyMap<number>();
    let longest = 0;
    for (const key of keys) {
      const { user, system } = process.threadCpuUsage();
      map.set(key, 1);
      const now = process.threadCpuUsage();
      longest = Math.max(longest, now.user + now.system - user - system);
    }
    return longest / 1000;
  };
  // Garbage collections and the compiler take their time in single rounds.
  const quickest = Math.min(...Array.from({ length: 4 }, longestMs));
  assert.ok(quickest < 8, `${quickest} ms`);
});
