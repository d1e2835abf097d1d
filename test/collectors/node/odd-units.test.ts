import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

interface Case {
  readonly what: string;
  readonly collector: string;
  readonly files: Readonly<Record<string, string>>;
  /** Folders in place of files. */
  readonly folders?: readonly string[];
  readonly options?: object;
  readonly has: readonly string[];
  /** Prefixes that no line may have. */
  readonly hasNot?: readonly string[];
  /** The number of lines, if their contents do not matter. */
  readonly count?: number;
  /** One for each lost unit. */
  readonly lost: readonly RegExp[];
}

const CPU_TIMES = '1 2 3 4 5 6 7 18446744073709551615 9 10';
const POWER = (cpu: number) =>
  `processor\t: ${cpu}\ncpu\t\t: POWER9 (architected), altivec supported\nclock\t\t: 2500.000000MHz\nrevision\t: 2.2 (pvr 004e 1202)\n\n`;
const NET_DEV_HEAD =
  'Inter-|   Receive  |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes\n';
const ZEROS = '0 '.repeat(15).trim();
const info = (labels: Readonly<Record<string, string>>): string => {
  const names = ['package', 'core', 'cpu', 'vendor', 'family', 'model', 'model_name', 'microcode', 'stepping'];
  return `node_cpu_info{${[...names, 'cachesize'].map((name) => `${name}="${labels[name] ?? ''}"`).join(',')}} 1`;
};
const SOME = 'some avg10=0.00 avg60=0.00 avg300=0.00 total=5000000\n';

