import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadavg } from '../../../src/collectors/node/loadavg.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

test('three load averages', async (t) => {
  const { lines } = await collectOnce(loadavg, hostTree(t, { 'proc/loadavg': '0.02 1.5 12 1/719 19737\n' }));
  assert.deepEqual(lines, ['node_load1 0.02', 'node_load15 12', 'node_load5 1.5']);
});

test('without the file there is no data', async (t) => {
  const { result } = await collectOnce(loadavg, hostTree(t, {}));
  assert.equal(result.outcome, 'nodata');
  assert.match(result.reason ?? '', /proc\/loadavg does not exist/);
});

test('a truncated file is an error that names path and line', async (t) => {
  const { result, lines } = await collectOnce(loadavg, hostTree(t, { 'proc/loadavg': '0.02 1.' }));
  assert.equal(result.outcome, 'fault');
  assert.match(result.reason ?? '', /proc\/loadavg:1: expected a number, found nothing/);
  assert.deepEqual(lines, []);
});
