import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { machine } from '../../src/collectors/container/machine.ts';
import { cpu } from '../../src/collectors/node/cpu.ts';
import { inventory } from '../../src/collectors/node/inventory.ts';
import { netstat } from '../../src/collectors/node/netstat.ts';
import { os } from '../../src/collectors/node/os.ts';
import { stat } from '../../src/collectors/node/stat.ts';
import { swap } from '../../src/collectors/node/swap.ts';
import { collectOnce } from '../kit/collect.ts';
import { hostTree } from '../kit/host-tree.ts';
import { BOOT_TIME } from './process/proc-tree.ts';
import { byContainer, byNode, byProcess, bySnmp, type Case, type SharedFile, testReaders } from './shared-readers.ts';

// Files that several collectors read, about the machine, its processes and its protocols: damage loses the same lines in
// each.

/** The process has existed since a second after that. */
const booted: Pick<Case, 'of'> = {
  of: {
    node: { 'node_boot_time_seconds{}': BOOT_TIME },
    process: {
      'namedprocess_namegroup_oldest_start_time_seconds{groupname="web"}': BOOT_TIME + 1,
      'namedprocess_namegroup_youngest_start_time_seconds{groupname="web"}': BOOT_TIME + 1,
      'namedprocess_namegroup_uptime_seconds{groupname="web"}': 999,
    },
  },
};

const SNMP = 'proc/1/net/snmp';
const dropped = (node: number | undefined, protocol: 'Udp' | 'Udp6', count = node): Pick<Case, 'of'> => ({
  of: {
    ...(node !== undefined && { node: { [`node_netstat_${protocol}_RcvbufErrors{}`]: node } }),
    ...(count !== undefined && {
      snmp: { [`snmp_traps_udp_errors_total{protocol="${protocol.toLowerCase()}",error="RcvbufErrors"}`]: count },
    }),
  },
});

const CPU_LABELS = 'vendor="",family="",model="",model_name="",microcode="",stepping="",cachesize=""';
const cpus = (...found: readonly (readonly [socket: string, core: string, cpu: string])[]): Pick<Case, 'of'> => {
  const different = (values: readonly string[]) => new Set(values.filter((value) => value !== '')).size;
  return {
    of: {
      node: Object.fromEntries(
        found.map(([socket, core, id]) => [
          `node_cpu_info{package="${socket}",core="${core}",cpu="${id}",${CPU_LABELS}}`,
          1,
        ]),
      ),
      container: {
        'machine_cpu_cores{}': found.length,
        'machine_cpu_physical_cores{}': different(found.map(([, core]) => core)),
        'machine_cpu_sockets{}': different(found.map(([socket]) => socket)),
      },
    },
  };
};
const cpuLines = (id: string, core = '0', socket = '0') =>
  `processor\t: ${id}\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n\n`;

/** More than the malformed lines that one file may have. */
const MANY = Array.from({ length: 110 }, (_, cpu) => String(cpu));

const limits = (value?: number): Pick<Case, 'of'> => ({
  of:
    value === undefined
      ? {}
      : {
          process: { 'namedprocess_namegroup_filedesc_limit{groupname="web"}': value },
          container: { 'container_ulimits_soft{ulimit="max_open_files"}': value },
        },
});
const LIMITS = 'Limit  Soft Limit  Hard Limit  Units\n';

