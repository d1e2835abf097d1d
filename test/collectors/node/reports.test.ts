import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import type { HostPaths } from '../../../src/host/paths.ts';
import { type Collected, collectOnce } from '../../kit/collect.ts';
import { fixture, scratchFolder } from '../../kit/host-tree.ts';

// Inputs of public bug reports, each with its source and the correct result in test/fixtures/reports/NAME/expected.txt.

function pathsOf(root: string, rootfs = root): HostPaths {
  const [procfs, sysfs] = [join(root, 'proc'), join(root, 'sys')];
  return { procfs, sysfs, rootfs, udev: join(root, 'udev'), cgroup: join(sysfs, 'fs/cgroup') };
}

function collect(name: string, paths: HostPaths, options: object = {}): Promise<Collected> {
  const spec = nodeCollectors.find((one) => one.name === name);
  assert.ok(spec, name);
  return collectOnce(spec, paths, options);
}

interface Case {
  readonly report: string;
  readonly collector: string;
  readonly options?: object;
  readonly folders?: readonly string[];
  /** Required sample lines. */
  readonly has: readonly string[];
  /** Prefixes that no line may have. */
  readonly hasNot?: readonly string[];
  /** One for each lost unit. */
  readonly lost?: readonly RegExp[];
}

const NO_NETLINK = { netlink: false };
const md = (device: string, blocks: number, state: string, synced = blocks) => [
  `node_md_blocks{device="${device}"} ${blocks}`,
  `node_md_blocks_synced{device="${device}"} ${synced}`,
  `node_md_state{device="${device}",state="${state}"} 1`,
];
const disk = (device: string, rotational: string, major: string) =>
  `node_disk_info{device="${device}",major="${major}",minor="0",path="",wwn="",model="",serial="",revision="",rotational="${rotational}"} 1`;
const cpuInfo = (cpu: number) =>
  `node_cpu_info{package="",core="",cpu="${cpu}",vendor="IBM/S390",family="",model="",model_name="",microcode="",stepping="",cachesize=""} 1`;