// Malformed records and secondary files next to valid ones: only the malformed one is lost.
const cases: readonly Case[] = [
  {
    what: 'arrays of external metadata, of faulty devices and in reshape',
    collector: 'mdadm',
    files: {
      'proc/mdstat': [
        'Personalities : [raid1] [raid6] [faulty]',
        'md127 : active raid1 sda[1] sdb[0]',
        '      102400 blocks super external:/md0/0 [2/2] [UU]',
        '',
        'md0 : inactive sdb[1](S) sda[0](S)',
        '      10402 blocks super external:imsm',
        '',
        'md5 : active faulty sdc[0]',
        '      1047552 blocks',
        '',
        'md6 : active raid5 sdd[3] sde[1] sdf[0]',
        '      2095104 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/3] [UUU]',
        '      [==>..................]  reshape = 12.5% (130944/1047552) finish=0.5min speed=26188K/sec',
        '',
        'unused devices: <none>',
        '',
      ].join('\n'),
    },
    has: [
      'node_md_blocks{device="md127"} 102400',
      'node_md_state{device="md0",state="inactive"} 1',
      'node_md_disks{device="md0",state="spare"} 2',
      'node_md_disks{device="md5",state="active"} 1',
      'node_md_blocks_synced{device="md6"} 130944',
    ],
    lost: [],
  },
  {
    what: 'a time stolen of 2^64-1 ticks',
    collector: 'cpu',
    files: { 'proc/stat': `cpu  ${CPU_TIMES}\ncpu0 ${CPU_TIMES}\n` },
    has: ['node_cpu_seconds_total{cpu="0",mode="softirq"} 0.07'],
    hasNot: ['node_cpu_seconds_total{cpu="0",mode="steal"}'],
    lost: [/stat:2: .* ticks of steal/],
  },
  {
    what: 'the cpuinfo of POWER',
    collector: 'cpu',
    options: { info: true },
    files: {
      'proc/stat': 'cpu0 1 2 3 4 5 6 7 8 9 10\n',
      'proc/cpuinfo': `${POWER(0)}${POWER(8)}timebase\t: 512000000\n`,
    },
    has: ['node_cpu_frequency_hertz{package="",core="",cpu="8"} 2500000000'],
    lost: [],
  },
  {
    what: 'one file of pressure',
    collector: 'pressure',
    files: {
      'proc/pressure/cpu': SOME,
      'proc/pressure/io': SOME,
      'proc/pressure/memory': SOME,
      'proc/pressure/irq': 'full=x\n',
    },
    has: ['node_pressure_cpu_waiting_seconds_total 5', 'node_pressure_memory_waiting_seconds_total 5'],
    lost: [/pressure\/irq:1: /],
  },
  {
    what: 'a folder in place of the name of one chip',
    collector: 'hwmon',
    files: {
      'sys/class/hwmon/hwmon0/name': 'good\n',
      'sys/class/hwmon/hwmon0/temp1_input': '45000\n',
      'sys/class/hwmon/hwmon1/temp1_input': '46000\n',
    },
    folders: ['sys/class/hwmon/hwmon1/name'],
    has: [
      'node_hwmon_temp_celsius{chip="good",sensor="temp1"} 45',
      'node_hwmon_temp_celsius{chip="hwmon1",sensor="temp1"} 46',
    ],
    lost: [/hwmon1\/name: /],
  },
  {
    what: 'one value of a zone',
    collector: 'zoneinfo',
    files: {
      'proc/zoneinfo': [
        'Node 0, zone      DMA',
        '        min      1',
        '        protection: (0, 3193, 31932)',
        'Node 0, zone   Normal',
        '        min      x',
        '        low      7',
        '',
      ].join('\n'),
    },
    has: ['node_zoneinfo_protection_2{node="0",zone="DMA"} 31932', 'node_zoneinfo_low_pages{node="0",zone="Normal"} 7'],
    hasNot: ['node_zoneinfo_min_pages{node="0",zone="Normal"}'],
    lost: [/zoneinfo:5: /],
  },
  {
    what: 'the cpuinfo of MIPS',
    collector: 'cpu',
    options: { info: true },
    files: {
      'proc/stat': 'cpu0 1 2 3 4 5 6 7 8 9 10\n',
      'proc/cpuinfo':
        'system type\t\t: Ubiquiti\nmachine\t\t\t: EdgeRouter\nprocessor\t\t: 0\ncpu model\t\t: Cavium Octeon+ V0.1\n' +
        'BogoMIPS\t\t: 1000.00\n\nprocessor\t\t: 1\ncpu model\t\t: Cavium Octeon+ V0.1\n',
    },
    has: [info({ cpu: '0', model_name: 'Cavium Octeon+ V0.1' }), info({ cpu: '1', model_name: 'Cavium Octeon+ V0.1' })],
    hasNot: ['node_cpu_frequency_hertz'],
    lost: [],
  },
  {
    what: 'the cpuinfo of RISC-V',
    collector: 'cpu',
    options: { info: true },
    files: {
      'proc/stat': 'cpu0 1 2 3 4 5 6 7 8 9 10\n',
      'proc/cpuinfo': 'processor\t: 0\nhart\t\t: 2\nisa\t\t: rv64imafdc\nmmu\t\t: sv39\nuarch\t\t: sifive,u74-mc\n',
    },
    has: [info({ core: '2', cpu: '0', model_name: 'rv64imafdc' })],
    lost: [],
  },
  {
    what: 'the cpuinfo of LoongArch',
    collector: 'cpu',
    options: { info: true },
    files: {
      'proc/stat': 'cpu0 1 2 3 4 5 6 7 8 9 10\n',
      'proc/cpuinfo':
        'system type\t\t: generic-loongson-machine\n\nprocessor\t\t: 0\npackage\t\t\t: 0\ncore\t\t\t: 0\n' +
        'CPU Family\t\t: Loongson-64bit\nModel Name\t\t: Loongson-3A5000\nCPU MHz\t\t\t: 2500.00\n',
    },
    // procfs, which node_exporter uses, reads only the family and the name of the model.
    has: [
      info({ package: '0', core: '0', cpu: '0', family: 'Loongson-64bit', model_name: 'Loongson-3A5000' }),
      'node_cpu_frequency_hertz{package="0",core="0",cpu="0"} 2500000000',
    ],
    lost: [],
  },
  {
    what: 'a folder in place of the name of one zone, and one without a number',
    collector: 'rapl',
    files: {
      'sys/class/powercap/a/energy_uj': '5000000\n',
      'sys/class/powercap/b/name': 'dram\n',
      'sys/class/powercap/b/energy_uj': 'many\n',
      'sys/class/powercap/c/name': 'core\n',
      'sys/class/powercap/c/energy_uj': '7000000\n',
    },
    folders: ['sys/class/powercap/a/name'],
    has: [],
    hasNot: ['node_rapl_dram'],
    count: 1,
    lost: [/a: .*a\/name/, /b: .*energy_uj:1: expected a number/],
  },
  {
    what: 'a folder in place of the data of udev and of the rotation of one disk',
    collector: 'diskstats',
    files: {
      'proc/diskstats': '8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n8 16 sdb 1 2 3 4 5 6 7 8 9 10 11\n',
      'udev/data/b8:16': 'E:ID_MODEL=Disk\n',
      'sys/block/sdb/queue/rotational': '1\n',
    },
    folders: ['udev/data/b8:0', 'sys/block/sda/queue/rotational'],
    has: ['node_disk_reads_completed_total{device="sda"} 1', 'node_disk_reads_completed_total{device="sdb"} 1'],
    count: 24,
    lost: [/udev\/data\/b8:0/, /sda\/queue\/rotational/],
  },
  {
    what: 'counts of 2^64-1',
    collector: 'diskstats',
    files: {
      'proc/diskstats': '8 0 sda 18446744073709551615 2 3 4 5 6 7 8 9 10 11\n8 16 sdb 1 2 3 4 5 6 7 8 9 10 11\n',
    },
    has: ['node_disk_reads_completed_total{device="sdb"} 1'],
    hasNot: ['node_disk_reads_completed_total{device="sda"}'],
    lost: [/diskstats:1: expected a count, found 18446744073709551615/],
  },
  {
    what: 'counts of 2^64-1',
    collector: 'netdev',
    options: { netlink: false },
    files: { 'proc/net/dev': `${NET_DEV_HEAD}  eth0: 18446744073709551615 ${ZEROS}\n  eth1: 7 ${ZEROS}\n` },
    has: ['node_network_receive_bytes_total{device="eth1"} 7'],
    hasNot: ['node_network_receive_bytes_total{device="eth0"}'],
    lost: [/net\/dev:3: .*expected a count/],
  },
  {
    what: 'a folder in place of sockstat6',
    collector: 'sockstat',
    files: { 'proc/net/sockstat': 'sockets: used 7\nTCP: inuse 4 orphan 0 tw 4 alloc 17 mem 1\n' },
    folders: ['proc/net/sockstat6'],
    has: ['node_sockstat_sockets_used 7', 'node_sockstat_TCP_inuse 4'],
    lost: [/sockstat6/],
  },
  {
    what: 'a line of sockstat6 without a number',
    collector: 'sockstat',
    files: {
      'proc/net/sockstat': 'sockets: used 7\n',
      'proc/net/sockstat6': 'TCP6: inuse\nUDP6: inuse 5\n',
    },
    has: ['node_sockstat_sockets_used 7', 'node_sockstat_UDP6_inuse 5'],
    lost: [/sockstat6:1: expected a number, found nothing/],
  },
  {
    what: 'a folder in place of poolsize',
    collector: 'entropy',
    files: { 'proc/sys/kernel/random/entropy_avail': '256\n' },
    folders: ['proc/sys/kernel/random/poolsize'],
    has: ['node_entropy_available_bits 256'],
    lost: [/poolsize/],
  },
  {
    what: 'a malformed line of stat/nf_conntrack',
    collector: 'conntrack',
    files: {
      'proc/sys/net/netfilter/nf_conntrack_count': '7\n',
      'proc/sys/net/netfilter/nf_conntrack_max': '65536\n',
      'proc/net/stat/nf_conntrack': 'entries searched found\n00000007 00000000 0000000x\n',
    },
    has: ['node_nf_conntrack_entries 7', 'node_nf_conntrack_entries_limit 65536'],
    hasNot: ['node_nf_conntrack_stat_found'],
    lost: [/stat\/nf_conntrack:2: expected a number, found "0000000x"/],
  },
  {
    what: 'a folder in place of nf_conntrack_max',
    collector: 'conntrack',
    files: { 'proc/sys/net/netfilter/nf_conntrack_count': '7\n' },
    folders: ['proc/sys/net/netfilter/nf_conntrack_max'],
    has: ['node_nf_conntrack_entries 7'],
    lost: [/nf_conntrack_max/],
  },
];

for (const { what, collector, files, folders = [], options = {}, has, hasNot = [], count, lost } of cases) {
  test(`${collector}: ${what}`, async (t) => {
    const spec = nodeCollectors.find(({ name }) => name === collector);
    assert.ok(spec);
    const paths = hostTree(t, files);
    for (const folder of folders) mkdirSync(join(paths.rootfs, folder), { recursive: true });
    const {
      lines,
      snapshot: { errors },
    } = await collectOnce(spec, paths, options);
    for (const line of has) assert.ok(lines.includes(line), `${line} is not in\n${lines.join('\n')}`);
    for (const start of hasNot) assert.ok(!lines.some((line) => line.startsWith(start)), start);
    if (count !== undefined) assert.equal(lines.length, count, lines.join('\n'));
    assert.equal(errors.length, lost.length, errors.join('\n'));
    for (const [index, expected] of lost.entries()) assert.match(String(errors[index]), expected);
  });
}
