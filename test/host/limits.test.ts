import assert from 'node:assert/strict';
import { test } from 'node:test';
import { softLimit } from '../../src/host/limits.ts';

const read = (text: string, name: 'openFiles' | 'addressSpace' = 'openFiles') => {
  const bytes = Buffer.from(`${text}\nMax open files 5\n`);
  // What follows is of another file.
  return softLimit('/proc/7/limits', bytes, Buffer.byteLength(text), name);
};

const limits = (soft: string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax address space         unlimited            unlimited            bytes\nMax open files            ${soft} 1048576              files     \n`;

test('a soft limit is a number or unlimited; an empty file has none', () => {
  assert.equal(read(limits('1024                ')), 1024);
  assert.equal(read(limits('unlimited           ')), Number.POSITIVE_INFINITY);
  assert.equal(read(limits('1024'), 'addressSpace'), Number.POSITIVE_INFINITY);
  assert.equal(read(''), undefined);
});

for (const [text, line] of [
  [limits('many'), 3],
  [limits('12x'), 3],
  [limits('-1'), 3],
  ['Limit Soft\nMax open files', 1],
  ['Limit Soft\n', 1],
] as const) {
  test(`no soft limit: ${JSON.stringify(text.slice(-50))}`, () => {
    const message = `/proc/7/limits:${line}: expected a line "Max open files" with a number or "unlimited"`;
    assert.throws(() => read(text), { name: 'MalformedFile', message });
  });
}
