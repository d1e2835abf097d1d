import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeenKeys } from '../../../src/collectors/ksm/seen-keys.ts';

test('the first value of each key is returned, for few keys and for many, after any number of clears', () => {
  const seen = new SeenKeys();
  for (let total = 0; total < 70; total++) {
    seen.clear();
    const buffer = Buffer.alloc(40 * total);
    const model = new Map<string, number>();
    for (let index = 0, end = 0; index < total; index++) {
      // Every third one occurs again; some have the length of another.
      const key = `name{label="${(index * 7) % Math.ceil((2 * total) / 3)}`;
      const start = end;
      end += buffer.write(key, start);
      const value = index / 3;
      assert.equal(seen.add(buffer, start, end, value), model.get(key), `${key}, number ${index} of ${total}`);
      if (!model.has(key)) model.set(key, value);
    }
  }
});
