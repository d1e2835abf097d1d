import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectorSpec } from '../../../src/collectors/collector.ts';
import { arp } from '../../../src/collectors/node/arp.ts';
import { conntrack } from '../../../src/collectors/node/conntrack.ts';
import { ipvs } from '../../../src/collectors/node/ipvs.ts';
import { lnstat } from '../../../src/collectors/node/lnstat.ts';
import { mountstats } from '../../../src/collectors/node/mountstats.ts';
import { netdev } from '../../../src/collectors/node/netdev.ts';
import { netstat } from '../../../src/collectors/node/netstat.ts';
import { nfs } from '../../../src/collectors/node/nfs.ts';
import { nfsd } from '../../../src/collectors/node/nfsd.ts';
import { sockstat } from '../../../src/collectors/node/sockstat.ts';
import { tcpstat } from '../../../src/collectors/node/tcpstat.ts';
import { udpQueues } from '../../../src/collectors/node/udp_queues.ts';
import { xfrm } from '../../../src/collectors/node/xfrm.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixturePaths, hostTree } from '../../kit/host-tree.ts';

/** Collectors of text files, each with a broken file and the resulting message. */
const BROKEN: readonly (readonly [CollectorSpec, files: Readonly<Record<string, string>>, reason: RegExp])[] = [
  [arp, { 'proc/net/arp': 'IP address\n10.0.0.1 0x1 eth0\n' }, /arp:2: expected 6 columns, found 3/],
  [conntrack, { 'proc/net/stat/nf_conntrack': 'entries\n0g\n' }, /nf_conntrack:2: expected a number, found "0g"/],
  [ipvs, { 'proc/net/ip_vs_stats': 'a\nb\n1 2\n' }, /ip_vs_stats:3: expected 5 totals/],
  [netdev, { 'proc/net/dev': 'a\nb\n  eth0: 1 2 3\n' }, /dev:3: expected 16 counters, found 3/],
  [
    netstat,
    { 'proc/net/netstat': 'TcpExt: A B\nTcpExt: 1\n' },
    /netstat:2: the values do not match the names of TcpExt:/,
  ],
  [nfs, { 'proc/net/rpc/nfs': 'proc2 3 1 2\n' }, /nfs:1: proc2 announces 3 numbers but has 2/],
  [nfsd, { 'proc/net/rpc/nfsd': 'rc 1 many 2\n' }, /nfsd:1: expected a number, found "many"/],
  [sockstat, { 'proc/net/sockstat': 'TCP: inuse 1 orphan\n' }, /sockstat:1: expected a number, found nothing/],
  [
    tcpstat,
    { 'proc/net/tcp': 'sl\n 0: 0100007F:1389 00000000:0000 0A\n' },
    /tcp:2: expected tx_queue:rx_queue in column 5/,
  ],
  [udpQueues, { 'proc/net/udp': 'sl\n 0: 0:0 0:0 07 zz:0\n' }, /udp:2: expected tx_queue:rx_queue in column 5/],
  [xfrm, { 'proc/net/xfrm_stat': 'XfrmInError\n' }, /xfrm_stat:1: expected a number, found nothing/],
  [
    mountstats,
    { 'proc/1/mountstats': 'device a:/b mounted on /b with fstype nfs4 statvers=1.1\n\tbytes:\t1 2\n' },
    /mountstats:2: expected 8 numbers, found 2/,
  ],
];

for (const [spec, files, reason] of BROKEN) {
  test(`${spec.name} without its files has no data`, async (t) => {
    const { result, lines } = await collectOnce(spec, hostTree(t, {}));
    assert.deepEqual([result.outcome, lines], ['nodata', []]);
  });

  test(`${spec.name} with a broken file is a fault that names path and line`, async (t) => {
    const { result, lines } = await collectOnce(spec, hostTree(t, files));
    assert.deepEqual([result.outcome, lines], ['fault', []]);
    assert.match(result.reason ?? '', reason);
  });
}

