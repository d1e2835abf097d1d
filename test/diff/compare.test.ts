import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, type Differences, type Rules } from '../../src/diff/compare.ts';
import { readingOf } from '../../src/diff/reading.ts';
import { isSame, judge, reportText } from '../../src/diff/report.ts';

const RULES: Rules = { restless: /^jumpy/, fromStart: /^since_start/ };

/** Compares two rounds, given as before, ours and after. */
const differ = (...texts: readonly [string, string, string, string, string, string]): Differences => {
  const [b1, o1, a1, b2, o2, a2] = texts.map((text) => readingOf(text.replaceAll('; ', '\n').concat('\n')));
  assert.ok(b1 && o1 && a1 && b2 && o2 && a2);
  return compare(
    [
      { before: b1, ours: o1, after: a1 },
      { before: b2, ours: o2, after: a2 },
    ],
    RULES,
  );
};

const NOTHING = { namesOnlyTheirs: [], namesOnlyOurs: [], seriesOnlyTheirs: [], seriesOnlyOurs: [], values: [] };

test('equal sides do not differ, whatever the order of labels and empty ones', () => {
  const here = 'a{x="1",y="2"} 1; b 2';
  const there = 'a{y="2",x="1",z=""} 1; b 2';
  assert.deepEqual(differ(there, here, there, there, here, there), { compared: 2, ...NOTHING });
});

test('a name that one side lacks is told once, a series with its labels', () => {
  const here = 'both{a="1"} 1; both{a="2"} 1; mine 1';
  const there = 'both{a="1"} 1; both{a="3"} 1; yours{a="1"} 1; yours{a="2"} 1';
  assert.deepEqual(differ(there, here, there, there, here, there), {
    compared: 1,
    namesOnlyTheirs: [{ name: 'yours', series: 2 }],
    namesOnlyOurs: [{ name: 'mine', series: 1 }],
    seriesOnlyTheirs: ['both{a="3"}'],
    seriesOnlyOurs: ['both{a="2"}'],
    values: [],
  });
});

test('what comes or goes between the readings is no difference', () => {
  assert.deepEqual(differ('a 1', 'a 1', 'a 1; late 1', 'a 1; late 1', 'a 1; late 1', 'a 1; late 1'), {
    compared: 1,
    ...NOTHING,
  });
});

const moving: readonly [what: string, readings: Parameters<typeof differ>, same: boolean][] = [
  ['equal', ['a 1', 'a 1', 'a 1', 'a 1', 'a 1', 'a 1'], true],
  ['not a number on both sides', ['a NaN', 'a NaN', 'a NaN', 'a NaN', 'a NaN', 'a NaN'], true],
  ['a constant that is another one', ['a 1', 'a 2', 'a 1', 'a 1', 'a 2', 'a 1'], false],
  ['another sign', ['a 1', 'a -1', 'a 1', 'a 1', 'a -1', 'a 1'], false],
  ['infinity against a number', ['a 1', 'a +Inf', 'a 1', 'a 1', 'a +Inf', 'a 1'], false],
  ['a counter between its readings', ['a 10', 'a 11', 'a 12', 'a 20', 'a 21', 'a 22'], true],
  ['a counter that is far ahead', ['a 10', 'a 100', 'a 12', 'a 20', 'a 110', 'a 22'], false],
  ['right in one round only', ['a 10', 'a 10', 'a 10', 'a 10', 'a 50', 'a 10'], false],
  ['a gauge that jumps a little', ['jumpy 10', 'jumpy 12', 'jumpy 10', 'jumpy 10', 'jumpy 8', 'jumpy 10'], true],
  ['a gauge that jumps too far', ['jumpy 10', 'jumpy 22', 'jumpy 10', 'jumpy 10', 'jumpy 22', 'jumpy 10'], false],
];
for (const [what, readings, same] of moving) {
  test(`values: ${what}`, () => assert.equal(differ(...readings).values.length === 0, same));
}

test('of a counter since the start of its program only the growth is compared', () => {
  const typed = (value: number) => `# TYPE since_start counter; since_start ${value}`;
  const grown = (ours: number) =>
    differ(typed(1000), typed(0), typed(1002), typed(1100), typed(ours), typed(1102)).values.length;
  assert.equal(grown(100), 0);
  assert.equal(grown(50), 1);
  assert.equal(grown(150), 1);
});

test('what has a known reason is told apart, and the rest decides', () => {
  const differences = differ('a 1; b 1', 'a 2; b 2', 'a 1; b 1', 'a 1; b 1', 'a 2; b 2', 'a 1; b 1');
  const replaced = { program: 'exporter', section: 'node', names: /./, known: [] } as const;
  const options = { replaced, lines: 1, explained: false, hint: () => undefined };
  const half = judge(differences, [{ series: /^a\{/, reason: 'rounded there' }]);
  assert.equal(isSame(half), false);
  assert.match(
    reportText(half, options),
    /different values: 1\n {2}b\{\} {2}here 2, then 2; there 1…1, then 1…1\n1 more/,
  );
  const both = judge(differences, [{ series: /^[ab]\{/, reason: 'rounded there' }]);
  assert.equal(isSame(both), true);
  assert.match(
    reportText(both, { ...options, lines: 9, explained: true }),
    /a\{\} {2}rounded there\n[\s\S]*no unexplained/,
  );
  assert.match(
    reportText(judge(differences, []), options),
    /different values: 2\n.*\n {2}… and 1 more; --all lists them/,
  );
});
