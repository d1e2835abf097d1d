import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CollectorSpec } from '../../../src/collectors/collector.ts';
import { bcachefs } from '../../../src/collectors/node/bcachefs.ts';
import { parseHumanBytes, parseSections } from '../../../src/collectors/node/bcachefs-parse.ts';
import { allocationRatio, btrfs } from '../../../src/collectors/node/btrfs.ts';
import { xfs } from '../../../src/collectors/node/xfs.ts';
import { zfs } from '../../../src/collectors/node/zfs.ts';
import { DeniedFile } from '../../../src/host/errors.ts';
import { Host } from '../../../src/host/host.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixture, fixturePaths, hostTree } from '../../kit/host-tree.ts';
import { difference, nameOf, samplesOf } from '../../kit/samples.ts';

// Recorded from node_exporter on the fixture tree; see test/fixtures/node/README.md.
const recorded = samplesOf(readFileSync(fixture('node/extra/storage/expected.prom'), 'utf8'));

for (const [spec, prefix] of [
  [btrfs, 'node_btrfs_'],
  [xfs, 'node_xfs_'],
  [zfs, 'node_zfs_'],
] as const) {
  test(`${spec.name} has node_exporter's samples of the fixture tree`, async () => {
    const { lines, result } = await collectOnce(spec, fixturePaths());
    const expected = new Map([...recorded].filter(([series]) => nameOf(series).startsWith(prefix)));
    assert.ok(expected.size > 0);
    assert.deepEqual(result.errors, []);
    assert.deepEqual(difference(samplesOf(`${lines.join('\n')}\n`), expected), []);
  });
}

for (const spec of [bcachefs, zfs]) {
  test(`${spec.name} has no data on a host without it`, async (t) => {
    const { result } = await collectOnce(spec, hostTree(t, { 'sys/block/sda/size': '1\n' }));
    assert.equal(result.outcome, 'nodata');
  });
}

for (const spec of [btrfs, xfs]) {
  test(`${spec.name} has no data on a host without it`, async (t) => {
    const { lines, result } = await collectOnce(spec, hostTree(t, { 'sys/block/sda/size': '1\n' }));
    assert.equal(result.outcome, 'nodata');
    assert.deepEqual(lines, []);
  });
}

interface Case {
  readonly spec: CollectorSpec;
  readonly what: string;
  readonly files: Readonly<Record<string, string>>;
  readonly lines: readonly string[];
  /** Message of the one lost unit, or of the fault. */
  readonly error: RegExp;
}

const BCACHEFS = 'sys/fs/bcachefs/a-1';
const KSTAT = '6 1 0x01 1 48 1 2\nname type data\n';

