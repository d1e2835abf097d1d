import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BudgetSettings, SeriesBudget, seriesByFamily } from '../../src/metrics/budget.ts';
import { gauge } from '../../src/metrics/family.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';

const counts = new Map([
  ['big', 60],
  ['middle', 30],
  ['small', 5],
]);
const total = 95;

const cases: readonly [what: string, settings: Partial<BudgetSettings>, dropped: readonly string[]][] = [
  ['no limit', {}, []],
  ['exactly the limit', { groups: { node: 95 } }, []],
  ['one too many: the largest family is dropped', { groups: { node: 94 } }, ['big']],
  ['the next largest follows until the rest fits', { groups: { node: 34 } }, ['big', 'middle']],
  ['nothing fits', { groups: { node: 4 } }, ['big', 'middle', 'small']],
  ['the limit of another group', { groups: { ksm: 1 } }, []],
  ['a limit for every family', { family: 29 }, ['big', 'middle']],
  ['a limit of one family', { families: { small: 4 } }, ['small']],
  ['the limit of one family instead of that for all', { family: 40, families: { big: 60 } }, []],
  [
    'what the family limit drops does not count for the group',
    { groups: { node: 65 }, families: { middle: 1 } },
    ['middle'],
  ],
];
for (const [what, settings, dropped] of cases) {
  test(`series budget: ${what}`, () => {
    const budget = new SeriesBudget(() => ({ groups: {}, families: {}, ...settings }));
    assert.deepEqual([...budget.check('node', total, () => counts)], dropped);
  });
}

test('dropped families are reported as series, until they fit again', () => {
  let most = 50;
  const budget = new SeriesBudget(() => ({ groups: { node: most }, families: {} }));
  budget.check('node', total, () => counts);
  const report = () => {
    const { keys, values } = budget.samples();
    return Object.fromEntries(keys.map((key, index) => [key, values[index]]));
  };
  assert.deepEqual(report(), {
    'firesteel_budget_series{group="node"}': 95,
    'firesteel_budget_limit_series{group="node"}': 50,
    'firesteel_budget_dropped_series{group="node",family="big"}': 60,
  });
  most = 100;
  budget.check('node', total, () => assert.fail('counted without need'));
  assert.deepEqual(report(), {
    'firesteel_budget_series{group="node"}': 95,
    'firesteel_budget_limit_series{group="node"}': 100,
  });
});

test('series are counted by family over all snapshots of a group', () => {
  const [one, other] = [new Snapshot(), new Snapshot()];
  const heat = gauge('heat', 'Heat.', ['zone']);
  one.add(heat, 1, 'a');
  other.add(heat, 1, 'b');
  other.add(gauge('cold', 'Cold.'), 1);
  assert.deepEqual(
    [...seriesByFamily([one, other])],
    [
      ['heat', 2],
      ['cold', 1],
    ],
  );
});
