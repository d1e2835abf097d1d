import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { CollectorSpec } from '../../../src/collectors/collector.ts';
import { bcache, parseHuman } from '../../../src/collectors/node/bcache.ts';
import { dmmultipath } from '../../../src/collectors/node/dmmultipath.ts';
import { drbd } from '../../../src/collectors/node/drbd.ts';
import { fibrechannel } from '../../../src/collectors/node/fibrechannel.ts';
import { mdadm } from '../../../src/collectors/node/mdadm.ts';
import { nvme } from '../../../src/collectors/node/nvme.ts';
import { tapestats } from '../../../src/collectors/node/tapestats.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixture, fixturePaths, hostTree } from '../../kit/host-tree.ts';
import { difference, nameOf, samplesOf } from '../../kit/samples.ts';

// Recorded from node_exporter on the fixture tree; see test/fixtures/node/README.md.
const recorded = samplesOf(readFileSync(fixture('node/extra/storage/expected.prom'), 'utf8'));

for (const [spec, prefix, options] of [
  [bcache, 'node_bcache_', { priorityStats: true }],
  [fibrechannel, 'node_fibrechannel_'],
  [mdadm, 'node_md_'],
  [nvme, 'node_nvme_'],
  [tapestats, 'node_tape_'],
] as const) {
  test(`${spec.name} has node_exporter's samples of the fixture tree`, async () => {
    const { lines, result } = await collectOnce(spec, fixturePaths(), options);
    const expected = new Map([...recorded].filter(([series]) => nameOf(series).startsWith(prefix)));
    assert.ok(expected.size > 0);
    assert.deepEqual(result.errors, []);
    assert.deepEqual(difference(samplesOf(`${lines.join('\n')}\n`), expected), []);
  });
}

for (const spec of [drbd, fibrechannel, mdadm, nvme, tapestats]) {
  test(`${spec.name} has no data on a host without it`, async (t) => {
    const { result } = await collectOnce(spec, hostTree(t, { 'sys/block/sda/size': '1\n' }));
    assert.equal(result.outcome, 'nodata');
  });
}