// A corrupt file in each, which loses only its own unit; also cases that the fixture tree does not have.
const cases: readonly Case[] = [
  {
    spec: xfs,
    what: 'a line with too few numbers; the sums of all devices are absent',
    files: { 'sys/fs/xfs/sda/stats/stats': 'rw 1\n', 'sys/fs/xfs/stats/stats': 'rw 1 2\n' },
    lines: [],
    error: /sda\/stats\/stats:1: expected a number, found nothing/,
  },
  {
    spec: zfs,
    what: 'a bad number in one file',
    files: {
      'proc/spl/kstat/zfs/fm': `${KSTAT}erpt-dropped 4 x\n`,
      'proc/spl/kstat/zfs/arcstats': `${KSTAT}c 4 18446744073709551615\nd 3 -1\nversion 7 2.2\n`,
      'proc/spl/kstat/zfs/dbgmsg': 'timestamp message\n',
    },
    lines: ['node_zfs_arc_c 18446744073709552000', 'node_zfs_arc_d -1'],
    error: /zfs\/fm:3: expected a number, found "x"/,
  },
  {
    spec: zfs,
    what: 'a file without its header, and a pool in an unknown state',
    files: { 'proc/spl/kstat/zfs/fm': 'erpt-dropped 4 1\nerpt-failed 4 2\n', 'proc/spl/kstat/zfs/tank/state': 'new\n' },
    lines: ['degraded', 'faulted', 'offline', 'online', 'removed', 'suspended', 'unavail'].map(
      (state) => `node_zfs_zpool_state{zpool="tank",state="${state}"} 0`,
    ),
    error: /^fm: .*fm:2: expected the line "name type data"/,
  },
  {
    spec: zfs,
    what: "a pool's numbers without their names",
    files: { 'proc/spl/kstat/zfs/tank/io': '1 2 3\n' },
    lines: [],
    error: /^tank\/io: .*io:2: expected a line of names/,
  },
  {
    spec: btrfs,
    what: 'device errors by number, and by name when there is one device; a bad number',
    files: {
      'sys/fs/btrfs/a-1/devices/sda/size': '8\n',
      'sys/fs/btrfs/a-1/devinfo/1/error_stats': 'write_errs 3\n',
      'sys/fs/btrfs/b-2/devices/sdb/uevent': '',
      'sys/fs/btrfs/b-2/devices/sdc/uevent': '',
      'sys/fs/btrfs/b-2/devinfo/2/error_stats': 'corruption_errs 1\n',
      'sys/fs/btrfs/b-2/commit_stats': 'commits x\n',
      'sys/fs/btrfs/features/raid56': '0\n',
    },
    lines: [
      'node_btrfs_device_errors_total{uuid="a-1",device="sda",type="write"} 3',
      'node_btrfs_device_errors_total{uuid="b-2",device="devid 2",type="corruption"} 1',
      'node_btrfs_device_size_bytes{uuid="a-1",device="sda"} 4096',
      'node_btrfs_info{uuid="a-1",label=""} 1',
      'node_btrfs_info{uuid="b-2",label=""} 1',
    ],
    error: /b-2\/commit_stats:1: expected a number, found "x"/,
  },
  {
    spec: bcachefs,
    what: 'a bad number in one device',
    files: {
      [`${BCACHEFS}/dev-0/state`]: '[rw] ro\n',
      [`${BCACHEFS}/dev-0/nbuckets`]: 'x\n',
      [`${BCACHEFS}/counters/new counter`]: 'since mount: 1\nsince filesystem creation: 1.5k\n',
    },
    lines: [
      'node_bcachefs_device_info{uuid="a-1",device="0",label="",state="[rw] ro"} 1',
      'node_bcachefs_info{uuid="a-1"} 1',
      'node_bcachefs_new_counter_total{uuid="a-1"} 1536',
    ],
    error: /dev-0\/nbuckets:1: expected a number, found "x"/,
  },
  {
    spec: bcachefs,
    what: 'a bad row of a table, and tables with short rows',
    files: {
      [`${BCACHEFS}/compression_stats`]: 'type compressed uncompressed\nlz4 1k 2k\ngzip x 1\n',
      [`${BCACHEFS}/btree_write_stats`]: ' nr size\ninitial: 3 1k\ninterior: 4\n',
      [`${BCACHEFS}/errors`]: 'bad_csum 2 1767112063\nunknown\n',
    },
    lines: [
      'node_bcachefs_btree_write_average_size_bytes{uuid="a-1",type="initial"} 1024',
      'node_bcachefs_btree_writes_total{uuid="a-1",type="initial"} 3',
      'node_bcachefs_compression_compressed_bytes{uuid="a-1",algorithm="lz4"} 1024',
      'node_bcachefs_compression_uncompressed_bytes{uuid="a-1",algorithm="lz4"} 2048',
      'node_bcachefs_errors_total{uuid="a-1",error_type="bad_csum"} 2',
      'node_bcachefs_info{uuid="a-1"} 1',
    ],
    error: /a-1\/compression_stats:3: expected a number, found "x"/,
  },
  {
    spec: bcachefs,
    what: 'a counter of an unknown format',
    files: { [`${BCACHEFS}/counters/a`]: '7\n', [`${BCACHEFS}/counters/b`]: 'since filesystem creation: 8\n' },
    lines: ['node_bcachefs_b_total{uuid="a-1"} 8', 'node_bcachefs_info{uuid="a-1"} 1'],
    error: /^a-1 a: .*counters\/a:1: expected a line "since filesystem creation:"/,
  },
];