/** Values computed by hand from the fixture tree's files, if the recorded output of node_exporter has none. */
const SAMPLES: readonly (readonly [CollectorSpec, count: number, samples: readonly string[]])[] = [
  [arp, 3, ['node_arp_entries{device="eth0"} 3', 'node_arp_entries{device="nope"} 1']],
  [
    conntrack,
    10,
    [
      'node_nf_conntrack_entries 123',
      'node_nf_conntrack_entries_limit 65536',
      'node_nf_conntrack_stat_ignore 89738',
      'node_nf_conntrack_stat_invalid 53',
      'node_nf_conntrack_stat_search_restart 7',
    ],
  ],
  [
    ipvs,
    35,
    [
      'node_ipvs_connections_total 23765872',
      'node_ipvs_incoming_bytes_total 89991519156915',
      'node_ipvs_backend_weight{local_address="192.168.0.22",local_port="3306",remote_address="192.168.82.22",remote_port="3306",proto="TCP",local_mark=""} 100',
      'node_ipvs_backend_connections_active{local_address="",local_port="0",remote_address="192.168.49.32",remote_port="3306",proto="FWM",local_mark="10001000"} 321',
    ],
  ],
  [
    nfs,
    94,
    [
      'node_nfs_packets_total{protocol="tcp"} 69',
      'node_nfs_connections_total 45',
      'node_nfs_rpc_retransmissions_total 374636',
      'node_nfs_requests_total{method="Null",proto="2"} 16',
      'node_nfs_requests_total{method="Access",proto="3"} 117661341',
      'node_nfs_requests_total{method="ServerCaps",proto="4"} 56',
    ],
  ],
  [
    nfsd,
    90,
    [
      'node_nfsd_server_threads 8',
      'node_nfsd_rpc_errors_total{error="auth"} 2',
      'node_nfsd_requests_total{method="GetAttr",proto="2"} 69',
      'node_nfsd_requests_total{method="Access",proto="4"} 1098',
      'node_nfsd_requests_total{method="RelLockOwner",proto="4"} 0',
      'node_nfsd_requests_total{method="WdelegGetattr",proto="4"} 15',
    ],
  ],
  [
    sockstat,
    20,
    [
      'node_sockstat_sockets_used 229',
      'node_sockstat_TCP_mem 1',
      'node_sockstat_TCP_mem_bytes 4096',
      'node_sockstat_RAW6_inuse 1',
    ],
  ],
  [udpQueues, 2, ['node_udp_queues{queue="tx",ip="v4"} 21', 'node_udp_queues{queue="rx",ip="v4"} 0']],
];

for (const [spec, count, samples] of SAMPLES) {
  test(`${spec.name} reads the fixture tree`, async () => {
    const { lines, result } = await collectOnce(spec, fixturePaths());
    assert.equal(result.outcome, 'ok');
    for (const sample of samples) assert.ok(lines.includes(sample), `${sample} is missing`);
    assert.equal(lines.length, count);
  });
}

test("network files are those of the host's first process, when it can be seen", async (t) => {
  const paths = hostTree(t, {
    'proc/1/net/sockstat': 'sockets: used 7\n',
    'proc/net/sockstat': 'sockets: used 3\n',
    'proc/net/sockstat6': 'TCP6: inuse 3\n',
  });
  assert.deepEqual((await collectOnce(sockstat, paths)).lines, ['node_sockstat_sockets_used 7']);
});

test('conntrack counts the entries of the host where the sysctl would report those of the pod', async (t) => {
  const { lines } = await collectOnce(
    conntrack,
    hostTree(t, {
      'proc/1/net/stat/nf_conntrack': 'entries searched found\n00000021 0 00000002\n00000021 0 ffffffff\n',
      'proc/sys/net/netfilter/nf_conntrack_count': '5\n',
      'proc/sys/net/netfilter/nf_conntrack_max': '262144\n',
    }),
  );
  assert.ok(lines.includes('node_nf_conntrack_entries 33'));
  assert.ok(lines.includes('node_nf_conntrack_stat_found 4294967297'));
  assert.ok(!lines.some((line) => line.startsWith('node_nf_conntrack_stat_drop')), 'a column that old kernels lack');
});

test('netstat exports what the expression selects', async () => {
  const { lines } = await collectOnce(netstat, fixturePaths(), { fields: '^Tcp_MaxConn$|^Icmp6_OutType' });
  assert.deepEqual(lines, [
    'node_netstat_Icmp6_OutType133 3',
    'node_netstat_Icmp6_OutType135 1',
    'node_netstat_Icmp6_OutType143 4',
    'node_netstat_Tcp_MaxConn -1',
  ]);
});

test('tcpstat counts sockets by state and sums their queues', async (t) => {
  const socket = (state: string, queues: string) =>
    `   0: 0100007F:1389 00000000:0000 ${state} ${queues} 00:00000000\n`;
  const { lines } = await collectOnce(
    tcpstat,
    hostTree(t, {
      'proc/net/tcp': `  sl\n${socket('01', '00000015:00000001')}${socket('0A', '00000000:00000000')}`,
      'proc/net/tcp6': `  sl\n${socket('01', '00000001:00000000')}${socket('0C', '00000000:00000000')}`,
    }),
  );
  assert.deepEqual(lines, [
    'node_tcp_connection_states{state="established"} 2',
    'node_tcp_connection_states{state="listen"} 1',
    'node_tcp_connection_states{state="rx_queued_bytes"} 1',
    'node_tcp_connection_states{state="tx_queued_bytes"} 22',
    'node_tcp_connection_states{state="unknown"} 1',
  ]);
});

