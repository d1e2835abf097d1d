import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveUid, FIELD, KEY, Stat, splitArguments } from '../../../src/collectors/process/parse.ts';
import { parseListener } from '../../../src/collectors/process/ports.ts';
import { parsePasswd } from '../../../src/collectors/process/users.ts';
import { numberAfter } from '../../../src/host/byte-numbers.ts';

const REST = 'S 7 1 1 0 -1 4194304 11 9 12 9 14 15 9 9 20 0 3 0 22 18446744073709551615 24 18446744073709551615 1\n';

const parse = (text: string | Buffer): [Stat, Buffer] => {
  const bytes = Buffer.from(text as string);
  const stat = new Stat();
  stat.parse(bytes, bytes.length);
  return [stat, bytes];
};

test('the fields of stat, including numbers beyond the exact range', () => {
  const [{ state, fields }] = parse(`1 (a) ${REST}`);
  assert.equal(String.fromCharCode(state), 'S');
  const values = Object.entries(FIELD).map(([name, index]) => [name, fields[index]]);
  assert.deepEqual(Object.fromEntries(values), {
    ppid: 7,
    flags: 4194304,
    minorFaults: 11,
    majorFaults: 12,
    userTicks: 14,
    systemTicks: 15,
    threads: 3,
    startTicks: 22,
    virtualBytes: 2 ** 64 + 4096,
    residentPages: 24,
  });
});

test('a name ends at the last parenthesis, whatever it contains', () => {
  for (const name of ['', ')', 'a) R 1 (b', 'tab\there', 'new\nline) S 1', '((']) {
    const [stat, bytes] = parse(`1 (${name}) ${REST}`);
    assert.equal(stat.comm(bytes), name);
    assert.equal(stat.fields[FIELD.ppid], 7);
  }
});

test('a name that is not UTF-8, cut within a character by the kernel, keeps its bytes', () => {
  const [stat, bytes] = parse(Buffer.concat([Buffer.from('1 (gr'), Buffer.from([0xc3]), Buffer.from(`) ${REST}`)]));
  assert.equal(stat.comm(bytes), 'gr\udcc3');
});

test('a text that is not a stat file is rejected', () => {
  for (const text of ['', '1', '1 (a', ') (', `1 (a) S`, '1 (a) S 7 1 x', `1 (a) ${REST.slice(0, 40)}`]) {
    assert.throws(() => parse(text), /no name in parentheses|is not a number/, JSON.stringify(text));
  }
});

test('numbers by key', () => {
  const file = Buffer.from('Name: x\nVmSwap:\t    12 kB\nMax open files            unlimited  1 files\nPss: kB\n');
  const numberOf = (key: Buffer) => numberAfter(file, file.length, key);
  assert.equal(numberOf(KEY.swapKib), 12);
  assert.equal(numberOf(Buffer.from('\nMax open files')), Number.POSITIVE_INFINITY);
  assert.ok(Number.isNaN(numberOf(KEY.pssKib)));
  assert.ok(Number.isNaN(numberOf(KEY.readBytes)));
  assert.ok(Number.isNaN(numberAfter(file, 10, KEY.swapKib)), 'the bytes after it are of another file');
});

test('arguments are split at NUL, and a process title is one argument', () => {
  assert.deepEqual(splitArguments(''), []);
  assert.deepEqual(splitArguments('/bin/a\0-x\0\0y\0'), ['/bin/a', '-x', '', 'y']);
  assert.deepEqual(splitArguments('nginx: worker process\0\0\0'), ['nginx: worker process']);
  assert.deepEqual(splitArguments('\0'), ['']);
});

test('users', () => {
  assert.equal(effectiveUid('Name:\tUid:\nUid:\t1\t22\t3\t4\n'), 22);
  assert.equal(effectiveUid('Name:\tx\n'), undefined);
  const passwd = 'root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0\n# comment\nbroken:x:y\nweb:x:33:33::/:\n';
  assert.deepEqual(
    parsePasswd(passwd),
    new Map([
      [0, 'root'],
      [33, 'web'],
    ]),
  );
});

test('listening sockets', () => {
  const row = (local: string, state = '0A') =>
    `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 4711 1`;
  const listener = (protocol: 'tcp' | 'tcp6', local: string) => parseListener(protocol, row(local));
  assert.deepEqual(listener('tcp', '0100007F:1F90'), {
    protocol: 'tcp',
    address: '127.0.0.1',
    port: 8080,
    inode: '4711',
  });
  assert.equal(listener('tcp6', '00000000000000000000000000000000:0050')?.address, '::');
  assert.equal(listener('tcp6', '0000000000000000FFFF00000100007F:0050')?.address, '127.0.0.1');
  assert.equal(listener('tcp6', 'B80D0120000000000000000001000000:0050')?.address, '2001:db8::1');
  assert.equal(parseListener('tcp', row('0100007F:1F90', '01')), undefined);
  assert.equal(parseListener('tcp', 'broken'), undefined);
});