for (const { spec, what, files, lines, error } of cases) {
  test(`${spec.name}: ${what}`, async (t) => {
    const collected = await collectOnce(spec, hostTree(t, files));
    assert.deepEqual(collected.lines, lines);
    assert.equal(collected.result.errors.length, 1);
    assert.match(collected.result.errors[0]?.message ?? '', error);
  });
}

test('entries that vanish between listing and reading are neither counted nor an error', async (t) => {
  const paths = hostTree(t, { 'sys/fs/bcachefs/version': '1\n', [`${BCACHEFS}/dev-0/label`]: 'gone\n' });
  // A folder without files: unmounted. Links that lead nowhere: listed, but gone when they are read.
  mkdirSync(join(paths.sysfs, 'fs/bcachefs/b-2'));
  const pool = join(paths.procfs, 'spl/kstat/zfs/tank');
  mkdirSync(pool, { recursive: true });
  for (const file of ['state', 'io', 'objset-1', '../fm']) symlinkSync('nowhere', join(pool, file));
  for (const [spec, lines] of [
    [bcachefs, ['node_bcachefs_info{uuid="a-1"} 1']],
    [zfs, []],
  ] as const) {
    const collected = await collectOnce(spec, paths);
    assert.deepEqual(collected.result.errors, []);
    assert.deepEqual(collected.lines, lines);
  }
});

test('bcachefs: directories that cannot be listed are skipped, their siblings are not', async (t) => {
  const sound = 'sys/fs/bcachefs/c-3/counters';
  const paths = hostTree(t, { [`${BCACHEFS}/errors`]: '', [`${sound}/a`]: 'since filesystem creation: 1\n' });
  symlinkSync('counters', join(paths.sysfs, 'fs/bcachefs/a-1/counters'));
  const { lines, result } = await collectOnce(bcachefs, paths);
  assert.deepEqual(
    result.errors.map(({ message }) => message.replace(paths.sysfs, '/sys')),
    ['a-1 counters: cannot read /sys/fs/bcachefs/a-1/counters: ELOOP'],
  );
  assert.ok(lines.includes('node_bcachefs_a_total{uuid="c-3"} 1'));

  const out = new Snapshot();
  void bcachefs.create({ host: new DenyingHost(paths), now: Date.now }, {})(out, AbortSignal.timeout(1000));
  assert.match(out.errors[0]?.message ?? '', /^a-1: .*a-1: permission denied/);
  assert.ok(out.keys.includes('node_bcachefs_a_total{uuid="c-3"}'));
});

/** Tests may run as root, which is denied nothing. */
class DenyingHost extends Host {
  override listIfExists(path: string): string[] {
    if (path.endsWith('a-1')) throw new DeniedFile(path);
    return super.listIfExists(path);
  }
}

test("bcachefs' tables, sections and sizes", () => {
  assert.equal(parseHumanBytes('28.2k'), 28876);
  assert.equal(parseHumanBytes('720'), 720);
  for (const text of ['ten', '-5', '-1.2k']) assert.throws(() => parseHumanBytes(text), /expected a number, found "/);
  const sections = 'read:\nsb          :       86016\n\nwrite:\n  x:1\n';
  assert.deepEqual(
    [...parseSections('io_done', sections, /^(read|write):$/)],
    [
      ['read', [['sb', 86016]]],
      ['write', [['x', 1]]],
    ],
  );
  // A line without its number is not a title.
  assert.throws(() => parseSections('f', 'read:\nsb:\n', /^(read|write):$/), /^MalformedFile: f:2: expected a number/);
  assert.throws(() => parseSections('f', 'sb: 1\n', /^(read|write):$/), /f:1: expected the title of a section/);
});

test('the space used by one byte on Btrfs, by profile', () => {
  assert.deepEqual(
    ['single', 'raid0', 'dup', 'raid1', 'raid10', 'raid1c3', 'raid1c4', 'raid5', 'raid6', 'new'].map((mode) =>
      allocationRatio(mode, 4),
    ),
    [1, 1, 2, 2, 2, 3, 4, 4 / 3, 2, 0],
  );
});
