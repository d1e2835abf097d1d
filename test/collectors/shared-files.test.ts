import { diskstats } from '../../src/collectors/node/diskstats.ts';
import { meminfo } from '../../src/collectors/node/meminfo.ts';
import { netdev } from '../../src/collectors/node/netdev.ts';
import { pressure } from '../../src/collectors/node/pressure.ts';
import { NET_DEV_HEAD } from './container/kit.ts';
import { byContainer, byNode, type Case, type SharedFile, testReaders } from './shared-readers.ts';

// Files of the kernel that several collectors read, about devices and memory: damage loses the same lines in each.

const DEVICE = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16';
const DISK = '1 2 3 4 5 6 7 8 9 10 11';
const NVME = ` 259 0 nvme0n1 ${DISK}\n`;
const PSI = 'avg10=0.00 avg60=0.00 avg300=0.00';

const disks = (...names: readonly string[]): Pick<Case, 'of'> => ({
  of: {
    node: Object.fromEntries(names.map((name) => [`node_disk_reads_completed_total{device="${name}"}`, 1])),
    container: Object.fromEntries(names.map((name) => [`container_fs_sector_reads_total{device="/dev/${name}"}`, 3])),
  },
});
const devices = (...names: readonly string[]): Pick<Case, 'of'> => ({
  of: {
    node: Object.fromEntries(names.map((name) => [`node_network_transmit_drop_total{device="${name}"}`, 12])),
    container: Object.fromEntries(
      names.map((name) => [`container_network_transmit_packets_dropped_total{interface="${name}"}`, 12]),
    ),
  },
});
const stalls = (values: { some?: number; full?: number }): Pick<Case, 'of'> => {
  const entries = Object.entries({ waiting: values.some, stalled: values.full }).filter(([, value]) => value);
  const samples = (prefix: string) =>
    Object.fromEntries(entries.map(([kind, value]) => [`${prefix}_memory_${kind}_seconds_total{}`, value as number]));
  return { of: { node: samples('node_pressure'), container: samples('container_pressure') } };
};
const memory = (totalBytes?: number, swapBytes?: number): Pick<Case, 'of'> => ({
  of: {
    node: {
      ...(totalBytes !== undefined && { 'node_memory_MemTotal_bytes{}': totalBytes }),
      ...(swapBytes !== undefined && { 'node_memory_SwapTotal_bytes{}': swapBytes }),
    },
    container: {
      ...(totalBytes !== undefined && { 'container_spec_memory_limit_bytes{}': totalBytes }),
      ...(swapBytes !== undefined && { 'container_spec_memory_swap_limit_bytes{}': swapBytes }),
    },
  },
});