test('ipvs reads IPv6 and sums backends with equal selected labels', async (t) => {
  const files = {
    'proc/net/ip_vs_stats': 'h\nh\n 1 2 3 4 5\n',
    'proc/net/ip_vs':
      'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n' +
      '  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n' +
      'SCTP [2620:0000:0000:0000:0000:0000:0000:0001]:0050 sh\n' +
      '  -> [2620:0000:0000:0000:0000:0000:0000:0002]:0050      Tunnel  100    1          5\n' +
      '  -> [2620:0000:0000:0000:0000:0000:0000:0003]:0050      Tunnel  100    2          6\n',
  };
  const options = { backendLabels: ['proto', 'local_address'] };
  const { lines } = await collectOnce(ipvs, hostTree(t, files), options);
  assert.deepEqual(lines.slice(0, 3), [
    'node_ipvs_backend_connections_active{local_address="2620::1",proto="SCTP"} 3',
    'node_ipvs_backend_connections_inactive{local_address="2620::1",proto="SCTP"} 11',
    'node_ipvs_backend_weight{local_address="2620::1",proto="SCTP"} 200',
  ]);
});

for (const [spec, path] of [
  [nfs, 'proc/net/rpc/nfs'],
  [nfsd, 'proc/net/rpc/nfsd'],
] as const) {
  test(`${spec.name} ignores unknown lines and exposes the others`, async (t) => {
    const { lines, result } = await collectOnce(spec, hostTree(t, { [path]: 'net 1 2 3 4\nproc5 1 7\n' }));
    assert.match(result.errors[0]?.message ?? '', /unknown line proc5/);
    assert.ok(lines.includes(`node_${spec.name}_connections_total 4`));
  });
}

test('lnstat skips only the broken file', async (t) => {
  const files = { 'proc/net/stat/a': 'x y\n0a 0b\n0c 0d\n', 'proc/net/stat/b': 'x y\n01\n' };
  const { lines, result } = await collectOnce(lnstat, hostTree(t, files));
  assert.deepEqual(lines, [
    'node_lnstat_x_total{subsystem="a",cpu="0"} 10',
    'node_lnstat_x_total{subsystem="a",cpu="1"} 12',
    'node_lnstat_y_total{subsystem="a",cpu="0"} 11',
    'node_lnstat_y_total{subsystem="a",cpu="1"} 13',
  ]);
  assert.match(result.errors[0]?.message ?? '', /stat\/b:2: 1 counts for 2 names/);
});

test('tcpstat and udp_queues lose a malformed socket line alone', async (t) => {
  const socket = (state: string, queues: string) => ` 0: 0100007F:1389 00000000:0000 ${state} ${queues} 00:00000000\n`;
  const text = `  sl\n${socket('0A', '00000002:00000003')}${socket('zz', '00000000:00000000')}${socket('01', '0:0')}`;
  const paths = hostTree(t, { 'proc/net/tcp': text, 'proc/net/udp': text });
  const tcp = await collectOnce(tcpstat, paths);
  assert.deepEqual(tcp.lines, [
    'node_tcp_connection_states{state="listen"} 1',
    'node_tcp_connection_states{state="rx_queued_bytes"} 3',
    'node_tcp_connection_states{state="tx_queued_bytes"} 2',
  ]);
  const udp = await collectOnce(udpQueues, paths);
  assert.deepEqual(udp.lines, ['node_udp_queues{queue="rx",ip="v4"} 3', 'node_udp_queues{queue="tx",ip="v4"} 2']);
  for (const { result } of [tcp, udp]) {
    assert.match(result.errors.map(String).join(), /:3: expected a state in column 4.*:4: expected tx_queue:rx_queue/);
  }
});

test('sockstat says what the number of a line counts: sockets, or packets in fragments', async (t) => {
  const files = {
    'proc/net/sockstat': 'TCP: inuse 4\nFRAG: inuse 1 memory 5432\n',
    'proc/net/sockstat6': 'FRAG6: inuse 2\n',
  };
  const { families } = (await collectOnce(sockstat, hostTree(t, files))).snapshot;
  const helps = [...families.values()].map(({ name, help }) => `${name}: ${help}`);
  assert.deepEqual(helps, [
    'node_sockstat_TCP_inuse: TCP sockets in use.',
    'node_sockstat_FRAG_inuse: FRAG packets being reassembled from fragments.',
    'node_sockstat_FRAG_memory: FRAG bytes of memory for fragments.',
    'node_sockstat_FRAG6_inuse: FRAG6 packets being reassembled from fragments.',
  ]);
});

test('sockstat has the negative numbers that the kernel prints, as node_exporter does', async (t) => {
  const { lines, result } = await collectOnce(sockstat, hostTree(t, { 'proc/net/sockstat': 'sockets: used -2\n' }));
  assert.deepEqual([lines, result.outcome], [['node_sockstat_sockets_used -2'], 'ok']);
});
