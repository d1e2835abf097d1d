import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { relabelRules } from '../../../src/config/relabel-schema.ts';
import { applyRules } from '../../../src/metrics/relabel/apply.ts';

type Labels = Readonly<Record<string, string>>;
type Case = readonly [what: string, labels: Labels, rules: readonly object[], expected: Labels | undefined];

/** Our cases for the documented behaviour of Prometheus's rules; undefined: dropped. */
const CASES: readonly Case[] = [
  [
    'replace: defaults copy the source',
    { a: 'foo' },
    [{ source_labels: ['a'], target_label: 'd' }],
    { a: 'foo', d: 'foo' },
  ],
  [
    'replace: groups of the match',
    { a: 'foo', b: 'bar' },
    [{ source_labels: ['a'], target_label: 'd', regex: 'f(.*)', replacement: `ch\${1}-ch\${1}` }],
    { a: 'foo', b: 'bar', d: 'choo-choo' },
  ],
  [
    'replace: several sources with the usual separator, and one after the other',
    { a: 'foo', b: 'bar', c: 'baz' },
    [
      { source_labels: ['a', 'b'], target_label: 'a', regex: 'f(.*);(.*)r', replacement: `b$1\${2}m` },
      { source_labels: ['c', 'a'], target_label: 'd', regex: '(b).*b(.*)ba(.*)', replacement: '$1$2$2$3' },
    ],
    { a: 'boobam', b: 'bar', c: 'baz', d: 'boooom' },
  ],
  [
    'replace: another separator',
    { a: 'x', b: 'y' },
    [{ source_labels: ['a', 'b'], separator: '@', target_label: 'c' }],
    { a: 'x', b: 'y', c: 'x@y' },
  ],
  [
    'replace: no match changes nothing',
    { a: 'foo' },
    [{ source_labels: ['a'], regex: 'bar', target_label: 'b', replacement: 'x' }],
    { a: 'foo' },
  ],
  [
    'replace: the whole text has to match',
    { a: 'foobar' },
    [{ source_labels: ['a'], regex: 'foo', target_label: 'b' }],
    { a: 'foobar' },
  ],
  [
    'replace: an empty result removes the label',
    { a: 'foo', b: 'x' },
    [{ source_labels: ['a'], target_label: 'b', replacement: '' }],
    { a: 'foo' },
  ],
  ['replace: a missing source is empty', { a: 'foo' }, [{ source_labels: ['z'], target_label: 'a' }], {}],
  [
    'replace: a missing source with a fixed text',
    { a: 'foo' },
    [{ source_labels: ['z'], target_label: 'b', replacement: 'c' }],
    { a: 'foo', b: 'c' },
  ],
  ['replace: without a source', { a: 'foo' }, [{ target_label: 'b', replacement: 'c' }], { a: 'foo', b: 'c' }],
  [
    'replace: unknown groups are empty',
    { a: 'foo' },
    [{ source_labels: ['a'], regex: '(f)oo', target_label: 'b', replacement: '<$1$2$name>' }],
    { a: 'foo', b: '<f>' },
  ],
  [
    'replace: groups with names',
    { a: 'foo-1' },
    [{ source_labels: ['a'], regex: '(?P<word>\\w+)-(\\d)', target_label: 'b', replacement: `\${word}/$2/$1` }],
    { a: 'foo-1', b: 'foo/1/foo' },
  ],
  [
    'replace: an unbraced group number is as long as possible',
    { a: 'foo' },
    [{ source_labels: ['a'], regex: '(f)oo', target_label: 'b', replacement: `$1x|\${1}x` }],
    { a: 'foo', b: '|fx' },
  ],
  [
    'replace: two dollar signs are one',
    { a: 'foo' },
    [{ source_labels: ['a'], target_label: 'b', replacement: '$$1 costs $' }],
    { a: 'foo', b: '$1 costs $' },
  ],
  [
    'replace: the target from the match',
    { a: 'some-name-value' },
    [{ source_labels: ['a'], regex: 'some-([^-]+)-([^,]+)', target_label: `\${1}`, replacement: `\${2}` }],
    { a: 'some-name-value', name: 'value' },
  ],
  [
    'replace: a target that is not a label name is ignored',
    { a: 'some-2/x-value' },
    [{ source_labels: ['a'], regex: 'some-([^-]+)-([^,]+)', target_label: `\${1}`, replacement: `\${2}` }],
    { a: 'some-2/x-value' },
  ],
  [
    'replace: a target from a part of the name',
    { a: 'x1', b: '2' },
    [{ source_labels: ['a'], regex: '(x)(\\d)', target_label: `l_\${1}$2`, replacement: 'v' }],
    { a: 'x1', b: '2', l_x1: 'v' },
  ],
  [
    'replace: a dot matches the end of a line',
    { a: 'x\ny' },
    [{ source_labels: ['a'], regex: 'x(.*)', target_label: 'b', replacement: 'z' }],
    { a: 'x\ny', b: 'z' },
  ],
  [
    'replace: alternatives are anchored as a whole',
    { a: 'xfoo' },
    [{ source_labels: ['a'], regex: 'foo|bar', target_label: 'b', replacement: 'z' }],
    { a: 'xfoo' },
  ],
  [
    'replace: the name of the metric',
    { __name__: 'old_total' },
    [{ source_labels: ['__name__'], regex: 'old_(.*)', target_label: '__name__', replacement: 'new_$1' }],
    { __name__: 'new_total' },
  ],
  ['keep: a match', { a: 'foo' }, [{ action: 'keep', source_labels: ['a'], regex: 'f.*' }], { a: 'foo' }],
  ['keep: no match', { a: 'foo' }, [{ action: 'keep', source_labels: ['a'], regex: 'o' }], undefined],
  ['keep: a missing label', { a: 'foo' }, [{ action: 'keep', source_labels: ['b'], regex: '.+' }], undefined],
  [
    'keep: a missing label may be empty',
    { a: 'foo' },
    [{ action: 'keep', source_labels: ['b'], regex: '' }],
    { a: 'foo' },
  ],
  ['drop: a match', { a: 'foo' }, [{ action: 'drop', source_labels: ['a'], regex: '.*o.*' }], undefined],
  ['drop: no match', { a: 'foo' }, [{ action: 'drop', source_labels: ['a'], regex: 'f' }], { a: 'foo' }],
  [
    'drop: two labels',
    { a: 'foo', b: 'bar' },
    [{ action: 'drop', source_labels: ['a', 'b'], regex: 'foo;bar' }],
    undefined,
  ],
  [
    'drop: later rules are not evaluated',
    { a: 'foo' },
    [
      { action: 'drop', source_labels: ['a'] },
      { target_label: 'b', replacement: 'x' },
    ],
    undefined,
  ],
  ['an action may be in upper case', { a: 'foo' }, [{ action: 'Drop', source_labels: ['a'], regex: 'foo' }], undefined],
  [
    'keepequal: equal',
    { a: 'x', b: 'x' },
    [{ action: 'keepequal', source_labels: ['a'], target_label: 'b' }],
    { a: 'x', b: 'x' },
  ],
  [
    'keepequal: not equal',
    { a: 'x', b: 'y' },
    [{ action: 'keepequal', source_labels: ['a'], target_label: 'b' }],
    undefined,
  ],
  [
    'keepequal: both missing',
    { c: 'x' },
    [{ action: 'keepequal', source_labels: ['a'], target_label: 'b' }],
    { c: 'x' },
  ],
  [
    'dropequal: equal',
    { a: 'x', b: 'x' },
    [{ action: 'dropequal', source_labels: ['a'], target_label: 'b' }],
    undefined,
  ],
  [
    'dropequal: not equal',
    { a: 'x', b: 'y' },
    [{ action: 'dropequal', source_labels: ['a'], target_label: 'b' }],
    { a: 'x', b: 'y' },
  ],
  [
    'labelmap',
    { a: 'foo', b1: 'bar', b2: 'baz' },
    [{ action: 'labelmap', regex: '(b.*)', replacement: `foo_\${1}` }],
    { a: 'foo', b1: 'bar', b2: 'baz', foo_b1: 'bar', foo_b2: 'baz' },
  ],
  [
    'labelmap: the usual replacement',
    { __meta_app: 'x' },
    [{ action: 'labelmap', regex: '__meta_(.+)' }],
    { __meta_app: 'x', app: 'x' },
  ],
  [
    'labelmap: over another label',
    { a: 'foo', my_a: 'bar' },
    [{ action: 'labelmap', regex: 'my_(.*)' }],
    { a: 'bar', my_a: 'bar' },
  ],
  ['labeldrop', { a: 'foo', b1: 'bar', b2: 'baz' }, [{ action: 'labeldrop', regex: '(b.*)' }], { a: 'foo' }],
  ['labeldrop: nothing matches', { a: 'foo' }, [{ action: 'labeldrop', regex: 'b' }], { a: 'foo' }],
  [
    'labelkeep',
    { a: 'foo', b1: 'bar', b2: 'baz' },
    [{ action: 'labelkeep', regex: '(b.*)' }],
    { b1: 'bar', b2: 'baz' },
  ],
  ['lowercase', { a: 'FoO' }, [{ action: 'lowercase', source_labels: ['a'], target_label: 'a' }], { a: 'foo' }],
  [
    'uppercase',
    { a: 'FoO', b: 'x' },
    [{ action: 'uppercase', source_labels: ['a', 'b'], target_label: 'c' }],
    { a: 'FoO', b: 'x', c: 'FOO;X' },
  ],
  // md5, its last eight bytes.
  [
    'hashmod',
    { c: 'baz' },
    [{ action: 'hashmod', source_labels: ['c'], target_label: 'd', modulus: 1000 }],
    { c: 'baz', d: '976' },
  ],
  [
    'hashmod: several sources',
    { a: 'foo\nbar' },
    [{ action: 'hashmod', source_labels: ['a'], target_label: 'b', modulus: 1000 }],
    { a: 'foo\nbar', b: '734' },
  ],
];

