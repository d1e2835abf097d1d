import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ProcTree } from './proc-tree.ts';

const BY_COMM = { process_names: [{ name: '{{.Comm}}', cmdline: ['^/opt/'] }] };
const ARGV = ['/opt/x'];

test('names that are not UTF-8 stay distinct, and are shown by their bytes', async (context) => {
  const tree = new ProcTree(context);
  const collect = tree.collector(BY_COMM);
  const names = [Buffer.from([0x63, 0xe9]), Buffer.from([0x63, 0xe8]), Buffer.from('cé'), Buffer.from([0x63, 0xc3])];
  for (const [index, comm] of names.entries()) tree.set(7 + index, { comm, argv: ARGV });
  // Also after the names have been read a second time, and as cached keys.
  for (let cycle = 0; cycle < 2; cycle++) {
    const { groups, losses } = await collect();
    assert.deepEqual(losses, []);
    assert.deepEqual(groups, { 'c\\\\xe8': 1, 'c\\\\xe9': 1, 'c\\\\xc3': 1, cé: 1 });
  }
});

test('arguments that are not UTF-8 are matched, and name groups', async (context) => {
  const tree = new ProcTree(context);
  const collect = tree.collector({ process_names: [{ name: '{{.Matches.Name}}', cmdline: ['--name=(?P<Name>.+)$'] }] });
  for (const [pid, byte] of [
    [7, 0xe9],
    [8, 0xfc],
  ] as const) {
    tree.set(pid, { comm: 'x' });
    writeFileSync(tree.path(`${pid}`, 'cmdline'), Buffer.concat([Buffer.from('/opt/x\0--name=a'), Buffer.of(byte, 0)]));
  }
  assert.deepEqual((await collect()).groups, { 'a\\\\xe9': 1, 'a\\\\xfc': 1 });
});

test('no more than the kernel prints is read from a smaps_rollup of 1 GB, an endless one or a pipe', async (context) => {
  const tree = new ProcTree(context);
  const collect = tree.collector({ ...BY_COMM, smaps: true });
  for (const pid of [7, 8, 9, 10]) tree.set(pid, { comm: `x${pid}`, argv: ARGV });
  writeFileSync(tree.path('7', 'smaps_rollup'), 'Rss: 9 kB\nPss: 5 kB\nSwapPss: 2 kB\n');
  truncateSync(tree.path('7', 'smaps_rollup'), 2 ** 30);
  symlinkSync('/dev/zero', tree.path('8', 'smaps_rollup'));
  execFileSync('mkfifo', [tree.path('9', 'smaps_rollup')]);
  mkdirSync(tree.path('10', 'smaps_rollup'));
  const before = process.memoryUsage().rss;
  const seen = await collect();
  assert.ok(process.memoryUsage().rss - before < 100 * 2 ** 20);
  assert.equal(seen.of('x7', 'memory_bytes', 'memtype="proportionalResident"'), 5120);
});

/** One file of one process that no kernel produces; the losses, and the remaining samples of that process. */
const ODD: readonly (readonly [file: string, text: string, lost: RegExp, stays: string, value: number | undefined])[] =
  [
    ['io', 'rchar: 1\n', /^io of a process: 7\/io:1: expected/, 'open_filedesc', 2],
    ['io', `rchar: 1\nread_bytes: ${'9'.repeat(400)}\nwrite_bytes: 1\n`, /^io of a process/, 'open_filedesc', 2],
    ['io', 'rchar: 1\nread_bytes: 0x1f\nwrite_bytes: 1\n', /^io of a process/, 'open_filedesc', 2],
    ['status', 'Name:\tx\nUid:\t1\t0\t1\t1\n', /^status of a process: 7\/status:1: expected/, 'open_filedesc', 2],
    ['status', '\0\0\0\0\0\0', /^status of a process/, 'open_filedesc', 2],
    ['stat', '', /^stat of a process: .*no name/, 'open_filedesc', undefined],
    [
      'stat',
      `7 (x) S 1 1 1 0 -1 0 ${'9'.repeat(400)} 0 0`,
      /^stat of a process: .*field 10/,
      'open_filedesc',
      undefined,
    ],
    ['stat', '7 (x) S 1 1 1 0 -1 0 1x 0 0', /^stat of a process: .*field 10/, 'open_filedesc', undefined],
  ];

for (const [file, text, lost, stays, value] of ODD) {
  test(`a malformed ${file} of one process loses only its own values: ${JSON.stringify(text).slice(0, 40)}`, async (context) => {
    const tree = new ProcTree(context);
    const collect = tree.collector(BY_COMM);
    for (const pid of [7, 8]) tree.set(pid, { comm: `p${pid}`, argv: ARGV, files: 2, user: 100 });
    writeFileSync(tree.path('7', file), text);
    for (let cycle = 0; cycle < 2; cycle++) {
      const seen = await collect();
      assert.match(seen.losses.join(), lost);
      assert.equal(seen.of('p7', stays), value);
      // The other process is not affected.
      assert.equal(seen.of('p8', 'open_filedesc'), 2);
      assert.equal(seen.of('p8', 'read_bytes_total'), 0);
      assert.equal(seen.collected.result.outcome, 'partial');
    }
  });
}
