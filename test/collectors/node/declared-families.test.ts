import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixture, hostTree } from '../../kit/host-tree.ts';

// Each family that a node collector declares has a sample in an expected output, here or elsewhere in the tests, or is
// named below with the reason why it has none. Without that a family that is never filled passes everything.

interface Scene {
  readonly collector: string;
  readonly files: Readonly<Record<string, string>>;
  readonly has: readonly string[];
}

const read = (path: string): string => readFileSync(fixture(path), 'latin1');

const SCENES: readonly Scene[] = [
  {
    collector: 'nfsd',
    files: { 'proc/net/rpc/nfsd': read('node/proc/net/rpc/nfsd') },
    has: [
      'node_nfsd_reply_cache_hits_total 0',
      'node_nfsd_reply_cache_misses_total 6',
      'node_nfsd_reply_cache_nocache_total 18622',
      'node_nfsd_file_handles_stale_total 0',
      'node_nfsd_disk_bytes_read_total 157286400',
      'node_nfsd_disk_bytes_written_total 72864',
      'node_nfsd_read_ahead_cache_size_blocks 32',
      'node_nfsd_read_ahead_cache_not_found_total 0',
      'node_nfsd_packets_total{proto="udp"} 55',
      'node_nfsd_packets_total{proto="tcp"} 917',
      'node_nfsd_connections_total 1',
      'node_nfsd_server_rpcs_total 18628',
    ],
  },
  {
    collector: 'conntrack',
    files: {
      'proc/net/stat/nf_conntrack':
        'entries searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error ' +
        'expect_new expect_create expect_delete search_restart\n' +
        '00000021 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008 00000009 0000000a 0000000b ' +
        '0000000c 0000000d 0000000e 0000000f 00000010\n',
    },
    has: [
      'node_nf_conntrack_stat_insert 8',
      'node_nf_conntrack_stat_insert_failed 9',
      'node_nf_conntrack_stat_drop 10',
      'node_nf_conntrack_stat_early_drop 11',
    ],
  },
  {
    collector: 'ipvs',
    files: {
      'proc/net/ip_vs_stats':
        '   Total Incoming Outgoing         Incoming         Outgoing\n   Conns  Packets  Packets            Bytes            Bytes\n' +
        '       A        B        C                D                E\n',
    },
    has: [
      'node_ipvs_incoming_packets_total 11',
      'node_ipvs_outgoing_packets_total 12',
      'node_ipvs_outgoing_bytes_total 14',
    ],
  },
  {
    collector: 'meminfo',
    files: {
      'proc/meminfo':
        'MemTotal: 1 kB\nZswap: 2 kB\nZswapped: 3 kB\nPercpu: 4 kB\nShmemHugePages: 5 kB\nShmemPmdMapped: 6 kB\n' +
        'CmaTotal: 7 kB\nCmaFree: 8 kB\nDirectMap1G: 9 kB\n',
    },
    has: [
      'node_memory_Zswap_bytes 2048',
      'node_memory_Zswapped_bytes 3072',
      'node_memory_Percpu_bytes 4096',
      'node_memory_ShmemHugePages_bytes 5120',
      'node_memory_ShmemPmdMapped_bytes 6144',
      'node_memory_CmaTotal_bytes 7168',
      'node_memory_CmaFree_bytes 8192',
      'node_memory_DirectMap1G_bytes 9216',
    ],
  },
];

/** Families without an expected sample, by collector. */
const EXEMPT: Readonly<Record<string, readonly [families: RegExp, reason: string]>> = {
  cpufreq: [/^node_cpu_frequency_max_hertz$/, 'the highest clock of the hardware is in no recorded tree'],
  edac: [/^node_edac_uncorrectable_errors_total$/, 'only the number of its samples is checked'],
  ethtool: [/./, 'answers of the ioctl of live devices; live-network.test.ts'],
  filesystem: [
    /_(?:free_bytes|avail_bytes|files|files_free)$/,
    'answers of statfs(2) of the live host; filesystem.test.ts',
  ],
  hwmon: [/_(?:curr|fan|power)_/, 'no recorded chip has the sensor; the name is made of that of the file'],
  infiniband: [/./, 'no recorded port has the counter; the name is made of that of the file'],
  netclass: [/^node_network_altnames_info$/, 'alternative names come over netlink; live-network.test.ts'],
  network_route: [/./, 'routes come over netlink; live-network.test.ts'],
  pcidevice: [/_(?:d3cold_allowed|sriov_drivers_autoprobe|numa_node)$/, 'no recorded device has the attribute'],
  powersupplyclass: [/./, 'no recorded supply has the attribute; the name is made of that of the file'],
  timex: [/./, 'answers of adjtimex(2) of the live host; time.test.ts'],
  zoneinfo: [/./, 'counters of kernels that no tree was recorded on'],
};

/** Names that stand in an expected output with a value, or with labels. */
function expectedNames(): ReadonlySet<string> {
  const texts = [
    ...globSync(fixture('**/*.{prom,txt,tsv}')),
    ...globSync(`${import.meta.dirname}/../**/*.ts`),
    ...globSync(`${import.meta.dirname}/../../{e2e,image}/**/*.ts`),
  ];
  const names = new Set<string>();
  for (const path of texts) {
    for (const [, name] of readFileSync(path, 'latin1').matchAll(/\b(node_[a-zA-Z0-9_:]+)(?=\{| [-+0-9.NI])/g)) {
      names.add(name as string);
    }
  }
  return names;
}

for (const { collector, files, has } of SCENES) {
  test(`${collector}: families that no recording has`, async (t) => {
    const spec = nodeCollectors.find(({ name }) => name === collector);
    assert.ok(spec);
    const { lines, result } = await collectOnce(spec, hostTree(t, files));
    assert.deepEqual(result.errors, []);
    for (const line of has) assert.ok(lines.includes(line), `${line} is not in\n${lines.join('\n')}`);
  });
}

test('every declared family has an expected sample, or a reason why not', () => {
  const names = expectedNames();
  const missing: string[] = [];
  for (const { name: collector, families } of nodeCollectors) {
    const without = families.filter(({ name }) => !names.has(name)).map(({ name }) => name);
    const [exempt, reason = ''] = EXEMPT[collector] ?? [];
    missing.push(...without.filter((name) => exempt?.test(name) !== true).map((name) => `${collector}: ${name}`));
    if (exempt)
      assert.ok(
        without.some((name) => exempt.test(name)),
        `${collector} needs no exemption any more: ${reason}`,
      );
  }
  assert.deepEqual(missing, []);
});
