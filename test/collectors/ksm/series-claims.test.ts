import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeriesClaims } from '../../../src/collectors/ksm/series-claims.ts';
import { randomFrom } from '../../kit/random.ts';

const line = (labels: string, value = 1) => `w_phase{${labels}} ${value}\n`;

test('the first object owns a series; the second is without it, and reported', () => {
  const claims = new SeriesClaims();
  const one = line('name="w1"') + line('name="w1",own="a"');
  assert.deepEqual([...claims.set('a/w1', one)], [['a/w1', one]]);
  const second = claims.set('b/w1', line('name="w1"', 2) + line('name="w1",own="b"'));
  assert.deepEqual([...second], [['b/w1', line('name="w1",own="b"')]]);
  assert.deepEqual(claims.refused, [{ series: 'w_phase{name="w1"}', object: 'b/w1', holder: 'a/w1' }]);
  assert.equal(claims.count, 1);
});

test('an object that changes keeps the series it owns', () => {
  const claims = new SeriesClaims();
  claims.set('a', line('name="w"', 1));
  claims.set('b', line('name="w"', 2));
  assert.deepEqual([...claims.set('a', line('name="w"', 3))], [['a', line('name="w"', 3)]]);
  assert.deepEqual([...claims.set('b', line('name="w"', 4))], [['b', '']]);
  assert.equal(claims.count, 1);
});

test('a waiting object gets a series when its owner is gone or drops it, longest wait first', () => {
  const claims = new SeriesClaims();
  for (const object of ['a', 'b', 'c']) claims.set(object, line('name="w"') + line(`own="${object}"`));
  assert.equal(claims.count, 2);
  const afterChange = claims.set('a', line('own="a"'));
  assert.deepEqual(
    [...afterChange],
    [
      ['a', line('own="a"')],
      ['b', line('name="w"') + line('own="b"')],
    ],
  );
  assert.deepEqual([...claims.delete('b')], [['c', line('name="w"') + line('own="c"')]]);
  assert.equal(claims.count, 0);
  assert.deepEqual([...claims.delete('c'), ...claims.delete('a')], []);
});

test('labels without a value do not distinguish series', () => {
  const claims = new SeriesClaims();
  claims.set('a', line('a="",b="x",c=""'));
  assert.deepEqual([...claims.set('b', line('b="x"'))], [['b', '']]);
  assert.deepEqual([...claims.set('c', line('b=""'))], [['c', line('b=""')]]);
  assert.deepEqual([...claims.set('d', line('a=""'))], [['d', '']]);
});

test('a series that one object emits twice is rejected the second time', () => {
  const claims = new SeriesClaims();
  assert.deepEqual([...claims.set('a', line('x="1"', 1) + line('x="1"', 2))], [['a', line('x="1"', 1)]]);
  assert.equal(claims.count, 1);
  claims.delete('a');
  assert.equal(claims.count, 0);
});

test('after any sequence, each series is exposed exactly once while some object has it', () => {
  const random = randomFrom('claims');
  const claims = new SeriesClaims();
  const has = new Map<string, ReadonlySet<number>>();
  const exposed = new Map<string, string>();
  for (let step = 0; step < 3000; step++) {
    const object = `o${random.below(12)}`;
    if (random.below(4) === 0) {
      has.delete(object);
      exposed.delete(object);
      for (const [key, text] of claims.delete(object)) exposed.set(key, text);
    } else {
      const series = new Set(Array.from({ length: random.below(5) }, () => random.below(10)));
      has.set(object, series);
      const text = [...series].map((one) => line(`s="${one}"`)).join('');
      for (const [key, kept] of claims.set(object, text)) exposed.set(key, kept);
    }
    const wanted = new Set([...has.values()].flatMap((series) => [...series]));
    const lines = [...exposed.values()].flatMap((text) => text.split('\n').filter((one) => one !== ''));
    assert.equal(lines.length, wanted.size, `step ${step}`);
    assert.equal(new Set(lines).size, wanted.size);
    const all = [...has.values()].reduce((sum, { size }) => sum + size, 0);
    assert.equal(claims.count, all - wanted.size);
  }
});
