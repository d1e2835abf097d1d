import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { countAttribute, integerAttribute } from '../../src/host/attributes.ts';
import { cpuListAttribute, parseCpuList } from '../../src/host/cpu-list.ts';
import { MalformedFile } from '../../src/host/errors.ts';
import { Host } from '../../src/host/host.ts';
import { hostTree } from '../kit/host-tree.ts';

test('an attribute is read as a number; a missing one is undefined, other text is an error with its path', async (t) => {
  const host = new Host(hostTree(t, { 'sys/count': '-12\n', 'sys/volts': '1.5\n', 'sys/word': 'many\n' }));
  const path = (name: string) => join(host.paths.sysfs, name);
  assert.equal(integerAttribute(host, path('count')), -12);
  assert.throws(() => countAttribute(host, path('count')), /sys\/count:1: expected a count, found -12/);
  for (const read of [integerAttribute, countAttribute]) assert.equal(read(host, path('absent')), undefined);
  assert.throws(() => integerAttribute(host, path('volts')), /sys\/volts:1: expected a number, found "1.5"/);
  assert.throws(() => integerAttribute(host, path('word')), MalformedFile);
});

test('an attribute read off the main thread is the same text', async (t) => {
  const host = new Host(hostTree(t, { 'sys/count': ' 12 \n' }));
  assert.equal(await host.attributeLater(host.sys('count')), '12');
  assert.equal(await host.attributeLater(host.sys('absent')), undefined);
  await assert.rejects(host.attributeLater(host.sys()), /cannot read .*: EISDIR/);
});

test('CPU lists are numbers and ranges', () => {
  assert.deepEqual(parseCpuList('0-2,7,9-9\n'), [0, 1, 2, 7, 9]);
  assert.deepEqual(parseCpuList('\n'), []);
});

for (const list of ['1-', '-1', '3-1', 'a', '1,,2', '0-4294967295', '99999999999999999999']) {
  test(`${list} is not a CPU list`, (t) => {
    assert.throws(() => parseCpuList(list), /expected a CPU list/);
    const host = new Host(hostTree(t, { 'sys/isolated': `${list}\n` }));
    assert.throws(() => cpuListAttribute(host, host.sys('isolated')), /sys\/isolated:1: expected a CPU list/);
  });
}
