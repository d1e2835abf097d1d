import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HashTable } from '../../src/scrape/hash-table.ts';
import { randomFrom } from '../kit/random.ts';

test('a table has the same content as a Map, however it is filled', () => {
  const random = randomFrom('table');
  const table = new HashTable();
  const map = new Map<number, number>();
  const hashes = [0, 1, 2 ** 53 - 1, 2 ** 32, ...Array.from({ length: 5000 }, () => random.below(2 ** 31) * 0x200000)];
  for (let step = 0; step < 20_000; step++) {
    const hash = hashes[random.below(hashes.length)] ?? 0;
    assert.equal(table.get(hash), map.get(hash));
    assert.equal(table.has(hash), map.has(hash));
    if (random.chance(0.5)) continue;
    const value = random.below(2 ** 31);
    table.set(hash, value);
    map.set(hash, value);
    assert.equal(table.size, map.size);
  }
  for (const [hash, value] of map) assert.equal(table.get(hash), value);
  assert.equal(table.add(hashes.find((hash) => map.has(hash)) ?? 0), false);
  table.clear();
  assert.equal(table.size, 0);
  assert.ok(table.add(0) && !table.add(0));
});
