import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerCycles, ofCgroup, V2Node } from './kit.ts';

test('a device has the name of now: numbers are given to other devices, and a device may be used before it is listed', async (context) => {
  const node = new V2Node(context);
  const pod = '/kubepods/pod3307863b-88df-4b68-8327-ce4f0045f372';
  node.makeCgroup(pod, { 'io.stat': '259:0 rbytes=1 wbytes=2 rios=3 wios=4\n8:0 rbytes=5 wbytes=6 rios=7 wios=8\n' });
  const cycle = containerCycles(node.paths);
  const list = (...devices: readonly string[]) =>
    node.write('proc/diskstats', devices.map((device) => `${device} 1 2 3 4 5 6 7 8 9 10 11\n`).join(''));
  const read = async () => {
    const { samples, results } = await cycle();
    assert.deepEqual(results[0]?.errors, []);
    return [...ofCgroup(samples, pod)].filter(([series]) => series.startsWith('container_fs_reads_bytes_total'));
  };
  const shown = (device: string, bytes: number) => [`container_fs_reads_bytes_total{device="/dev/${device}"}`, bytes];
  list('259 0 nvme1n1');
  assert.deepEqual(await read(), [shown('nvme1n1', 1)]);
  list('259 0 nvme2n1', '8 0 sda');
  assert.deepEqual(await read(), [shown('nvme2n1', 1), shown('sda', 5)]);
  list('8 0 sdb');
  assert.deepEqual(await read(), [shown('sdb', 5)]);
});