const FILES: readonly SharedFile[] = [
  {
    path: 'proc/1/net/dev',
    readers: {
      node: byNode(netdev, /^node_network_transmit_drop_total/, { netlink: false }),
      container: byContainer(/^container_network_transmit_packets_dropped_total/),
    },
    cases: [
      {
        what: 'a colon in the name of a device',
        text: `${NET_DEV_HEAD}  eth0: ${DEVICE}\neth0:1: ${DEVICE}\neth0:2:${DEVICE}\n`,
        ...devices('eth0', 'eth0:1', 'eth0:2'),
      },
      {
        what: 'a device twice',
        text: `${NET_DEV_HEAD}  eth0: ${DEVICE}\n  eth0: ${DEVICE.replace('12', '13')}\n  eth1: ${DEVICE}\n`,
        ...devices('eth0', 'eth1'),
        lost: 'dev:4: eth0 is listed twice',
      },
      {
        what: 'missing columns',
        text: `${NET_DEV_HEAD}  eth0: 1 2 3\n  eth1: ${DEVICE}\n`,
        ...devices('eth1'),
        lost: 'dev:3: expected 16 counters, found 3',
      },
      {
        what: 'a line without a device',
        text: `${NET_DEV_HEAD}  eth0 ${DEVICE}\n  eth1: ${DEVICE}\n`,
        ...devices('eth1'),
        lost: 'dev:3: expected a device and its counters',
      },
      {
        what: 'a count of -1',
        text: `${NET_DEV_HEAD}  eth0: ${DEVICE.replace('16', '18446744073709551615')}\n  eth1: ${DEVICE}\n`,
        ...devices('eth1'),
        lost: 'dev:3: expected a count, found 18446744073709551615',
      },
    ],
  },
  {
    path: 'proc/diskstats',
    readers: {
      node: byNode(diskstats, /^node_disk_reads_completed_total/),
      container: byContainer(/^container_fs_sector_reads_total/),
    },
    cases: [
      { what: 'columns of newer kernels', text: ` 259 0 nvme0n1 ${DISK} 12 13 14 15 16 17 18\n`, ...disks('nvme0n1') },
      {
        what: 'a device twice',
        text: `${NVME}${NVME.replace('1 2 3', '9 9 9')}`,
        ...disks('nvme0n1'),
        lost: 'diskstats:2: nvme0n1 is listed twice',
      },
      {
        what: 'a malformed line before a valid one of the same device',
        text: `${NVME.replace('11', 'x')}${NVME}`,
        ...disks('nvme0n1'),
        lost: 'diskstats:1: expected a number, found "x"',
      },
      {
        what: 'missing columns',
        text: ` 8 0 sda 1 2 3 4 5 6\n${NVME}`,
        ...disks('nvme0n1'),
        lost: 'diskstats:1: expected 11 counts, found 6',
      },
      { what: 'partitions of old kernels', text: ` 8 1 sda1 1 2 3 4\n${NVME}`, ...disks('nvme0n1') },
      {
        what: 'requests in flight below zero',
        text: NVME.replace('9 10 11', '-1 10 11'),
        ...disks('nvme0n1'),
      },
      {
        what: 'a line without numbers of a device',
        text: ` x 0 sda ${DISK}\n${NVME}`,
        ...disks('nvme0n1'),
        lost: 'diskstats:1: expected the numbers and the name of a device',
      },
    ],
  },
  {
    path: 'proc/pressure/memory',
    readers: {
      node: byNode(pressure, /^node_pressure_memory_/),
      container: byContainer(/^container_pressure_memory_/, { at: 'sys/fs/cgroup/memory.pressure' }),
    },
    cases: [
      {
        what: 'both lines',
        text: `some ${PSI} total=1500000\nfull ${PSI} total=2\n`,
        ...stalls({ some: 1.5, full: 0.000002 }),
      },
      { what: 'one line', text: `some ${PSI} total=7\n`, ...stalls({ some: 0.000007 }) },
      {
        what: 'a malformed line',
        text: `some ${PSI} total=x\nfull ${PSI} total=2000000\n`,
        ...stalls({ full: 2 }),
        lost: 'memory:1: expected a number, found "x"',
      },
      {
        what: 'an unknown line',
        text: `some ${PSI} total=3000000\nmost ${PSI} total=2000000\n`,
        ...stalls({ some: 3 }),
        lost: 'memory:2: expected a line of "some" or "full"',
      },
      {
        what: 'a line twice',
        text: `some ${PSI} total=3000000\nsome ${PSI} total=4000000\n`,
        ...stalls({ some: 3 }),
        lost: 'memory:2: "some" is listed twice',
      },
      {
        what: 'a line without a total',
        text: `some ${PSI}\nfull ${PSI} total=2000000\n`,
        ...stalls({ full: 2 }),
        lost: 'memory:1: the line has no total',
      },
      {
        what: 'the line that every kernel has is missing',
        text: `full ${PSI} total=2000000\n`,
        ...stalls({ full: 2 }),
        lost: 'memory:1: expected a line "some"',
      },
    ],
  },
  {
    path: 'proc/meminfo',
    readers: {
      node: byNode(meminfo, /^node_memory_/),
      container: byContainer(/^container_spec_memory_(?:swap_)?limit_bytes/),
    },
    cases: [
      { what: 'all lines', text: 'MemTotal: 4 kB\nSwapTotal: 2 kB\nNew: 1 MB\n', ...memory(4096, 2048) },
      {
        what: 'a malformed line',
        text: 'MemTotal: 4x kB\nSwapTotal: 2 kB\n',
        ...memory(undefined, 2048),
        lost: 'meminfo:1: expected a number, found "4x"',
      },
      {
        what: 'more than 64 bits',
        text: `MemTotal: ${'9'.repeat(21)} kB\nSwapTotal: 2 kB\n`,
        ...memory(undefined, 2048),
        lost: `meminfo:1: expected a number, found "${'9'.repeat(21)}"`,
      },
      {
        what: 'a line twice',
        text: 'MemTotal: 4 kB\nMemTotal: 5 kB\nSwapTotal: 2 kB\n',
        ...memory(4096, 2048),
        lost: 'meminfo:2: MemTotal is listed twice',
      },
      {
        what: 'an unknown unit',
        text: 'MemTotal: 4 kB\nSwapTotal: 2 MB\n',
        ...memory(4096),
        lost: 'meminfo:2: unknown unit "MB"',
      },
      {
        what: 'a line without a colon',
        text: 'MemTotal: 4 kB\nSwapTotal: 2 kB\nDirty\n',
        ...memory(4096, 2048),
        lost: 'meminfo:3: expected a name, a colon and a value',
      },
    ],
  },
];

testReaders(FILES);
