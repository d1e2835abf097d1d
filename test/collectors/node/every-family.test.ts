import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixture, hostTree } from '../../kit/host-tree.ts';
import { type FileSample, INFINIBAND, POWER_SUPPLY } from './family-tables.ts';

// Samples of families that are in no recording and in no scene: test/declared-families.test.ts requires one of each.

interface Unrecorded {
  readonly collector: string;
  readonly files: Readonly<Record<string, string>>;
  readonly has: readonly string[];
}

const read = (path: string): string => readFileSync(fixture(path), 'latin1');

const UNRECORDED: readonly Unrecorded[] = [
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
  {
    collector: 'zoneinfo',
    files: {
      'proc/zoneinfo':
        'Node 0, zone   Normal\n  pages free     1\n        scanned  2\n    nr_mlock_stack 3\n' +
        '        protection: (0, 1, 2, 3, 4, 5)\n',
    },
    has: [
      'node_zoneinfo_scanned_pages{node="0",zone="Normal"} 2',
      'node_zoneinfo_nr_mlock_stack_pages{node="0",zone="Normal"} 3',
      'node_zoneinfo_protection_5{node="0",zone="Normal"} 5',
    ],
  },
  {
    collector: 'edac',
    files: { 'sys/devices/system/edac/mc/mc0/ue_count': '5\n' },
    has: ['node_edac_uncorrectable_errors_total{controller="0"} 5'],
  },
  {
    collector: 'cpufreq',
    files: { 'sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq': '3700000\n' },
    has: ['node_cpu_frequency_max_hertz{cpu="0"} 3700000000'],
  },
];

const PORT = 'sys/class/infiniband/mlx5_0/ports/1';

/** Collectors whose files determine the families. */
const TABLES: readonly (Unrecorded & { readonly samples: readonly FileSample[] })[] = [
  {
    collector: 'infiniband',
    files: {
      'sys/class/infiniband/mlx5_0/fw_ver': '16.35.2000\n',
      [`${PORT}/phys_state`]: '5: LinkUp\n',
      ...filesOf(PORT, INFINIBAND),
    },
    has: [
      'node_infiniband_physical_state_id{device="mlx5_0",port="1"} 5',
      ...linesOf(INFINIBAND, 'device="mlx5_0",port="1"'),
    ],
    samples: INFINIBAND,
  },
  {
    collector: 'powersupplyclass',
    files: filesOf('sys/class/power_supply/BAT0', POWER_SUPPLY),
    has: linesOf(POWER_SUPPLY, 'power_supply="BAT0"'),
    samples: POWER_SUPPLY,
  },
];

function filesOf(folder: string, samples: readonly FileSample[]): Record<string, string> {
  return Object.fromEntries(samples.map(({ file, content }) => [`${folder}/${file}`, content]));
}

function linesOf(samples: readonly FileSample[], labels: string): string[] {
  return samples.map(({ family, value }) => `${family}{${labels}} ${value}`);
}

for (const { collector, files, has } of [...UNRECORDED, ...TABLES]) {
  test(`${collector}: families that are in no recording`, async (t) => {
    const spec = nodeCollectors.find(({ name }) => name === collector);
    assert.ok(spec);
    const { lines, result } = await collectOnce(spec, hostTree(t, files));
    assert.deepEqual(result.errors, []);
    for (const line of has) assert.ok(lines.includes(line), `${line} is not in\n${lines.join('\n')}`);
  });
}
