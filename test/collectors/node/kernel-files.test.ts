import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { CollectorSpec } from '../../../src/collectors/collector.ts';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixture, fixturePaths, hostTree } from '../../kit/host-tree.ts';

// The small collectors, most of which read one kernel file: results with a file, without it, and with a damaged one. Samples
// in expected.prom are compared by golden.test.ts; these are the values that are not in that file.

const collector = (name: string): CollectorSpec => {
  const spec = nodeCollectors.find((one) => one.name === name);
  assert.ok(spec, `no collector ${name}`);
  return spec;
};

/** Values computed by hand from the files of test/fixtures/node. */
const FIXTURE_LINES: Readonly<Record<string, readonly string[]>> = {
  entropy: ['node_entropy_available_bits 1337', 'node_entropy_pool_size_bits 4096'],
  kernel_hung: ['node_kernel_hung_tasks_total 42'],
  pressure: [
    'node_pressure_cpu_waiting_seconds_total 14.036781000000001',
    'node_pressure_io_stalled_seconds_total 159.229614',
    'node_pressure_io_waiting_seconds_total 159.886802',
    'node_pressure_irq_stalled_seconds_total 0.008494',
    'node_pressure_memory_stalled_seconds_total 0',
    'node_pressure_memory_waiting_seconds_total 0',
  ],
  schedstat: [
    'node_schedstat_running_seconds_total{cpu="0"} 2045936.778163039',
    'node_schedstat_running_seconds_total{cpu="1"} 1904686.152592476',
    'node_schedstat_timeslices_total{cpu="0"} 4767485306',
    'node_schedstat_timeslices_total{cpu="1"} 5145567945',
    'node_schedstat_waiting_seconds_total{cpu="0"} 343796.328169361',
    'node_schedstat_waiting_seconds_total{cpu="1"} 364107.263788241',
  ],
  vmstat: [
    'node_vmstat_oom_kill 0',
    'node_vmstat_pgfault 2320168809',
    'node_vmstat_pgmajfault 507162',
    'node_vmstat_pgpgin 7344136',
    'node_vmstat_pgpgout 1541180581',
    'node_vmstat_pswpin 1476',
    'node_vmstat_pswpout 35045',
  ],
};
for (const [name, lines] of Object.entries(FIXTURE_LINES)) {
  test(`${name} reads the fixture tree`, async () => {
    assert.deepEqual((await collectOnce(collector(name), fixturePaths())).lines, lines);
  });
}

test("swap has node_exporter's samples", async () => {
  const { lines } = await collectOnce(collector('swap'), fixturePaths());
  const expected = readFileSync(fixture('node/extra/swap/expected.prom'), 'utf8').split('\n');
  assert.deepEqual(
    lines,
    expected.filter((line) => /^\w/.test(line)).map((line) => line.replace('8.589930496e+09', '8589930496')),
  );
});

/** Results on a host without the collector's files: as in node_exporter, this is not a failure of some collectors. */
const ABSENT: Readonly<Record<string, 'nodata' | 'ok'>> = {
  ...Object.fromEntries(
    ['buddyinfo', 'cgroups', 'dmi', 'entropy', 'filefd', 'interrupts', 'kernel_hung', 'meminfo', 'pressure'].map(
      (name) => [name, 'nodata'] as const,
    ),
  ),
  ...Object.fromEntries(
    ['processes', 'rapl', 'schedstat', 'slabinfo', 'softirqs', 'softnet', 'swap', 'uname', 'vmstat', 'watchdog'].map(
      (name) => [name, 'nodata'] as const,
    ),
  ),
  zoneinfo: 'nodata',
  cpu_vulnerabilities: 'nodata',
  edac: 'nodata',
  ksmd: 'nodata',
  meminfo_numa: 'nodata',
  sysctl: 'nodata',
};
for (const [name, outcome] of Object.entries(ABSENT)) {
  test(`${name} has no data on a host without its files`, async (t) => {
    const { result, lines } = await collectOnce(collector(name), hostTree(t, { 'proc/uptime': '', 'sys/x': '' }));
    assert.deepEqual([result.outcome, lines, result.outcome === 'nodata' ? [] : result.errors], [outcome, [], []]);
  });
}