const CASES: readonly Case[] = [
  {
    report: 'btrfs',
    collector: 'btrfs',
    has: [
      'node_btrfs_size_bytes{uuid="0abb23a9-579b-43e6-ad30-227ef47fcb9d",block_group_type="mixed",mode="single"} 200',
      'node_btrfs_used_bytes{uuid="0abb23a9-579b-43e6-ad30-227ef47fcb9d",block_group_type="mixed",mode="single"} 100',
    ],
  },
  // The test creates empty folders of the report, which git does not store.
  {
    report: 'disk-cciss',
    collector: 'diskstats',
    // xvda2 is recognized as a disk because no xvda is listed.
    folders: ['sys/block/xvda1'],
    has: [
      disk('cciss/c0d0', '1', '104'),
      'node_disk_reads_completed_total{device="xvda1"} 22',
      'node_disk_reads_completed_total{device="xvda2"} 118',
      'node_disk_reads_completed_total{device="sda"} 1',
      'node_disk_io_now{device="dm-0"} -1',
    ],
    lost: [/diskstats:6: sda is listed twice/],
  },
  {
    report: 'md-nosize',
    collector: 'mdadm',
    has: [
      ...md('md125', 41_937_920, 'inactive'),
      ...md('md127', 10_480_640, 'inactive'),
      'node_md_disks{device="md125",state="spare"} 5',
      'node_md_disks{device="md127",state="spare"} 2',
      'node_md_disks{device="md126",state="active"} 0',
      'node_md_disks_required{device="md126"} 4',
    ],
    hasNot: ['node_md_blocks{device="md126"}'],
  },
  {
    report: 'md-remote',
    collector: 'mdadm',
    has: [...md('md0', 4_190_208, 'resync', 0), ...md('md1', 1000, 'active')],
  },
  {
    report: 'mountstats-nodevice',
    collector: 'mountstats',
    has: [
      'node_mountstats_nfs_age_seconds_total{export="192.0.2.1:/export",protocol="tcp",mountaddr="192.0.2.1"} 1000',
      'node_mountstats_nfs_operations_requests_total{export="192.0.2.1:/export",protocol="tcp",mountaddr="192.0.2.1",operation="READ"} 1298',
    ],
  },
  {
    report: 'netstat-gvisor',
    collector: 'netstat',
    has: ['node_netstat_Tcp_ActiveOpens 10', 'node_netstat_Udp_InDatagrams 7', 'node_netstat_Ip_Forwarding 0'],
    lost: [/netstat:1: missing values line for TcpExt:/],
  },
  {
    report: 'netstat-snmp6',
    collector: 'netstat',
    has: ['node_netstat_Tcp_ActiveOpens 10', 'node_netstat_Ip6_InOctets 100', 'node_netstat_Udp6_InDatagrams 3'],
    lost: [/snmp6:3: Icmp6InMsgs has no value/],
  },
  {
    report: 's390x',
    collector: 'cpu',
    options: { info: true },
    has: [...[0, 1, 2, 3].map(cpuInfo), 'node_cpu_frequency_hertz{package="",core="",cpu="3"} 5000000000'],
  },
  {
    report: 'slab-space',
    collector: 'slabinfo',
    has: [
      'node_slabinfo_objects{slab="kmalloc-8"} 200',
      'node_slabinfo_objects{slab="My Driver Cache"} 20',
      'node_slabinfo_pages_per_slab{slab="My Driver Cache"} 1',
    ],
  },
  {
    report: 'stat-negative',
    collector: 'stat',
    has: [],
    hasNot: ['node_forks_total'],
    lost: [/stat:\d+: expected a count, found -2049562273/],
  },
  {
    report: 'sweep',
    collector: 'diskstats',
    has: ['node_disk_reads_completed_total{device="sda"} 1', disk('cciss/c0d0', '1', '104')],
    lost: [/diskstats:2: /],
  },
  {
    report: 'sweep',
    collector: 'netdev',
    options: NO_NETLINK,
    has: ['node_network_receive_bytes_total{device="eth0"} 1', 'node_network_receive_bytes_total{device="lo"} 1'],
    lost: [/dev:4: expected 16 counters, found 15/],
  },
  {
    report: 'sweep',
    collector: 'softnet',
    has: ['node_softnet_processed_total{cpu="0"} 1'],
    lost: [/softnet_stat:2: /],
  },
  {
    report: 'sweep',
    collector: 'sockstat',
    has: ['node_sockstat_sockets_used 290', 'node_sockstat_TCP_inuse 4', 'node_sockstat_RAW_inuse 0'],
    lost: [/sockstat:3: /],
  },
  {
    report: 'sweep',
    collector: 'arp',
    options: NO_NETLINK,
    has: ['node_arp_entries{device="eth0"} 1', 'node_arp_entries{device="eth1"} 1'],
    lost: [/arp:3: expected 6 columns, found 2/],
  },
  {
    report: 'sweep',
    collector: 'schedstat',
    has: ['node_schedstat_timeslices_total{cpu="0"} 343796328169361'],
    lost: [/schedstat:5: expected 10 words/],
  },
  {
    report: 'sweep',
    collector: 'vmstat',
    has: ['node_vmstat_pgfault 10', 'node_vmstat_oom_kill 3', 'node_vmstat_pgpgin 4'],
    lost: [/vmstat:2: /],
  },
  {
    report: 'sweep',
    collector: 'meminfo',
    has: ['node_memory_MemTotal_bytes 16427184128', 'node_memory_MemAvailable_bytes 102400'],
    lost: [/meminfo:2: unknown unit "MB"/],
  },
  {
    report: 'sweep',
    collector: 'swap',
    has: ['node_swap_size_bytes{device="/dev/zram0",swap_type="partition"} 1024000'],
    lost: [/swaps:3: /],
  },
  {
    report: 'sweep',
    collector: 'stat',
    has: ['node_intr_total 5', 'node_boot_time_seconds 1600000000', 'node_forks_total 7'],
    lost: [/stat:5: expected a number, found "-"/],
  },
  {
    report: 'sweep',
    collector: 'cpu',
    has: ['node_cpu_seconds_total{cpu="0",mode="user"} 0.01'],
    hasNot: ['node_cpu_seconds_total{cpu="1"'],
    lost: [/stat:3: expected a number, found "x"/],
  },
  {
    report: 'sweep',
    collector: 'pressure',
    has: [
      'node_pressure_memory_waiting_seconds_total 0.000005',
      'node_pressure_cpu_waiting_seconds_total 14.036781000000001',
    ],
    lost: [/memory:\d: the line has no total|cpu:\d: the line has no total/],
  },
  {
    report: 'sweep',
    collector: 'interrupts',
    has: ['node_interrupts_total{cpu="0",type="0",info="IO-APIC",devices="2-edge timer"} 18'],
    lost: [/interrupts:3: /],
  },
  {
    report: 'sweep',
    collector: 'nfs',
    has: ['node_nfs_rpcs_total 4329785', 'node_nfs_requests_total{method="Null",proto="3"} 1'],
    hasNot: ['node_nfs_requests_total{method="Null",proto="2"}'],
    lost: [/nfs:3: proc2 announces 18 numbers/],
  },
  {
    report: 'sweep',
    collector: 'ipvs',
    has: [
      'node_ipvs_connections_total 1',
      'node_ipvs_backend_weight{local_address="192.168.0.22",local_port="3306",remote_address="192.168.82.22",remote_port="3306",proto="TCP",local_mark=""} 100',
    ],
    lost: [/ip_vs:6: "garbage" is not an endpoint/],
  },
  {
    report: 'textfile-duplicate',
    collector: 'textfile',
    options: { directory: fixture('reports/textfile-duplicate') },
    has: ['node_textfile_scrape_error 1'],
    lost: [/duplicate series/],
  },
];

