import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { diskstats } from '../../../src/collectors/node/diskstats.ts';
import { collectOnce, collectorOn } from '../../kit/collect.ts';
import { fixturePaths, hostTree } from '../../kit/host-tree.ts';

const SDA = '   8       0 sda 10 1 20 30 40 2 50 60 3 70 80';

test('sectors become bytes, milliseconds seconds; without udev the identity is empty', async (t) => {
  const { lines, result } = await collectOnce(diskstats, hostTree(t, { 'proc/diskstats': `${SDA}\n` }));
  assert.equal(result.outcome, 'ok');
  assert.deepEqual(lines, [
    'node_disk_info{device="sda",major="8",minor="0",path="",wwn="",model="",serial="",revision="",rotational="0"} 1',
    'node_disk_io_now{device="sda"} 3',
    'node_disk_io_time_seconds_total{device="sda"} 0.07',
    'node_disk_io_time_weighted_seconds_total{device="sda"} 0.08',
    'node_disk_read_bytes_total{device="sda"} 10240',
    'node_disk_read_time_seconds_total{device="sda"} 0.03',
    'node_disk_reads_completed_total{device="sda"} 10',
    'node_disk_reads_merged_total{device="sda"} 1',
    'node_disk_write_time_seconds_total{device="sda"} 0.06',
    'node_disk_writes_completed_total{device="sda"} 40',
    'node_disk_writes_merged_total{device="sda"} 2',
    'node_disk_written_bytes_total{device="sda"} 25600',
  ]);
});

test('columns of newer kernels are ignored, lines with too few are skipped', async (t) => {
  const text = `${SDA} 1 2 3 4 5 6 7 8\n   8       1 sdaa 1 2 3 4\n`;
  const { lines } = await collectOnce(diskstats, hostTree(t, { 'proc/diskstats': text }));
  assert.equal(lines.length, 18);
  assert.ok(lines.includes('node_disk_flush_requests_time_seconds_total{device="sda"} 0.006'));
});

test('a disk is identified by its most specific serial number; a malformed ATA property affects only itself', async (t) => {
  const udev = 'S:disk\nE:ID_SERIAL=long\nE:ID_SERIAL_SHORT=short\nE:ID_ATA=1\nE:ID_ATA_WRITE_CACHE=yes\n';
  const paths = hostTree(t, {
    'proc/diskstats': `${SDA}\n`,
    'udev/data/b8:0': `${udev}E:ID_ATA_ROTATION_RATE_RPM=5400\n`,
    'sys/block/sda/queue/rotational': '1\n',
  });
  const { lines, result } = await collectOnce(diskstats, paths);
  assert.equal(lines[0], 'node_disk_ata_rotation_rate_rpm{device="sda"} 5400');
  assert.match(lines[1] ?? '', /serial="short",revision="",rotational="1"/);
  assert.deepEqual(
    result.errors.map(({ message }) => message),
    ['sda ID_ATA_WRITE_CACHE: expected a number, found "yes"'],
  );
});

test('disks are identified as soon as udev has started, which may be after the agent', async (t) => {
  const paths = hostTree(t, { 'proc/diskstats': `${SDA}\n` });
  const collect = collectorOn(diskstats, paths, {});
  const serial = async () => /serial="(.*?)"/.exec((await collect()).lines.join('\n'))?.[1];
  assert.equal(await serial(), '');
  mkdirSync(paths.udev, { recursive: true });
  assert.equal(await serial(), '');
  writeFileSync(join(paths.udev, 'b8:0'), 'E:ID_SERIAL=late\n');
  assert.equal(await serial(), 'late');
  writeFileSync(join(paths.udev, 'b8:0'), 'E:ID_SERIAL=another\n');
  assert.equal(await serial(), 'another');
});

const devices = async (options: object) => {
  const { lines } = await collectOnce(diskstats, fixturePaths(), options);
  return lines.map((line) => /^node_disk_io_now\{device="(.*)"\}/.exec(line)?.[1]).filter(Boolean);
};

test('an include or an exclude expression selects devices; one replaces the other', async () => {
  assert.deepEqual(await devices({ deviceInclude: '^sda' }), ['sda', 'sda1', 'sda2', 'sda3', 'sda4']);
  assert.deepEqual(await devices({ deviceExclude: '^(ram|loop|dm|nvme|mmc|fd|vd|sr)|[0-9]' }), ['sda', 'sdb', 'sdc']);
  assert.equal((await devices({ deviceExclude: '' })).length, 51);
  await assert.rejects(
    devices({ deviceExclude: 'a', deviceInclude: 'b' }),
    /diskstats: include and exclude expressions are mutually exclusive/,
  );
});

test('a host without block devices has no data', async (t) => {
  const { result } = await collectOnce(diskstats, hostTree(t, {}));
  assert.equal(result.outcome, 'nodata');
});

test('a malformed count affects its disk, with path and line', async (t) => {
  const paths = hostTree(t, { 'proc/diskstats': `${SDA}\n${SDA.replace('40', '4x').replace('sda', 'sdb')}\n` });
  const { result, lines } = await collectOnce(diskstats, paths);
  assert.match(result.errors.join(), /proc\/diskstats:2: expected a number, found "4x"/);
  assert.equal(result.outcome, 'partial');
  assert.ok(lines.length > 10 && lines.every((line) => line.includes('device="sda"')));
});