const schema = z.strictObject({ rules: relabelRules() });

for (const [what, labels, rules, expected] of CASES) {
  test(what, () => {
    const made = new Map(Object.entries(labels));
    const isKept = applyRules(made, schema.parse({ rules }).rules);
    assert.deepEqual(isKept ? Object.fromEntries(made) : undefined, expected);
  });
}

const REFUSED: readonly (readonly [rule: object, path: string, message: RegExp])[] = [
  [{ action: 'explode' }, 'rules.0.action', /Invalid option/],
  [{ action: 'drop', regex: '(' }, 'rules.0.regex', /^invalid regular expression "\("/],
  [{ action: 'drop', regex: '(?=x)' }, 'rules.0.regex', /RE2 has no/],
  [{ source_labels: ['a'] }, 'rules.0.target_label', /replace needs a target_label/],
  [{ target_label: 'a-b' }, 'rules.0.target_label', /"a-b" is not a label name/],
  [
    { action: 'lowercase', source_labels: ['a'], target_label: '$1' },
    'rules.0.target_label',
    /"\$1" is not a label name/,
  ],
  [{ action: 'hashmod', source_labels: ['a'], target_label: 'b' }, 'rules.0.modulus', /hashmod needs a modulus/],
  [{ action: 'hashmod', source_labels: ['a'], target_label: 'b', modulus: 0 }, 'rules.0.modulus', /./],
  [{ action: 'labeldrop', regex: 'a', source_labels: ['b'] }, 'rules.0.source_labels', /does not use source_labels/],
  [{ action: 'labelkeep', regex: 'a', replacement: 'b' }, 'rules.0.replacement', /does not use replacement/],
  [{ action: 'keepequal', source_labels: ['a'], target_label: 'b', regex: 'x' }, 'rules.0.regex', /does not use regex/],
  [{ action: 'labelmap', regex: '(.*)', replacement: 'a-$1' }, 'rules.0.replacement', /does not make label names/],
  [{ source_labels: ['a b'], target_label: 'a' }, 'rules.0.source_labels.0', /not a label name/],
  [{ sourceLabels: ['a'], target_label: 'b' }, 'rules.0', /sourceLabels/],
];

for (const [rule, path, message] of REFUSED) {
  test(`refused: ${JSON.stringify(rule)}`, () => {
    const { error } = schema.safeParse({ rules: [rule] });
    const found = error?.issues.find((issue) => issue.path.join('.') === path);
    assert.match(found?.message ?? `no problem at ${path}: ${error?.message}`, message);
  });
}
