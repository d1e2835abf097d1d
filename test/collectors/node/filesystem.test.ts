import assert from 'node:assert/strict';
import { readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { filesystem, filesystemWith } from '../../../src/collectors/node/filesystem.ts';
import type { HostPaths } from '../../../src/host/paths.ts';
import { BlockingSpace } from '../../../src/host/statfs.ts';
import { collectOnce, collectorOn } from '../../kit/collect.ts';
import { answer, HANGING_PROGRAM } from '../../kit/hanging-statfs.ts';
import { fixture, fixturePaths, hostTree } from '../../kit/host-tree.ts';
import { difference, samplesOf } from '../../kit/samples.ts';

// Recorded from node_exporter on hosts without the mounted folders: each statfs fails.
for (const [scene, procfs, rootfs] of [
  ['main', 'node/proc', '/nonexistent'],
  ['bindmount', 'node/extra/filesystem-bindmount/proc', '/host'],
  ['hidepid', 'node/extra/filesystem-hidepid/proc', '/nonexistent'],
] as const) {
  test(`mounts as node_exporter shows them: ${scene}`, async () => {
    const expected = samplesOf(readFileSync(fixture(`node/extra/filesystem-${scene}/expected.prom`), 'utf8'));
    const paths = { ...fixturePaths(), procfs: fixture(procfs), rootfs };
    const { lines, result } = await collectOnce(filesystem, paths);
    assert.equal(result.outcome, 'ok');
    assert.deepEqual(difference(samplesOf(`${lines.join('\n')}\n`), expected), []);
  });
}

/** A host with these lines of mountinfo: mount point, type, device, and options of the file system. */
const hostWith = (t: TestContext, ...mounts: readonly (readonly [string, string, string, string?])[]): HostPaths =>
  hostTree(t, {
    'proc/1/mountinfo': mounts
      .map(
        ([point, type, device, options = 'rw'], id) => `${id} 1 8:${id} / ${point} rw - ${type} ${device} ${options}\n`,
      )
      .join(''),
  });

test('space and inodes of a file system, in its own block size', async (t) => {
  const paths = hostWith(t, ['/', 'ext4', '/dev/sda1', 'ro']);
  const { bsize, blocks, files } = statfsSync(paths.rootfs);
  const { lines } = await collectOnce(filesystem, paths);
  const labels = '{device="/dev/sda1",mountpoint="/",fstype="ext4",device_error=""}';
  assert.deepEqual(
    lines.map((line) => line.slice(0, line.indexOf('{'))),
    ['avail_bytes', 'device_error', 'files_free', 'files', 'free_bytes', 'mount_info', 'readonly', 'size_bytes'].map(
      (name) => `node_filesystem_${name}`,
    ),
  );
  for (const line of [
    `node_filesystem_device_error${labels} 0`,
    `node_filesystem_readonly${labels} 1`,
    `node_filesystem_size_bytes${labels} ${blocks * bsize}`,
    `node_filesystem_files${labels} ${files}`,
    'node_filesystem_mount_info{device="/dev/sda1",major="8",minor="0",mountpoint="/"} 1',
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test('each field of statfs(2) has its metric', async (t) => {
  const space = { sizeBytes: 1000, freeBytes: 900, availableBytes: 800, files: 70, filesFree: 60 };
  const asking = filesystemWith(() => async () => space);
  const { lines } = await collectOnce(asking, hostWith(t, ['/mnt', 'nfs4', 'nas:/a']));
  for (const line of [
    'node_filesystem_size_bytes{device="nas:/a",mountpoint="/mnt",fstype="nfs4",device_error=""} 1000',
    'node_filesystem_free_bytes{device="nas:/a",mountpoint="/mnt",fstype="nfs4",device_error=""} 900',
    'node_filesystem_avail_bytes{device="nas:/a",mountpoint="/mnt",fstype="nfs4",device_error=""} 800',
    'node_filesystem_files{device="nas:/a",mountpoint="/mnt",fstype="nfs4",device_error=""} 70',
    'node_filesystem_files_free{device="nas:/a",mountpoint="/mnt",fstype="nfs4",device_error=""} 60',
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test('the last of several mounts on one mount point wins', async (t) => {
  const twice = hostWith(t, ['/', 'ext4', '/dev/sda1'], ['/', 'ext4', '/dev/sda1', 'ro'], ['/', 'xfs', '/dev/sdb']);
  const { lines, result } = await collectOnce(filesystem, twice);
  assert.equal(result.outcome, 'ok');
  assert.deepEqual(
    lines.filter((line) => line.includes('readonly')),
    [
      'node_filesystem_readonly{device="/dev/sda1",mountpoint="/",fstype="ext4",device_error=""} 1',
      'node_filesystem_readonly{device="/dev/sdb",mountpoint="/",fstype="xfs",device_error=""} 0',
    ],
  );
});

test('mount points and types are selected by expressions', async (t) => {
  const paths = hostWith(t, ['/', 'ext4', 'a'], ['/sys', 'tmpfs', 'b'], ['/run', 'tmpfs', 'c'], ['/x', 'overlay', 'd']);
  const devices = async (options: object) => {
    const { lines } = await collectOnce(filesystem, paths, options);
    return lines.filter((line) => line.includes('device_error{')).map((line) => /device="(.*?)"/.exec(line)?.[1]);
  };
  assert.deepEqual(await devices({}), ['a', 'c']);
  assert.deepEqual(await devices({ mountPointsInclude: '^/sys' }), ['b']);
  assert.deepEqual(await devices({ mountPointsExclude: '^/$', fsTypesExclude: '' }), ['b', 'c', 'd']);
  assert.deepEqual(await devices({ fsTypesInclude: 'overlay' }), ['d']);
  await assert.rejects(
    devices({ fsTypesInclude: 'a', fsTypesExclude: 'b' }),
    /fsTypes: include and exclude expressions/,
  );
});

test('a hung network mount is reported as such, within the timeout, and does not affect the others', async (t) => {
  const paths = hostWith(
    t,
    ['/', 'ext4', '/dev/sda1'],
    ['/hang', 'nfs4', 'nas:/a'],
    ['/hang/below', 'xfs', '/dev/sdb'],
  );
  const blocking = filesystemWith((deadlineMs) => {
    const space = new BlockingSpace(deadlineMs, HANGING_PROGRAM);
    return (path) => space.ask(path);
  });
  const collect = collectorOn(blocking, paths, { mountTimeout: '50ms' });
  const stuck = 'mountpoint="/hang",fstype="nfs4",device_error="mountpoint timeout"';
  for (const cycle of ['the first', 'the next']) {
    const { lines, result } = await collect();
    assert.equal(result.outcome, 'ok');
    assert.ok(result.durationSeconds < 2, `${cycle} cycle took ${result.durationSeconds} s`);
    assert.deepEqual(
      lines.filter((line) => line.includes('nfs4')),
      [
        `node_filesystem_device_error{device="nas:/a",${stuck}} 1`,
        `node_filesystem_readonly{device="nas:/a",${stuck}} 0`,
      ],
    );
    assert.equal(lines.filter((line) => line.includes('/dev/sda1')).length, 8);
    assert.equal(lines.filter((line) => line.includes('/dev/sdb')).length, 2);
  }
  await answer(join(paths.rootfs, 'hang'));
  const { lines } = await collect();
  assert.ok(
    lines.includes('node_filesystem_size_bytes{device="nas:/a",mountpoint="/hang",fstype="nfs4",device_error=""} 5120'),
  );
});

test('without a mount table there is no data; a truncated one is an error', async (t) => {
  assert.equal((await collectOnce(filesystem, hostTree(t, {}))).result.outcome, 'nodata');
  const { result } = await collectOnce(filesystem, hostTree(t, { 'proc/1/mountinfo': '29 1 259:2 / / rw,rela' }));
  assert.equal(result.outcome, 'fault');
  assert.match(result.reason ?? '', /1\/mountinfo:1: expected a mount/);
});

test("file systems mounted after the start of the agent's pod are a known loss, not the file system below", async (t) => {
  const line = (id: number, point: string, type: string) =>
    `${id} 1 8:${id} / ${point} rw - ${type} /dev/sda${id} rw\n`;
  const files = (rootfs: string) => ({
    'proc/1/mountinfo': line(1, '/', 'ext4') + line(2, '/later', 'xfs') + line(3, '/again', 'xfs'),
    // Another file system is mounted at the host's new mount point.
    'proc/self/mountinfo': line(9, '/', 'overlay') + line(1, rootfs, 'ext4') + line(4, `${rootfs}/again`, 'xfs'),
  });
  const { rootfs } = hostTree(t, {});
  const paths = { ...hostTree(t, files(rootfs)), rootfs };
  const { lines, result } = await collectOnce(filesystem, paths);
  const points = lines.filter((line) => line.startsWith('node_filesystem_readonly'));
  assert.equal(points.length, 1);
  assert.match(points[0] as string, /mountpoint="\/"/);
  assert.equal(result.outcome, 'ok');
  assert.deepEqual(result.withheld, ['file systems mounted after the start of the agent: needs node.mountPropagation']);
});
