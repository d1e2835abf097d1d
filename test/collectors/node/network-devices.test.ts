import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bonding } from '../../../src/collectors/node/bonding.ts';
import { ethtool, wantedStatistics } from '../../../src/collectors/node/ethtool.ts';
import { statisticFamily } from '../../../src/collectors/node/ethtool-families.ts';
import { infiniband } from '../../../src/collectors/node/infiniband.ts';
import { netclass } from '../../../src/collectors/node/netclass.ts';
import { netdev } from '../../../src/collectors/node/netdev.ts';
import { networkRoute } from '../../../src/collectors/node/network_route.ts';
import { qdisc } from '../../../src/collectors/node/qdisc.ts';
import { Pattern } from '../../../src/config/re2/pattern.ts';
import { DEFAULT_PATHS } from '../../../src/host/paths.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixture, fixturePaths, hostTree } from '../../kit/host-tree.ts';
import { difference, samplesOf } from '../../kit/samples.ts';

const DEV = 'Inter-|\n face |\n';
const ETH0 = '  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n';
const ALIAS1 = 'eth0:1:100 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n';

test("netdev from the file has node_exporter's samples", async () => {
  const folder = fixture('node/extra/netdev');
  const { lines } = await collectOnce(netdev, { ...fixturePaths(), procfs: `${folder}/proc` });
  const expected = samplesOf(readFileSync(`${folder}/expected.prom`, 'utf8'));
  assert.deepEqual(difference(samplesOf(`${lines.join('\n')}\n`), expected), []);
});

test('netdev filters devices, including those with a colon in their name', async (t) => {
  const paths = hostTree(t, { 'proc/net/dev': DEV + ETH0 + ALIAS1 });
  const { lines } = await collectOnce(netdev, paths, { deviceInclude: '^eth0:' });
  assert.equal(lines.length, 16);
  assert.ok(lines.includes('node_network_receive_bytes_total{device="eth0:1"} 100'));
});

test('netdev adds the alias, and alternative names, when configured', async (t) => {
  const paths = hostTree(t, { 'proc/net/dev': DEV + ETH0, 'sys/class/net/eth0/ifalias': 'up "1"\n' });
  const { lines } = await collectOnce(netdev, paths, { labelIfalias: true, enableDetailedMetrics: true });
  assert.ok(lines.includes('node_network_receive_errors_total{device="eth0",ifalias="up \\"1\\""} 3'));
  assert.ok(lines.includes('node_network_transmit_dropped_total{device="eth0",ifalias="up \\"1\\""} 12'));
});

test('netdev queries netlink on this host', async () => {
  const { lines, result } = await collectOnce(netdev, DEFAULT_PATHS, { addressInfo: true, deviceInclude: '^lo$' });
  assert.deepEqual(result.errors, []);
  assert.ok(lines.some((line) => line.startsWith('node_network_receive_nohandler_total{device="lo"}')));
  assert.ok(
    lines.includes('node_network_address_info{device="lo",address="127.0.0.1",netmask="8",scope="link-local"} 1'),
  );
});

test('netdev rejects an include together with an exclude expression', async (t) => {
  const options = { deviceInclude: 'a', deviceExclude: 'b' };
  await assert.rejects(
    async () => collectOnce(netdev, hostTree(t, {}), options),
    /netdev: include and exclude expressions/,
  );
});

for (const spec of [ethtool, networkRoute, qdisc]) {
  test(`${spec.name} is lost if netlink would show another network namespace, and has no data without a host`, async (t) => {
    const { result: recorded } = await collectOnce(spec, hostTree(t, {}));
    assert.equal(recorded.outcome, 'nodata');
    const foreign = hostTree(t, { 'proc/1/net/netlink': 'sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n' });
    const { result, lines } = await collectOnce(spec, foreign);
    assert.deepEqual([result.outcome, lines, result.errors], ['nodata', [], []]);
    assert.match(result.withheld.join(), /: needs node\.hostNetwork$/);
  });

  test(`${spec.name} runs on this host`, async () => {
    const { result } = await collectOnce(spec, DEFAULT_PATHS);
    assert.deepEqual(result.errors, []);
    assert.equal(result.outcome, 'ok');
  });
}

// The first seven are upstream's own cases.
for (const [raw, name] of [
  ['port.rx_errors', 'node_ethtool_port_received_errors'],
  ['Queue[0] AllocFails', 'node_ethtool_queue_0_allocfails'],
  ['Tx LPI entry count', 'node_ethtool_transmitted_lpi_entry_count'],
  ['port.VF_admin_queue_requests', 'node_ethtool_port_vf_admin_queue_requests'],
  ['[3]: tx_bytes', 'node_ethtool_3_transmitted_bytes'],
  ['     err', 'node_ethtool_err'],
  ['rx_errors', 'node_ethtool_received_errors_total'],
  ['tx_tx_timeouts', 'node_ethtool_transmitted_tx_timeouts'],
] as const) {
  test(`ethtool exports ${JSON.stringify(raw)} as ${name}`, () => {
    const [sanitized = ''] = wantedStatistics([[raw, 1n]], /./).keys();
    assert.equal(statisticFamily(sanitized)[0], name);
  });
}

