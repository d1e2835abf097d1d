import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachRecord } from '../../src/host/lines.ts';
import { count, counts, decimal, hexadecimal, integer, unsignedDecimal } from '../../src/host/numbers.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';

/** The values of a file with one number per line, and its losses. */
function read(text: string): { numbers: number[]; errors: string[] } {
  const out = new Snapshot();
  const numbers: number[] = [];
  eachRecord(out, '/f', text, (line) => numbers.push(integer(line)));
  return { numbers, errors: out.errors.map(({ message }) => message) };
}

test('a bad record is lost alone, with path and line', () => {
  assert.deepEqual(read('1\nx\n\n3\n4\0\n5'), {
    numbers: [1, 3, 5],
    errors: ['/f:2: expected a number, found "x"', '/f:5: the line contains NUL bytes'],
  });
});

for (const text of ['', '\n\n \n', '\0'.repeat(4096)]) {
  test(`a file of ${JSON.stringify(text.slice(0, 8))} is lost`, () => {
    const { numbers, errors } = read(text);
    assert.deepEqual([numbers, errors.length], [[], 1]);
    assert.match(errors[0] ?? '', /^\/f: the file (?:is empty|contains only)/);
  });
}

test('reading stops after 100 bad records if there are no good ones', () => {
  assert.throws(() => read('x\n'.repeat(1000)), /^MalformedFile: \/f:101: expected a number/);
});

test('numbers are whole words of at most 64 bits, and counts are not negative', () => {
  assert.equal(integer('18446744073709551615'), 2 ** 64);
  for (const text of ['9'.repeat(400), '99999999999999999999', '0x1f', '1 2', '1e3', '', undefined]) {
    assert.throws(() => integer(text), /expected a number/, String(text));
  }
  assert.throws(() => decimal('1e400'), /expected a number/);
  assert.throws(() => hexadecimal('1'.repeat(17)), /expected a number/);
  assert.throws(() => count('-2049562273'), /expected a count, found -2049562273/);
  assert.throws(() => count('18446744073709551615'), /expected a count/);
  // A limit that is not set, such as that of open files.
  assert.equal(count('9223372036854775807'), 2 ** 63);
  assert.throws(() => unsignedDecimal('-0.5'), /expected a number, found "-0.5"/);
  assert.equal(unsignedDecimal('0.5'), 0.5);
});

test('the counts of a line are those of its words', () => {
  const exact = '9007199254740993 123456789012345 1234567890123456 9223372036854774784';
  assert.deepEqual(counts(`eth0:1 2  3\t4 ${exact} `, 5), [1, 2, 3, 4, ...exact.split(' ').map(count)]);
  assert.deepEqual(counts('eth0:', 5), []);
  assert.deepEqual(counts('eth0:  ', 5), []);
  for (const wrong of ['-1', '1x', 'x', '1.5', '18446744073709551615', '9'.repeat(400), '1\r']) {
    assert.throws(() => counts(`1 ${wrong} 2`, 0), { message: messageOf(() => count(wrong)) }, wrong);
  }
});

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (cause) {
    return (cause as Error).message;
  }
  return 'no error';
}
