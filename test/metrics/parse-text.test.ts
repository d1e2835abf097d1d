import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLine, parseText, TextFormatError } from '../../src/metrics/text/parse.ts';

test('samples, types and help are distinguished; comments and blank lines are skipped', () => {
  const text =
    '# HELP a_total Two\\nlines \\\\ "quoted"\n# TYPE a_total counter\n\n# a comment\na_total{x="1", y="\\"\\n\\\\" ,} 2e3 -5\n';
  assert.deepEqual(
    [...parseText(text)],
    [
      { kind: 'help', name: 'a_total', help: 'Two\nlines \\ "quoted"' },
      { kind: 'type', name: 'a_total', type: 'counter' },
      {
        kind: 'sample',
        name: 'a_total',
        labels: [
          ['x', '1'],
          ['y', '"\n\\'],
        ],
        value: 2000,
        timestampMs: -5,
      },
    ],
  );
});

test("all of Go's numbers are read", () => {
  const numbers: [string, number][] = [
    ['+Inf', Number.POSITIVE_INFINITY],
    ['-inf', Number.NEGATIVE_INFINITY],
    ['NaN', Number.NaN],
    ['1.', 1],
    ['.5', 0.5],
    ['1e+06', 1e6],
    ['-1.5E-07', -1.5e-7],
  ];
  for (const [text, value] of numbers) {
    const line = parseLine(`m ${text}`);
    assert.equal(line?.kind === 'sample' ? line.value : undefined, value);
  }
});

test('bad lines are rejected with their number and the reason', () => {
  const cases: [string, RegExp][] = [
    ['1abc 1', /line 2: a line must start with a metric name or #/],
    ['foo-bar 1', /"-bar" is not a number/],
    ['m', /"" is not a number/],
    ['m 1 2 3', /text after the timestamp/],
    ['m 1 x', /timestamp "x" is not an integer/],
    ['m{a="1" 1', /expected "," or "}" at column 9/],
    ['m{a="1', /label a has no closing quote/],
    ['m{a="\\x"} 1', /unknown escape \\x/],
    ['m{a="1",a="2"} 1', /duplicate label a/],
    [`m{${Array.from({ length: 257 }, (_, index) => `l${index}=""`).join(',')}} 1`, /more than 256 labels/],
    ['m{1a="1"} 1', /expected a label name at column 3/],
    ['m{a=1} 1', /expected "\\"" at column 5/],
    ['# TYPE m gage', /unknown type "gage" of m/],
    ['# TYPE 1m gauge', /bad metric name "1m" after # TYPE/],
    ['m 0x10', /"0x10" is not a number/],
    ['m 1_000', /"1_000" is not a number/],
    ['m 1e400', /"1e400" is out of the range of a float64/],
    [`m -${'9'.repeat(400)}`, /"-9+…" is out of the range of a float64/],
  ];
  for (const [line, message] of cases) {
    assert.throws(
      () => [...parseText(`ok 1\n${line}\n`)],
      (cause) => cause instanceof TextFormatError && cause.line === 2 && message.test(cause.message),
      line,
    );
  }
});