/** A damaged file, and the message of the loss. */
const DAMAGED: readonly (readonly [name: string, path: string, text: string, message: RegExp])[] = [
  ['buddyinfo', 'proc/buddyinfo', 'Node 0, zone DMA 1 2\nNode 0, zone DMA32 1\n', /:2: expected 2 sizes, found 1/],
  ['buddyinfo', 'proc/buddyinfo', 'Node 0, zo', /:1: expected Node <number>, zone <name>/],
  ['cgroups', 'proc/cgroups', '#subsys_name\ncpu\t3\t17', /:2: expected a number, found nothing/],
  ['entropy', 'proc/sys/kernel/random/entropy_avail', '\n', /entropy_avail:1: expected a number, found ""/],
  ['filefd', 'proc/sys/fs/file-nr', '1024\t0', /file-nr:1: expected a number, found nothing/],
  ['interrupts', 'proc/interrupts', ' CPU0 CPU1\n 0: 12 x timer\n', /:2: expected a number, found "x"/],
  ['kernel_hung', 'proc/sys/kernel/hung_task_detect_count', 'many\n', /_count:1: expected a number, found "many"/],
  ['meminfo', 'proc/meminfo', 'MemTotal: 12 kB\nMemFree: 12 MB\n', /meminfo:2: unknown unit "MB"/],
  ['pressure', 'proc/pressure/io', 'some avg10=0.18\n', /io:1: the line has no total/],
  ['pressure', 'proc/pressure/cpu', 'some total=-\n', /cpu:1: expected a number, found "-"/],
  ['schedstat', 'proc/schedstat', 'version 15\ncpu0 1 2 3\n', /:2: expected 10 words, found 4/],
  ['slabinfo', 'proc/slabinfo', 'slabinfo - version: 2.1\nkmalloc-8 1 2 3\n', /:2: expected the name of a slab/],
  ['softirqs', 'proc/softirqs', ' CPU0\n HI: 0x1\n', /:2: expected a number, found "0x1"/],
  ['softnet', 'proc/net/softnet_stat', '0 0 0\n', /:1: expected 9 columns, found 3/],
  ['swap', 'proc/swaps', 'Filename\n/dev/sda1 partition 12\n', /:2: expected a number, found nothing/],
  ['vmstat', 'proc/vmstat', 'pgpgin\n', /:1: expected a field and its value/],
  ['vmstat', 'proc/vmstat', 'pgpg\u0001 1\n', /:1: expected the name of a field/],
  ['zoneinfo', 'proc/zoneinfo', 'Node 0, zone DMA\n  min abc\n', /:2: expected a number, found "abc"/],
];
for (const [name, path, text, message] of DAMAGED) {
  test(`${name} names the damaged line of ${JSON.stringify(text)}`, async (t) => {
    const { result, lines } = await collectOnce(collector(name), hostTree(t, { [path]: text }));
    assert.equal(result.outcome, lines.length > 0 ? 'partial' : 'fault');
    assert.match(result.errors[0]?.message ?? '', message);
  });
}

