import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

// A value that is missing in a file, or not a number, is absent: never 0, never infinite.
for (const [collector, path, text, expected] of [
  ['xfrm', 'proc/net/xfrm_stat', 'XfrmInError 3\n', ['node_xfrm_in_error_packets_total 3']],
  [
    'xfrm',
    'proc/net/xfrm_stat',
    `XfrmInError ${'9'.repeat(400)}\nXfrmOutError 2\n`,
    ['node_xfrm_out_error_packets_total 2'],
  ],
  [
    'nfs',
    'proc/net/rpc/nfs',
    'rpc 5 0 0\n',
    ['node_nfs_rpc_authentication_refreshes_total 0', 'node_nfs_rpc_retransmissions_total 0', 'node_nfs_rpcs_total 5'],
  ],
] as const) {
  test(`${collector}: only the values in the file, for ${text.slice(0, 20)}`, async (t) => {
    const spec = nodeCollectors.find(({ name }) => name === collector);
    assert.ok(spec);
    const { lines } = await collectOnce(spec, hostTree(t, { [path]: text }));
    assert.deepEqual([...lines].sort(), expected);
  });
}
