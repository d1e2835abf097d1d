import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePattern, durationText, parseBytes, parseDuration } from '../../src/config/units.ts';

test('durations', () => {
  const cases: [string, number | undefined][] = [
    ['15s', 15_000],
    ['1m30s', 90_000],
    ['250ms', 250],
    ['1.5s', 1500],
    ['1h', 3_600_000],
    ['0s', 0],
    ['15', undefined],
    ['', undefined],
    ['-1s', undefined],
    ['1s2', undefined],
  ];
  for (const [text, milliseconds] of cases) assert.equal(parseDuration(text), milliseconds, text);
  for (const milliseconds of [0, 250, 90_000, 3_661_001]) {
    assert.equal(parseDuration(durationText(milliseconds)), milliseconds);
  }
});

test('sizes', () => {
  assert.equal(parseBytes('256MiB'), 256 * 2 ** 20);
  assert.equal(parseBytes('1kB'), 1000);
  assert.equal(parseBytes('1.5MiB'), undefined);
  assert.equal(parseBytes('12'), undefined);
});

test("RE2's syntax means the same here", () => {
  const cases: [pattern: string, text: string, matches: boolean][] = [
    ['^(?:lo|veth.*)$', 'veth0', true],
    ['(?i)^ETH', 'eth0', true],
    ['^[[:alpha:]]+$', 'abc', true],
    ['^[[:alpha:]]+$', 'ab1', false],
    ['\\Aab\\z', 'ab', true],
    ['(?P<name>a)b', 'ab', true],
    ['^/(dev|proc)($|/)', '/dev/sda', true],
    ['^a\\-b$', 'a-b', true],
    ['^a\\-\\:b\\/c$', 'a-:b/c', true],
    ['^[a\\-z]$', 'm', false],
  ];
  for (const [pattern, text, matches] of cases) assert.equal(compilePattern(pattern).test(text), matches, pattern);
});

test('what RE2 would refuse is refused with its reason', () => {
  for (const pattern of ['(?=a)', '(?<!a)b', '(a)\\1', '(', 'a**', '\\Qa.b\\E', '\\Cx']) {
    assert.throws(() => compilePattern(pattern), /invalid regular expression/, pattern);
  }
});
