import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pattern } from '../../../src/config/re2/pattern.ts';

const LITERALS: Readonly<Record<string, string>> = {
  'Failed password for (?P<kind>invalid user )?': 'Failed password for ',
  '" (?P<status>\\d)\\d\\d ': '" ',
  'rt=(?P<v>[\\d.]+)': 'rt=',
  'a|b': '',
  '(?i)error': '',
  'ab*c': 'a',
  'x(?:yes|no)long literal': 'long literal',
  '(?:abc){2}d': 'abc',
  '(abc)?def': 'def',
  '^begin$': 'begin',
  '': '',
};

test('the text that every match contains', () => {
  for (const [source, literal] of Object.entries(LITERALS)) assert.equal(Pattern.of(source).literal, literal, source);
});

test('what does not contain it does not match, and what does may', () => {
  const pattern = Pattern.of('user (?P<name>\\w+) failed');
  assert.equal(pattern.test('user failed'), false);
  assert.equal(pattern.test('the user x failed'), true);
  assert.deepEqual([...(pattern.groups('the user x failed') ?? [])], [['name', 'x']]);
});