test('ethtool omits statistics whose names clash, and excluded ones', () => {
  const statistics = [
    ['duplicate metric', 1n],
    ['duplicate_metric', 2n],
    ['duplicate-metric', 3n],
    ['rx_a', 4n],
    ['tx_a', 5n],
  ] as const;
  assert.deepEqual([...wantedStatistics(statistics, new Pattern('^(dup|rx_)'))], [['rx_a', 4n]]);
});

test('netclass: unknown state, missing values, hexadecimal numbers and invalid speed', async (t) => {
  const device = (name: string) => `sys/class/net/${name}`;
  const files = {
    [`${device('eth0')}/operstate`]: 'down\n',
    [`${device('eth0')}/dev_id`]: '0x1f\n',
    [`${device('eth0')}/speed`]: '-1\n',
    [device('bonding_masters')]: 'bond0\n',
  };
  const { lines } = await collectOnce(netclass, hostTree(t, files));
  assert.deepEqual(lines, [
    'node_network_device_id{device="eth0"} 31',
    'node_network_info{device="eth0",address="",broadcast="",duplex="",operstate="down",adminstate="unknown",ifalias=""} 1',
    'node_network_speed_bytes{device="eth0"} -125000',
    'node_network_up{device="eth0"} 0',
  ]);
});

test('netclass skips only the broken file', async (t) => {
  const files = { 'sys/class/net/a/flags': '0x1\n', 'sys/class/net/b/flags': '0x1\n', 'sys/class/net/b/mtu': 'x\n' };
  const { lines, result } = await collectOnce(netclass, hostTree(t, files));
  assert.equal(result.outcome, 'partial');
  assert.match(result.errors[0]?.message ?? '', /net\/b\/mtu:1: expected a number/);
  assert.ok(lines.includes('node_network_flags{device="a"} 1'));
  assert.ok(lines.includes('node_network_flags{device="b"} 1'));
  assert.ok(!lines.some((line) => line.startsWith('node_network_mtu_bytes')));
});

test('bonding counts slaves, and active slaves, on old and new kernels', async () => {
  const { lines } = await collectOnce(bonding, fixturePaths());
  assert.deepEqual(lines, [
    'node_bonding_active{master="bond0"} 0',
    'node_bonding_active{master="dmz"} 2',
    'node_bonding_active{master="int"} 1',
    'node_bonding_slaves{master="bond0"} 0',
    'node_bonding_slaves{master="dmz"} 2',
    'node_bonding_slaves{master="int"} 2',
  ]);
});

test('infiniband: data in words, rates, and counters that a driver does not have', async () => {
  const { lines, result } = await collectOnce(infiniband, fixturePaths());
  assert.equal(result.outcome, 'ok');
  assert.equal(lines.length, 51);
  for (const sample of [
    'node_infiniband_info{device="i40iw0",board_id="I40IW Board ID",firmware_version="0.2",hca_type="I40IW"} 1',
    'node_infiniband_rate_bytes_per_second{device="mlx4_0",port="1"} 5000000000',
    'node_infiniband_state_id{device="mlx4_0",port="2"} 4',
    'node_infiniband_legacy_data_received_bytes_total{device="mlx4_0",port="1"} 18527668',
  ]) {
    assert.ok(lines.includes(sample), `${sample} is missing`);
  }
  assert.ok(!lines.some((line) => line.startsWith('node_infiniband_symbol_error_total{device="i40iw0"')));
});

test('infiniband: words wrap at 64 bits, lifespans are integer seconds, only a broken port is skipped', async (t) => {
  const port = (number: number) => `sys/class/infiniband/mlx5_0/ports/${number}`;
  const files = {
    'sys/class/infiniband/mlx5_0/fw_ver': '16.1\n',
    [`${port(1)}/counters/port_rcv_data`]: '9223372036854775807\n',
    [`${port(1)}/hw_counters/lifespan`]: '1999\n',
    [`${port(2)}/state`]: 'ACTIVE\n',
  };
  const { lines, result } = await collectOnce(infiniband, hostTree(t, files));
  assert.deepEqual(lines, [
    'node_infiniband_info{device="mlx5_0",board_id="",firmware_version="16.1",hca_type=""} 1',
    'node_infiniband_lifespan_seconds{device="mlx5_0",port="1"} 1',
    'node_infiniband_port_data_received_bytes_total{device="mlx5_0",port="1"} 18446744073709552000',
  ]);
  assert.match(result.errors[0]?.message ?? '', /ports\/2\/state:1: expected a number/);
});

for (const spec of [bonding, infiniband, netclass]) {
  test(`${spec.name} has no data on a host without such devices`, async (t) => {
    const { result, lines } = await collectOnce(spec, hostTree(t, {}));
    assert.deepEqual([result.outcome, lines], ['nodata', []]);
  });
}
