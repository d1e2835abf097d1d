import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedLines } from '../../../src/collectors/ksm/store/changed-lines.ts';
import { randomFrom } from '../../kit/random.ts';

const changed = (before: string, now: string): string[] =>
  changedLines(Buffer.from(before), Buffer.from(now)).map((part) => part.toString());

test('changed text consists of complete lines between the common beginning and end', () => {
  assert.deepEqual(changed('', ''), ['', '']);
  assert.deepEqual(changed('a 1\n', ''), ['a 1\n', '']);
  assert.deepEqual(changed('a 1\nb 1\nc 1\n', 'a 1\nb 2\nc 1\n'), ['b 1\n', 'b 2\n']);
  assert.deepEqual(changed('a 1\n', 'a 1\nb 1\n'), ['', 'b 1\n']);
  assert.deepEqual(changed('a 1\nb 1\n', 'b 1\n'), ['a 1\n', '']);
  // The common end begins within a line of one of them.
  assert.deepEqual(changed('a 1\naa 1\n', 'a 1\n'), ['aa 1\n', '']);
  assert.deepEqual(changed('b 1\n', 'a 1\nbb 1\n'), ['b 1\n', 'a 1\nbb 1\n']);
  assert.deepEqual(changed('x 11\n', 'x 1\n'), ['x 11\n', 'x 1\n']);
  const long = 'y'.repeat(2000);
  assert.deepEqual(changed(`${long} 1\nb 1\n${long} 2\n`, `${long} 1\nb 22\n${long} 2\n`), ['b 1\n', 'b 22\n']);
});

test('any two texts are stripped of the same lines, and of nothing else', () => {
  const random = randomFrom('changed-lines');
  const textOf = (lines: number) =>
    Array.from({ length: random.below(lines) }, () => `${'ab'.repeat(random.below(4))}${random.below(3)}\n`).join('');
  for (let round = 0; round < 500; round++) {
    const [head, tail] = [textOf(100), textOf(100)];
    const [one, other] = [head + textOf(4) + tail, head + textOf(4) + tail];
    const [before = '', now = ''] = changed(one, other);
    const isAt = (start: number) =>
      one.startsWith(before, start) &&
      other === one.slice(0, start) + now + one.slice(start + before.length) &&
      (start === 0 || one[start - 1] === '\n');
    const starts = Array.from({ length: one.length - before.length + 1 }, (_, start) => start);
    assert.ok(starts.some(isAt), JSON.stringify({ one, other, before, now }));
    for (const part of [before, now]) assert.ok(part === '' || part.endsWith('\n'));
    assert.ok(before !== now || before === '', 'equal texts have no differences');
  }
});
