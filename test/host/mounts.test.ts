import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Host } from '../../src/host/host.ts';
import { blockingMounts, isReadOnly, type Mount, parseMountinfo, readMounts } from '../../src/host/mounts.ts';
import { hostTree } from '../kit/host-tree.ts';

const line = (point: string, type = 'ext4', options = 'rw', superOptions = 'rw') =>
  `29 1 259:2 / ${point} ${options} shared:1 master:2 - ${type} /dev/sda1 ${superOptions}\n`;

test('a mount is read from its line, with any number of optional fields', () => {
  assert.deepEqual(parseMountinfo('p', '29 1 259:2 /sub / rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro\n'), [
    {
      major: '259',
      minor: '2',
      device: '/dev/sda1',
      mountPoint: '/',
      isBelowRoot: true,
      path: '/',
      fsType: 'ext4',
      options: ['rw', 'relatime'],
      superOptions: ['rw', 'errors=remount-ro'],
    },
  ]);
  assert.equal(parseMountinfo('p', line('/a'))[0]?.device, '/dev/sda1');
  assert.equal(parseMountinfo('p', '29 1 0:2 / /a rw - tmpfs  rw\n')[0]?.device, '');
});

for (const [point, rootfs, mountPoint, path] of [
  ['/a\\040b\\011c', '/', '/a b\tc', '/a b\tc'],
  ['/a\\134b\\012c\\043', '/', '/a\\134b\\012c\\043', '/a\\b\nc#'],
  ['/host', '/host', '/', '/host/'],
  ['/host/var', '/host/', '/var', '/host/var'],
  ['/var', '/host', '/var', '/host/var'],
] as const) {
  test(`${point} below ${rootfs} is shown as ${JSON.stringify(mountPoint)}`, () => {
    const [mount] = parseMountinfo('p', line(point), rootfs);
    assert.deepEqual([mount?.mountPoint, mount?.path], [mountPoint, path]);
  });
}

test('a truncated line is malformed', () => {
  for (const text of ['29 1 259:2 / /a rw', '29 1 259:2 / /a rw - ext4 /dev/sda1']) {
    assert.throws(() => parseMountinfo('mountinfo', text), /mountinfo:1: expected a mount/);
  }
});

test('a mount is read-only by itself, with its file system, or after an error', () => {
  const readOnly = (options: string, superOptions: string) =>
    isReadOnly(parseMountinfo('p', line('/a', 'ext4', options, superOptions))[0] as Mount);
  assert.equal(readOnly('rw,errors=remount-ro', 'rw'), false);
  assert.equal(readOnly('ro,nosuid', 'rw'), true);
  assert.equal(readOnly('rw', 'ro'), true);
  assert.equal(readOnly('rw', 'rw,emergency_ro'), true);
});

test('remote mounts may block, and so may those below them', () => {
  const types: readonly (readonly [string, string])[] = [
    ['/', 'ext4'],
    ['/mnt', 'nfs4'],
    ['/mnt/cache', 'xfs'],
    ['/mntx', 'tmpfs'],
    ['/s3', 'fuse.s3fs'],
    ['/auto', 'autofs'],
  ];
  const mounts = parseMountinfo('p', types.map(([point, type]) => line(point, type)).join(''));
  const blocking = mounts.filter(blockingMounts(mounts)).map(({ mountPoint }) => mountPoint);
  assert.deepEqual(blocking, ['/mnt', '/mnt/cache', '/s3', '/auto']);
});

test("the first process' mounts are read, or our own if it is hidden", (t) => {
  const points = (files: Readonly<Record<string, string>>) =>
    readMounts(new Host(hostTree(t, files))).map(({ fsType }) => fsType);
  const own = { 'proc/self/mountinfo': line('/', 'overlay') };
  assert.deepEqual(points({ ...own, 'proc/1/mountinfo': line('/', 'xfs') }), ['xfs']);
  assert.deepEqual(points(own), ['overlay']);
  assert.throws(() => points({}), /self\/mountinfo does not exist/);
});
