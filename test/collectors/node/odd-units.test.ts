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
  /** What no line may begin with. */
  readonly hasNot?: readonly string[];
  /** One for each lost unit. */
  readonly lost: readonly RegExp[];
}

const CPU_TIMES = '1 2 3 4 5 6 7 18446744073709551615 9 10';
const POWER = (cpu: number) =>
  `processor\t: ${cpu}\ncpu\t\t: POWER9 (architected), altivec supported\nclock\t\t: 2500.000000MHz\nrevision\t: 2.2 (pvr 004e 1202)\n\n`;
const SOME = 'some avg10=0.00 avg60=0.00 avg300=0.00 total=5000000\n';

// Records and side files that are odd, each beside good ones: only the odd one is lost.
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
];

for (const { what, collector, files, folders = [], options = {}, has, hasNot = [], lost } of cases) {
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
    assert.equal(errors.length, lost.length, errors.join('\n'));
    for (const [index, expected] of lost.entries()) assert.match(String(errors[index]), expected);
  });
}