for (const spec of [bcache, dmmultipath]) {
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

const STAT = 'stats/in_flight';
const FC = 'sys/class/fc_host/host0';
const DRBD = 'version: 8.4.3 (api:1/proto:86-101)\n';

// A corrupt file in each, which loses only its own unit; also cases that the fixture tree does not have.
const cases: readonly Case[] = [
  {
    spec: tapestats,
    what: 'a drive whose count is not a number',
    files: { [`sys/class/scsi_tape/st0/${STAT}`]: 'x\n', [`sys/class/scsi_tape/st1/${STAT}`]: '2\n' },
    lines: ['node_tape_io_now{device="st1"} 2'],
    error: /st0\/stats\/in_flight:1: expected a number, found "x"/,
  },
  {
    spec: fibrechannel,
    what: 'a count that is not hexadecimal, in a port of few attributes',
    files: { [`${FC}/speed`]: '8 Gbit\n', [`${FC}/statistics/nos_count`]: '0xg\n' },
    lines: [
      'node_fibrechannel_info{fc_host="host0",speed="8 Gbit",port_state="",port_type="",symbolic_name="",' +
        'supported_classes="",supported_speeds="",port_id="",port_name="",fabric_name="",dev_loss_tmo=""} 1',
    ],
    error: /^host0 nos_count: expected a number, found "0xg"/,
  },
  {
    spec: nvme,
    what: 'a namespace path whose size is not a number',
    files: {
      'sys/class/nvme/nvme0/serial': 'S1  \n',
      'sys/class/nvme/nvme0/nvme0c1n2/size': '-\n',
      'sys/class/nvme/nvme0/nvme0c1n2/queue/logical_block_size': '512\n',
    },
    lines: [
      'node_nvme_info{device="nvme0",firmware_revision="",model="",serial="S1",state="",cntlid=""} 1',
      'node_nvme_namespace_info{device="nvme0",nsid="2",ana_state="unknown"} 1',
      'node_nvme_namespace_logical_block_size_bytes{device="nvme0",nsid="2"} 512',
    ],
    error: /^nvme0c1n2: expected a number, found "-"/,
  },
  {
    spec: dmmultipath,
    what: 'a size that is not a number, on a suspended device',
    files: {
      'sys/block/dm-0/dm/uuid': 'mpath-1\n',
      'sys/block/dm-0/dm/name': 'a\n',
      'sys/block/dm-0/dm/suspended': '1\n',
      'sys/block/dm-0/size': '?\n',
    },
    lines: [
      'node_dmmultipath_device_active{device="a",sysfs_name="dm-0"} 0',
      'node_dmmultipath_device_info{device="a",sysfs_name="dm-0",uuid="mpath-1"} 1',
    ],
    error: /^dm-0: .*size:1: expected a number, found "\?"/,
  },
  {
    spec: drbd,
    what: 'a device with a bad number next to one without a connection',
    files: { 'proc/drbd': `${DRBD} 0: cs:Unconfigured\n 1: cs:WFConnection ro:Secondary/Unknown ns:1x\n` },
    lines: [
      'node_drbd_connected{device="drbd0"} 0',
      'node_drbd_connected{device="drbd1"} 0',
      'node_drbd_node_role_is_primary{device="drbd1",node="local"} 0',
      'node_drbd_node_role_is_primary{device="drbd1",node="remote"} 0',
    ],
    error: /^drbd1 ns: expected a number, found "1x"/,
  },
  {
    spec: mdadm,
    what: 'an array without the counts of its disks',
    files: { 'proc/mdstat': 'Personalities : [raid1]\nmd0 : active raid1 sdi1[0]\n      248896 blocks\n' },
    lines: [],
    error: /mdstat:2: expected the counts of disks/,
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

test('bcache: an unreadable cache is skipped, the set is not', async (t) => {
  const set = 'sys/fs/bcache/a-1';
  const paths = hostTree(t, { [`${set}/cache0/written`]: 'x\n', [`${set}/tree_depth`]: '2\n' });
  const { lines, result } = await collectOnce(bcache, paths);
  assert.ok(lines.includes('node_bcache_tree_depth{uuid="a-1"} 2'));
  assert.deepEqual(
    result.errors.map(({ message }) => message),
    [`${paths.sysfs}/fs/bcache/a-1/cache0/written:1: expected a number, found "x"`],
  );
});

test("bcache's fractions count 1024ths", () => {
  for (const [text, value] of [
    ['512', 512],
    ['7.512', 7],
    ['1.5k', 1524],
    ['2.1023M', 106852352],
    ['-1.5k', -1524],
    ['-3', -3],
  ] as const) {
    assert.equal(parseHuman(text), value);
  }
  assert.throws(() => parseHuman('k'), /expected a number/);
});

test('a reshaping array has no active state, and its new number of disks is read from sysfs', async (t) => {
  const paths = hostTree(t, {
    'proc/mdstat':
      'md0 : active raid5 sdc1[2] sdb1[1] sda1[0]\n      100 blocks super 1.2 level 5 [3/3] [UUU]\n' +
      '      bitmap: 0/1 pages\n      [>....]  reshape =  4.0% (4/100) finish=1.0min speed=1K/sec\n',
    'sys/block/md0/md/level': 'raid5\n',
    'sys/block/md0/md/raid_disks': '3 (2)\n',
    'sys/block/md0/md/degraded': '0\n',
    'sys/block/md1/md/level': '\n',
    'sys/block/md1/md/raid_disks': '\n',
  });
  const { lines, result } = await collectOnce(mdadm, paths);
  assert.equal(result.outcome, 'ok');
  assert.deepEqual(
    lines.filter((line) => line.includes('state{')).filter((line) => !line.endsWith(' 0')),
    [],
  );
  assert.deepEqual(
    lines.filter((line) => /synced|raid_disks|degraded/.test(line)),
    [
      'node_md_blocks_synced{device="md0"} 4',
      'node_md_degraded{device="md0"} 0',
      'node_md_degraded{device="md1"} 0',
      'node_md_raid_disks{device="md0"} 3',
    ],
  );
});
