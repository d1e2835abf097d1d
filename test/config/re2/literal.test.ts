import assert from 'node:assert/strict';
import { test } from 'node:test';
import { literalsOf } from '../../../src/config/re2/literal.ts';
import { parsePattern } from '../../../src/config/re2/parse.ts';
import { Pattern } from '../../../src/config/re2/pattern.ts';

const LITERALS: Readonly<Record<string, readonly string[]>> = {
  'Failed password for (?P<kind>invalid user )?': ['Failed password for '],
  '" (?P<status>\\d)\\d\\d ': ['" '],
  'rt=(?P<v>[\\d.]+)': ['rt='],
  'a|bc': ['a', 'bc'],
  'one|two \\d|\\d': [],
  '(?i)error': [],
  'ab*c': ['a'],
  'x(?:yes|no)long literal': ['long literal'],
  '(?:abc){2}d': ['abc'],
  '(abc)?def': ['def'],
  '^begin$': ['begin'],
  '': [],
};

test('the literals that every match contains', () => {
  for (const [source, literals] of Object.entries(LITERALS)) {
    assert.deepEqual(literalsOf(parsePattern(source)).required, literals, source);
  }
});

test('an expression matches the same with and without them', () => {
  const texts = [
    '',
    'a',
    'bc',
    'xbc',
    'rt=',
    'rt=1',
    'two 3',
    'one',
    'ac',
    'abbc',
    'begin',
    'begin ',
    'def',
    'abcdef',
    'abcabcd',
    'ERROR',
  ];
  for (const source of Object.keys(LITERALS)) {
    // An alternative that nothing matches leaves no literal.
    const plain = Pattern.of(`(?:${source})|[^\\x{0}-\\x{10FFFF}]`);
    assert.deepEqual(literalsOf(parsePattern(plain.source)).required, [], source);
    for (const text of texts) assert.equal(Pattern.of(source).test(text), plain.test(text), `${source} on ${text}`);
  }
});

test('groups are those of the first match, wherever it begins', () => {
  const pattern = Pattern.of('user (?P<name>\\w+) failed');
  assert.equal(pattern.groups('user failed'), undefined);
  assert.deepEqual([...(pattern.groups('user and user x failed, user y failed') ?? [])], [['name', 'x']]);
  assert.deepEqual([...(Pattern.of('a(?P<rest>\\b.*)').groups('ab a c') ?? [])], [['rest', ' c']]);
});
