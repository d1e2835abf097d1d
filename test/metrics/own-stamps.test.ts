import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gauge } from '../../src/metrics/family.ts';
import { SeriesList, Snapshot } from '../../src/metrics/snapshot.ts';
import { encodeByFamily, encodeByObject } from '../../src/metrics/text/encoder.ts';
import { stampText } from '../../src/metrics/text/format.ts';

const first = gauge('first', 'First.');
const own = gauge('own', 'Own.');
const last = gauge('last', 'Last.');
const STAMP = 1_700_000_000_000;

/** Three samples, of which the second has its own timestamp. */
function collected(): Snapshot {
  const out = new Snapshot();
  out.addSeries(first, 'first', 1);
  out.addSeries(own, 'own', 2, STAMP);
  out.addSeries(last, 'last', 3);
  out.addSeries(last, 'last', 4, STAMP);
  out.close();
  return out;
}

/** As in a cycle after the one that pushed it. */
function repeated(): Snapshot {
  const out = new Snapshot();
  collected().copyTo(out, { isRepeated: true });
  out.close();
  return out;
}

const linesOf = (chunks: Iterable<Buffer>): string[] =>
  [...chunks]
    .join('')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

const withoutFirst = (snapshot: Snapshot) => snapshot.without(new Set(['first']));

/** The second and third series under other names. */
function renamed(snapshot: Snapshot): Snapshot {
  const series = new SeriesList();
  series.add(own, 'own{a="b"}', '', '');
  series.add(last, 'last{a="b"}', '', '');
  return snapshot.under(series, [1, 2]);
}

for (const [what, snapshot, samples] of [
  ['a sample keeps its timestamp', collected(), ['first 1', `own 2 ${stampText(STAMP)}`, 'last 3']],
  ['one that was pushed with its timestamp is left out', repeated(), ['first 1', 'last 3']],
  ['without a family', withoutFirst(collected()), [`own 2 ${stampText(STAMP)}`, 'last 3']],
  ['pushed, without a family', withoutFirst(repeated()), ['last 3']],
  ['renamed', renamed(collected()), [`own{a="b"} 2 ${stampText(STAMP)}`, 'last{a="b"} 3']],
  ['pushed and renamed', renamed(repeated()), ['last{a="b"} 3']],
] as const) {
  test(`own timestamps: ${what}; text without timestamps has all samples`, () => {
    assert.deepEqual(linesOf(encodeByObject([snapshot])), samples);
    assert.equal(snapshot.unpushedSize, samples.length);
    const all = snapshot.keys.map((key, index) => `${key} ${snapshot.values[index]}`);
    assert.deepEqual(linesOf(encodeByObject([snapshot], false)), all);
    assert.deepEqual(linesOf(encodeByFamily([snapshot])).sort(), all.sort());
  });
}

test('a series that occurs twice gets no timestamp from the second one', () => {
  const { errors, stamps } = collected();
  assert.deepEqual([...(stamps ?? [])], [[1, STAMP]]);
  assert.match(String(errors), /duplicate series last/);
});