/** Cases that the fixture tree does not have. */
const CASES: readonly {
  readonly what: string;
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly options?: object;
  readonly lines: readonly string[];
}[] = [
  {
    what: 'counts beyond 2^53 to the nearest double',
    name: 'kernel_hung',
    files: { 'proc/sys/kernel/hung_task_detect_count': '18446744073709551615\n' },
    lines: ['node_kernel_hung_tasks_total 18446744073709552000'],
  },
  {
    what: 'sizes beyond 2^53 exactly, and lines without a unit as bytes',
    name: 'meminfo',
    files: { 'proc/meminfo': 'VmallocTotal: 9007199254740993 kB\nMemFree: 7\nBalloon: 1 kB\n' },
    lines: ['node_memory_MemFree_bytes 7', 'node_memory_VmallocTotal_bytes 9223372036854776000'],
  },
  {
    what: 'only the lines that the files have',
    name: 'pressure',
    files: { 'proc/pressure/irq': 'full avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n' },
    lines: ['node_pressure_irq_stalled_seconds_total 2'],
  },
  {
    what: 'the CPU that newer kernels print, and no sample for fields that older ones lack',
    name: 'softnet',
    files: {
      'proc/net/softnet_stat':
        '00015c73 00020e76 f0000769 0 0 0 0 0 0 0 0 5 0000000b\n0008e78e 00000001 00000011 0 0 0 0 0 2\n',
    },
    lines: [
      'node_softnet_backlog_len{cpu="11"} 5',
      'node_softnet_cpu_collision_total{cpu="1"} 2',
      'node_softnet_cpu_collision_total{cpu="11"} 0',
      'node_softnet_dropped_total{cpu="1"} 1',
      'node_softnet_dropped_total{cpu="11"} 134774',
      'node_softnet_flow_limit_count_total{cpu="11"} 0',
      'node_softnet_processed_total{cpu="1"} 583566',
      'node_softnet_processed_total{cpu="11"} 89203',
      'node_softnet_received_rps_total{cpu="11"} 0',
      'node_softnet_times_squeezed_total{cpu="1"} 17',
      'node_softnet_times_squeezed_total{cpu="11"} 4026533737',
    ],
  },
  {
    what: 'types without a blank before their counts, and devices of several words',
    name: 'interrupts',
    files: { 'proc/interrupts': ' CPU0 CPU1\n 51: 13 0 ITS-MSI 65536 Edge nvme0q0\nIPI0:7 0 Function call\nErr: 0\n' },
    options: { includeZeros: false },
    lines: [
      'node_interrupts_total{cpu="0",type="51",info="ITS-MSI",devices="65536 Edge nvme0q0"} 13',
      'node_interrupts_total{cpu="0",type="IPI0",info="Function call",devices=""} 7',
    ],
  },
  {
    what: 'only selected interrupts',
    name: 'interrupts',
    files: { 'proc/interrupts': ' CPU0\n 1: 5 IO-APIC i8042\nNMI: 6 Non-maskable\n' },
    options: { nameExclude: '^1;IO-APIC;i8042$' },
    lines: ['node_interrupts_total{cpu="0",type="NMI",info="Non-maskable",devices=""} 6'],
  },
  {
    what: 'only selected slabs',
    name: 'slabinfo',
    files: { 'proc/slabinfo': '# name\nkmalloc-8 1 2 3 4 5 : x\nkmalloc-16 1 2 3 4 5\ndentry 1 2 3 4 5\n' },
    options: { slabsInclude: '^kmalloc', slabsExclude: '16$' },
    lines: [
      'node_slabinfo_active_objects{slab="kmalloc-8"} 1',
      'node_slabinfo_object_size_bytes{slab="kmalloc-8"} 3',
      'node_slabinfo_objects_per_slab{slab="kmalloc-8"} 4',
      'node_slabinfo_objects{slab="kmalloc-8"} 2',
      'node_slabinfo_pages_per_slab{slab="kmalloc-8"} 5',
    ],
  },
  {
    what: 'a profit below 0',
    name: 'ksmd',
    files: { 'sys/kernel/mm/ksm/general_profit': '-4096\n', 'sys/kernel/mm/ksm/sleep_millisecs': '20\n' },
    lines: ['node_ksmd_general_profit_bytes -4096', 'node_ksmd_sleep_seconds 0.02'],
  },
  {
    what: 'swap files of low priority',
    name: 'swap',
    files: { 'proc/swaps': 'Filename Type Size Used Priority\n/a\\040b file 8 4 -2\n' },
    lines: [
      'node_swap_priority{device="/a\\\\040b",swap_type="file"} -2',
      'node_swap_size_bytes{device="/a\\\\040b",swap_type="file"} 8192',
      'node_swap_used_bytes{device="/a\\\\040b",swap_type="file"} 4096',
    ],
  },
  {
    what: 'other fields when configured',
    name: 'vmstat',
    files: { 'proc/vmstat': 'nr_free_pages 5\npgpgin 6\n' },
    options: { fields: '^nr_' },
    lines: ['node_vmstat_nr_free_pages 5'],
  },
];
for (const { what, name, files, options, lines } of CASES) {
  test(`${name}: ${what}`, async (t) => {
    const collected = await collectOnce(collector(name), hostTree(t, files), options);
    assert.deepEqual([collected.lines, collected.result.outcome], [lines, 'ok']);
  });
}

test('interrupts rejects an include together with an exclude expression', () => {
  assert.throws(
    () => collectOnce(collector('interrupts'), fixturePaths(), { nameInclude: 'a', nameExclude: 'b' }),
    /include and exclude expressions are mutually exclusive/,
  );
});

for (const [name, file, text] of [
  ['lnstat', 'proc/net/stat/arp_cache', 'en(tries\n1\n'],
  ['meminfo_numa', 'sys/devices/system/node/node0/meminfo', 'Node 0 Active(ano(: 1 kB\n'],
  ['netstat', 'proc/net/netstat', 'Ip: InErrs InErr(InErrs\nIp: 1 2\n'],
  ['sockstat', 'proc/net/sockstat', 'T(P: inuse 4\n'],
] as const) {
  test(`${name}: a damaged name does not become a metric`, async (t) => {
    const options = name === 'netstat' ? { fields: '.' } : {};
    const { result } = await collectOnce(collector(name), hostTree(t, { [file]: text }), options);
    assert.equal(result.errors.length, 1);
    assert.match(String(result.errors[0]), /invalid metric name: "node_\w+\(/);
  });
}