for (const { report, collector, options, folders = [], has, hasNot = [], lost = [] } of CASES) {
  test(`${report}: ${collector}`, async (t) => {
    const root = scratchFolder(t);
    cpSync(fixture(`reports/${report}`), root, { recursive: true });
    for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
    const { lines, result } = await collect(collector, pathsOf(root), options);
    assert.deepEqual(
      has.filter((line) => !lines.includes(line)),
      [],
      lines.join('\n'),
    );
    assert.deepEqual(
      lines.filter((line) => hasNot.some((start) => line.startsWith(start))),
      [],
    );
    const messages = result.errors.map(({ message }) => message);
    assert.equal(messages.length, lost.length, messages.join('\n'));
    for (const [index, pattern] of lost.entries()) assert.match(messages[index] as string, pattern);
    assert.equal(result.outcome, lost.length > 0 ? (lines.length > 0 ? 'partial' : 'fault') : 'ok');
  });
}

test('fs-bytes: mount points that differ in an invalid UTF-8 byte', async (t) => {
  const root = scratchFolder(t);
  cpSync(fixture('reports/fs-bytes'), root, { recursive: true });
  for (const name of ['caf\xe9', 'caf\xe8', 'new\nline']) {
    mkdirSync(Buffer.from(`${root}/opt/${name}`, 'latin1'), { recursive: true });
  }
  const { lines, result } = await collect('filesystem', pathsOf(root));
  assert.deepEqual([result.outcome, result.errors], ['ok', []]);
  for (const point of [String.raw`/opt/caf\\xe9`, String.raw`/opt/caf\\xe8`, String.raw`/opt/new\\012line`]) {
    assert.ok(
      lines.some((line) => line.startsWith('node_filesystem_size_bytes{') && line.includes(`mountpoint="${point}"`)),
      point,
    );
  }
});

test('fs-prefix: a root is stripped only at a path component boundary', async () => {
  const { lines } = await collect('filesystem', pathsOf(fixture('reports/fs-prefix'), '/mnt/host'));
  const points = lines
    .filter((line) => line.startsWith('node_filesystem_device_error'))
    .map((line) => /mountpoint="([^"]*)"/.exec(line)?.[1]);
  assert.deepEqual(points.sort(), ['/', '/mnt/hostdata', '/srv/with blank']);
});
