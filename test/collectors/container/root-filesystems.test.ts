import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localSpace } from '../../../src/host/statfs.ts';
import { containerCycles, ofCgroup, V2Node } from './kit.ts';

const MOUNTINFO = [
  '22 1 259:0 / / rw - ext4 /dev/nvme0n1 rw',
  '23 22 259:0 /x /sys rw - ext4 /dev/nvme0n1 rw',
  '24 22 0:5 / /proc rw - tmpfs tmpfs rw',
  '25 22 0:6 / /sys/fs rw - overlay overlay rw',
  '26 22 0:7 / /gone rw - xfs /dev/gone rw',
  '27 22 0:8 / /kubepods rw - cgroup2 cgroup2 rw',
].join('\n');

test('the file systems of the host are exposed on the row of the root', async (context) => {
  const node = new V2Node(context);
  node.write('proc/1/mountinfo', `${MOUNTINFO}\n`);
  node.makeCgroup('/', { 'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4\n' });
  const cycle = containerCycles(node.paths, { families: 'kubelet' });
  const { samples, results } = await cycle();
  assert.deepEqual(results[0]?.errors, []);
  const exposed = ofCgroup(samples, '/');
  const devices = [...exposed.keys()].filter((series) => series.startsWith('container_fs_limit_bytes'));
  assert.deepEqual(devices.sort(), [
    'container_fs_limit_bytes{device="/dev/nvme0n1"}',
    'container_fs_limit_bytes{device="/proc"}',
  ]);
  const space = localSpace(node.root);
  assert.ok('sizeBytes' in space);
  assert.equal(exposed.get('container_fs_limit_bytes{device="/dev/nvme0n1"}'), space.sizeBytes);
  assert.equal(exposed.get('container_fs_inodes_total{device="/dev/nvme0n1"}'), space.files);
  const usage = exposed.get('container_fs_usage_bytes{device="/dev/nvme0n1"}') ?? 0;
  assert.ok(Math.abs(usage - (space.sizeBytes - space.freeBytes)) < 2 ** 30);
  // From diskstats, as the cgroup has no I/O on that disk; times in the unit that cAdvisor uses by mistake.
  assert.equal(exposed.get('container_fs_reads_total{device="/dev/nvme0n1"}'), 1);
  assert.equal(exposed.get('container_fs_sector_reads_total{device="/dev/nvme0n1"}'), 3);
  assert.equal(exposed.get('container_fs_read_seconds_total{device="/dev/nvme0n1"}'), 4e-9);
  assert.equal(exposed.get('container_fs_sector_reads_total{device="/proc"}'), undefined);
});

test('without a mount table the rest is exposed', async (context) => {
  const { samples, results } = await containerCycles(new V2Node(context).paths, { families: 'kubelet' })();
  assert.equal(results[0]?.outcome, 'ok');
  assert.equal(ofCgroup(samples, '/').get('container_cpu_usage_seconds_total{cpu="total"}'), 2.5);
});