const FILES: readonly SharedFile[] = [
  {
    path: 'proc/stat',
    readers: {
      node: byNode(stat, /^node_boot_time_seconds/),
      process: byProcess(/_(?:oldest|youngest)_start_time_seconds|_uptime_seconds/),
    },
    cases: [
      { what: 'the boot time', text: `cpu 1 2 3\nbtime ${BOOT_TIME}\n`, ...booted },
      {
        what: 'no boot time',
        text: 'cpu 1 2 3\nctxt 5\n',
        of: { node: {}, process: {} },
        lost: 'stat:2: expected a line "btime" before the end',
      },
      {
        what: 'a malformed boot time',
        text: 'cpu 1 2 3\nbtime 9x\n',
        of: { node: {}, process: {} },
        lost: 'stat:2: expected a number, found "9x"',
      },
      {
        what: 'a boot time without a value',
        text: 'btime\nctxt 5\n',
        of: { node: {}, process: {} },
        lost: 'stat:1: expected a number, found nothing',
      },
      {
        what: 'two boot times',
        text: `btime ${BOOT_TIME}\nbtime 5\n`,
        ...booted,
        lost: 'stat:2: btime is listed twice',
      },
      { what: 'an empty file', text: '', of: { node: {}, process: {} }, lost: 'stat: the file is empty' },
    ],
  },
  {
    path: SNMP,
    readers: { node: byNode(netstat, /./), snmp: bySnmp() },
    cases: [
      { what: 'both lines', text: 'Udp: RcvbufErrors\nUdp: 5\n', ...dropped(5, 'Udp') },
      {
        what: 'a malformed value',
        text: 'Udp: RcvbufErrors\nUdp: many\n',
        of: {},
        lost: 'snmp:2: Udp_RcvbufErrors: expected a number, found "many"',
      },
      {
        what: 'more names than values',
        text: 'Udp: NoPorts RcvbufErrors\nUdp: 5\n',
        of: {},
        lost: 'snmp:2: the values do not match the names of Udp:',
      },
      {
        what: 'names without values',
        text: 'Tcp: InErrs\nUdp: RcvbufErrors\nUdp: 5\n',
        ...dropped(5, 'Udp'),
        lost: 'snmp:1: missing values line for Tcp:',
      },
      { what: 'an empty file', text: '', of: {}, lost: 'snmp: the file is empty' },
    ],
  },
  {
    path: 'proc/1/net/snmp6',
    readers: {
      node: byNode(netstat, /./),
      snmp: bySnmp({ [SNMP]: 'Udp: NoPorts\nUdp: 1\n' }),
    },
    cases: [
      { what: 'a line', text: 'Udp6RcvbufErrors    5\n', ...dropped(5, 'Udp6') },
      {
        what: 'a malformed value',
        text: 'Udp6RcvbufErrors many\n',
        of: {},
        lost: 'snmp6:1: expected a number, found "many"',
      },
      {
        what: 'a line without a value',
        text: 'Udp6InErrors\nUdp6RcvbufErrors 5\n',
        ...dropped(5, 'Udp6'),
        lost: 'snmp6:1: Udp6InErrors has no value',
      },
      { what: 'an empty file', text: '', of: {}, lost: 'snmp6: the file is empty' },
    ],
  },
  {
    path: 'proc/cpuinfo',
    readers: {
      node: byNode(cpu, /^node_cpu_info/, { info: true }, { 'proc/stat': 'cpu0 1 2 3 4\n', 'sys/x': '' }),
      container: byContainer(/^machine_cpu_(?:cores|physical|sockets)/, {
        name: 'machine',
        others: { 'proc/sys/kernel/osrelease': '6\n' },
      }),
    },
    cases: [
      {
        what: 'two CPUs',
        text: cpuLines('0') + cpuLines('1', '1'),
        ...cpus(['0', '0', '0'], ['0', '1', '1']),
      },
      {
        what: 'a CPU twice',
        text: cpuLines('0') + cpuLines('0', '1'),
        ...cpus(['0', '0', '0']),
        lost: 'cpuinfo:5: CPU 0 is listed twice',
      },
      {
        what: 'a CPU without a number',
        text: cpuLines('x') + cpuLines('1', '1'),
        ...cpus(['0', '1', '1']),
        lost: 'cpuinfo:1: expected a number, found "x"',
      },
      {
        what: 'many cores without a number',
        text: cpuLines('200') + MANY.map((cpu) => cpuLines(cpu, '-1')).join(''),
        ...cpus(['0', '0', '200'], ...MANY.map((cpu) => ['0', '', cpu] as const)),
        lost: 'cpuinfo:7: expected a count, found -1',
      },
      {
        what: 'a core without a number',
        text: cpuLines('0', 'x') + cpuLines('1', '1'),
        ...cpus(['0', '', '0'], ['0', '1', '1']),
        lost: 'cpuinfo:3: expected a number, found "x"',
      },
    ],
  },
  {
    path: 'proc/7/limits',
    readers: {
      process: byProcess(/_filedesc_limit/),
      container: byContainer(/^container_ulimits_soft/, {
        others: { 'sys/fs/cgroup/cgroup.procs': '7\n', 'proc/7/comm': 'web\n' },
      }),
    },
    cases: [
      { what: 'a limit', text: `${LIMITS}Max open files  1024  4096  files\n`, ...limits(1024) },
      { what: 'an empty file', text: '', of: {} },
      {
        what: 'a malformed limit',
        text: `${LIMITS}Max open files  12x  4096  files\n`,
        of: {},
        lost: 'limits:2: expected a line "Max open files" with a number or "unlimited"',
      },
      {
        what: 'no limit',
        text: LIMITS,
        of: {},
        lost: 'limits:1: expected a line "Max open files" with a number or "unlimited"',
      },
    ],
  },
  {
    path: 'proc/swaps',
    readers: { node: byNode(swap, /_size_/), process: byProcess(/memtype="swapped"/) },
    cases: [
      {
        what: 'a malformed line',
        text: 'Filename Type Size Used Priority\n/dev/sda1 partition 12\n/dev/sda2 partition 4 0 -2\n',
        of: {
          node: { 'node_swap_size_bytes{device="/dev/sda2",swap_type="partition"}': 4096 },
          process: { 'namedprocess_namegroup_memory_bytes{groupname="web",memtype="swapped"}': 3072 },
        },
        lost: 'swaps:2: expected a number, found nothing',
      },
      {
        what: 'an empty file',
        text: '',
        of: { process: { 'namedprocess_namegroup_memory_bytes{groupname="web",memtype="swapped"}': 3072 } },
        lost: 'swaps: the file is empty',
      },
    ],
  },
];

testReaders(FILES);

const ODD_OS_RELEASES = {
  'that cannot be read': { put: (path: string) => mkdirSync(path), lost: /\/etc\/os-release: EISDIR$/ },
  'of another format': {
    put: (path: string) => writeFileSync(path, 'some text\n'.repeat(150)),
    lost: /\/etc\/os-release:101: expected KEY=value, found "some text"$/,
  },
};

for (const [kind, { put, lost }] of Object.entries(ODD_OS_RELEASES)) {
  test(`an os-release ${kind} is a loss of each collector, which takes the other file`, async (t) => {
    const paths = hostTree(t, {
      'proc/sys/kernel/osrelease': '6.12.0\n',
      'proc/meminfo': 'MemTotal: 4 kB\nSwapTotal: 2 kB\n',
      'proc/cpuinfo': cpuLines('0'),
      'etc/machine-id': '3d1219c7\n',
      'usr/lib/os-release': 'PRETTY_NAME="Debian"\n',
    });
    put(join(paths.rootfs, 'etc/os-release'));
    for (const [spec, label, options] of [
      [os, 'pretty_name', {}],
      [inventory, 'os', {}],
      [machine, 'osVersion', { families: 'kubelet' }],
    ] as const) {
      const { lines, result } = await collectOnce(spec, paths, options);
      assert.ok(
        lines.some((line) => line.includes(`,${label}="Debian"`)),
        spec.name,
      );
      assert.match(result.errors.map(({ message }) => message).join(), lost, spec.name);
    }
  });
}
